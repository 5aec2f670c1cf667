//! From a workflow to a plan: parameters filled in, matrices spread, every expression worked out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cel::{Context, Value};
use jiff::SignedDuration;
use keirin_model::flow::ParamValue;
use keirin_model::plan::{Concurrency, Executor, JobPlan, Plan, Requirements, Retry, StagePlan, StepPlan};

use crate::budget::Budget;
use crate::diagnostic::Diagnostics;
use crate::format;
use crate::matrix::Point;
use crate::params;
use crate::plan_context::{PlanContext, scope_of_a_flow};
use crate::problem::{Problem, Problems, Span, quote};
use crate::template::Template;
use crate::workflow::{Environment, Job, Settings, Stage, Step, Workflow};

/// Characters of a concurrency group, an environment, an agents group or a label.
const LONGEST_NAME: usize = 200;

impl Workflow {
    /// Every parameter with its value: the given one, else its default.
    ///
    /// # Errors
    /// Unknown parameters, values of the wrong type, and parameters without a value.
    pub fn fill_params(
        &self,
        given: &BTreeMap<String, ParamValue>,
    ) -> Result<BTreeMap<String, ParamValue>, Diagnostics> {
        let mut problems = Problems::default();
        let filled = params::fill(self.params(), given, &mut problems);
        if problems.has_errors() {
            Err(self.source.diagnostics(problems))
        } else {
            Ok(filled)
        }
    }

    /// Works out what a flow will do.
    ///
    /// # Errors
    /// What is wrong with the parameters, and every expression that cannot be worked out.
    pub fn plan(&self, context: &PlanContext) -> Result<Plan, Diagnostics> {
        let filled = self.fill_params(&context.params)?;
        let scope = scope_of_a_flow(context, &filled);
        let mut planner = Planner {
            workflow: self,
            context,
            problems: Problems::default(),
            budget: Budget::default(),
        };
        let concurrency = planner.concurrency(&scope);
        let mut stages = Vec::new();
        for stage in &self.content.stages {
            stages.push(planner.stage(stage, &scope));
        }
        if planner.problems.has_errors() {
            return Err(self.source.diagnostics(planner.problems));
        }
        Ok(Plan {
            workflow: self.name.clone(),
            concurrency,
            stages,
        })
    }
}

/// The working out of one plan.
pub(crate) struct Planner<'a> {
    workflow: &'a Workflow,
    context: &'a PlanContext,
    pub(crate) problems: Problems,
    budget: Budget,
}

impl Planner<'_> {
    /// Works a value out, or the type's own default once the problem has been noted.
    pub(crate) fn evaluate<T: Default>(
        &mut self,
        template: &Template,
        work_out: impl FnOnce(&Template) -> Result<T, Problem>,
    ) -> T {
        if self.budget.is_spent() {
            return T::default();
        }
        let work = template
            .expressions()
            .map(|(_, expression)| expression.work())
            .fold(0, usize::saturating_add);
        let charged = self.budget.charge_work(work, template.span);
        charged
            .and_then(|()| work_out(template))
            .unwrap_or_else(|problem| {
                self.problems.push(problem);
                T::default()
            })
    }

    pub(crate) fn charge(&mut self, text: &str, span: Span) {
        if let Err(problem) = self.budget.charge_text(text, span) {
            self.problems.push(problem);
        }
    }

    /// A text that goes to programs, which end texts at a NUL character.
    pub(crate) fn text(&mut self, template: &Template, scope: &Context<'_, '_>) -> String {
        let text = self.evaluate(template, |template| template.text(scope));
        self.charge(&text, template.span);
        if text.contains('\0') {
            self.problems.push(Problem::error(
                template.span,
                "this holds a NUL character, which no program takes",
            ));
        }
        text
    }

    pub(crate) fn optional_text(
        &mut self,
        template: Option<&Template>,
        scope: &Context<'_, '_>,
    ) -> Option<String> {
        template.map(|template| self.text(template, scope))
    }

    /// A text that cannot be empty or long, because it names something.
    fn name(&mut self, template: &Template, scope: &Context<'_, '_>) -> String {
        let before = self.problems.errors();
        let text = self.text(template, scope);
        let fits =
            !text.is_empty() && text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control);
        if !fits && self.problems.errors() == before && !self.budget.is_spent() {
            let message = format!(
                "{} is no name: it has 1 to {LONGEST_NAME} characters in one line",
                quote(&text)
            );
            self.problems.push(Problem::error(template.span, message));
        }
        text
    }

    pub(crate) fn texts(&mut self, templates: &[Template], scope: &Context<'_, '_>) -> Vec<(Span, String)> {
        let mut all = Vec::new();
        for template in templates {
            if self.budget.is_spent() {
                break;
            }
            for text in self.evaluate(template, |template| template.texts(scope)) {
                self.charge(&text, template.span);
                all.push((template.span, text));
            }
        }
        all
    }

    pub(crate) fn duration(
        &mut self,
        template: Option<&Template>,
        scope: &Context<'_, '_>,
    ) -> Option<SignedDuration> {
        template.map(|template| self.evaluate(template, |template| template.duration(scope)))
    }

    pub(crate) fn boolean(&mut self, template: Option<&Template>, scope: &Context<'_, '_>) -> bool {
        template.is_some_and(|template| self.evaluate(template, |template| template.boolean(scope)))
    }

    fn concurrency(&mut self, scope: &Context<'_, '_>) -> Option<Concurrency> {
        let concurrency = self.workflow.content.concurrency.as_ref()?;
        let group = self.name(&concurrency.group, scope);
        let cancel_in_progress = self.boolean(concurrency.cancel_in_progress.as_ref(), scope);
        Some(Concurrency {
            group,
            cancel_in_progress,
        })
    }

    fn stage(&mut self, stage: &Stage, scope: &Context<'_, '_>) -> StagePlan {
        let instances: HashMap<&str, Vec<String>> = stage
            .jobs
            .iter()
            .map(|job| (job.key.value.as_str(), names(job)))
            .collect();
        let mut jobs = Vec::new();
        for job in &stage.jobs {
            let needs = job
                .needs
                .iter()
                .filter_map(|need| instances.get(need.value.as_str()))
                .flatten();
            let mut seen = BTreeSet::new();
            let needs: Vec<String> = needs.filter(|need| seen.insert(*need)).cloned().collect();
            match &job.matrix {
                None => jobs.push(self.job(job, None, &needs, scope)),
                Some(matrix) => {
                    for point in matrix.points.iter() {
                        if self.budget.is_spent() || self.problems.are_many() {
                            break;
                        }
                        let mut in_job = scope.new_inner_scope();
                        let values = point
                            .0
                            .iter()
                            .map(|(axis, value)| (axis.clone(), Value::from(value.as_str())));
                        in_job.add_variable_from_value("matrix", values.collect::<HashMap<_, _>>());
                        jobs.push(self.job(job, Some(point), &needs, &in_job));
                    }
                }
            }
        }
        StagePlan {
            name: stage.name.value.clone(),
            needs: unique(stage.needs.iter().map(|need| need.value.clone())),
            start: stage.start,
            environment: stage
                .environment
                .as_ref()
                .map(|template| self.name(template, scope)),
            exclusive: self.boolean(stage.exclusive.as_ref(), scope),
            timeout: self.duration(stage.timeout.as_ref(), scope),
            jobs,
        }
    }

    fn job(
        &mut self,
        job: &Job,
        point: Option<&Point>,
        needs: &[String],
        scope: &Context<'_, '_>,
    ) -> JobPlan {
        needs.iter().for_each(|need| self.charge(need, job.key.span));
        let env = self.environment(&job.env, scope);
        let mut in_steps = scope.new_inner_scope();
        in_steps.add_variable_from_value("env", variables(&env));
        let mut steps: Vec<StepPlan> = Vec::new();
        for step in &job.steps {
            steps.push(self.step_in(step, &env, &in_steps));
        }
        let settings = Merged {
            job: &job.settings,
            defaults: &self.workflow.content.defaults,
        };
        let priority = settings
            .pick(|settings| settings.priority.as_ref())
            .map_or(0, |template| {
                let priority = self.evaluate(template, |template| template.integer(scope, -1000, 1000));
                i32::try_from(priority).unwrap_or_default()
            });
        let lost = job.retry_lost.as_ref().map_or(Retry::default().lost, |template| {
            let lost = self.evaluate(template, |template| template.integer(scope, 0, 10));
            u32::try_from(lost).unwrap_or_default()
        });
        let timeout = settings.pick(|settings| settings.timeout.as_ref());
        JobPlan {
            name: name(job, point),
            key: job.key.value.clone(),
            matrix: point
                .map(|point| point.0.iter().cloned().collect())
                .unwrap_or_default(),
            needs: needs.to_vec(),
            requirements: self.requirements(&settings, scope),
            priority,
            timeout: self
                .duration(timeout, scope)
                .unwrap_or(self.context.defaults.timeout),
            retry: Retry { lost },
            env,
            steps,
        }
    }

    fn step_in(
        &mut self,
        step: &Step,
        job_env: &BTreeMap<String, String>,
        scope: &Context<'_, '_>,
    ) -> StepPlan {
        let env = self.environment(&step.env, scope);
        if env.is_empty() {
            return self.step(step, env, scope);
        }
        let mut all = job_env.clone();
        all.extend(env.clone());
        let mut inner = scope.new_inner_scope();
        inner.add_variable_from_value("env", variables(&all));
        self.step(step, env, &inner)
    }

    fn environment(&mut self, env: &Environment, scope: &Context<'_, '_>) -> BTreeMap<String, String> {
        env.iter()
            .map(|(name, template)| (name.clone(), self.text(template, scope)))
            .collect()
    }

    fn requirements(&mut self, settings: &Merged<'_>, scope: &Context<'_, '_>) -> Requirements {
        let defaults = &self.context.defaults;
        let anywhere = defaults.any_executor;
        let executor = settings
            .pick(|settings| settings.executor.as_ref())
            .map_or(Executor::Bare, |template| {
                self.evaluate(template, |template| executor(template, anywhere, scope))
            });
        let group = settings.pick(|settings| settings.group.as_ref());
        let group = group.map_or_else(|| defaults.group.clone(), |template| self.name(template, scope));
        let labels = settings
            .pick(|settings| settings.labels.as_deref())
            .unwrap_or_default();
        let system = settings.pick(|settings| settings.system.as_ref());
        Requirements {
            group,
            labels: self
                .texts(labels, scope)
                .into_iter()
                .map(|(_, label)| label)
                .collect(),
            executor,
            system: self.optional_text(system, scope),
        }
    }
}

/// What the job says, else what the file's defaults say.
struct Merged<'a> {
    job: &'a Settings,
    defaults: &'a Settings,
}

impl<'a> Merged<'a> {
    fn pick<T: ?Sized>(&self, of: impl Fn(&'a Settings) -> Option<&'a T>) -> Option<&'a T> {
        of(self.job).or_else(|| of(self.defaults))
    }
}

/// The executor that a job asks for. One that no agent offers is refused, because the job would wait for ever, unless it
/// runs `anywhere`: then it is taken for the executor that there is.
fn executor(template: &Template, anywhere: bool, scope: &Context<'_, '_>) -> Result<Executor, Problem> {
    let text = template.text(scope)?;
    match text.as_str() {
        "bare" => Ok(Executor::Bare),
        _ if !format::EXECUTORS.contains(&text.as_str()) => {
            let message = format!("there is no executor {}", quote(&text));
            Err(Problem::error(template.span, message)
                .help(format!("there are {}", format::EXECUTORS.join(", "))))
        }
        _ if anywhere => Ok(Executor::Bare),
        _ => {
            let message = format!(
                "the executor {} is not available yet: no agent of this version offers it",
                quote(&text)
            );
            let help = "write `bare`: the steps run as processes of the agent's machine; `keirin exec --bare` takes \
                        any executor for it";
            Err(Problem::error(template.span, message).help(help))
        }
    }
}

fn variables(env: &BTreeMap<String, String>) -> HashMap<String, Value> {
    env.iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect()
}

fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// The names of all jobs that a key makes.
pub(crate) fn names(job: &Job) -> Vec<String> {
    match &job.matrix {
        None => vec![name(job, None)],
        Some(matrix) => matrix.points.iter().map(|point| name(job, Some(point))).collect(),
    }
}

fn name(job: &Job, point: Option<&Point>) -> String {
    match point {
        None => job.key.value.clone(),
        Some(point) => format!("{} ({})", job.key.value, point.label()),
    }
}
