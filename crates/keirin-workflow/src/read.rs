//! From the tree to a workflow. Shapes have been reported by then, so what does not have the right one is passed over
//! here, and only what it means is checked.

use keirin_model::access::Role;
use keirin_model::plan::{Artifacts, Start};

use crate::duration::{self, DurationError};
use crate::format::{self, MOST_JOBS};
use crate::graph;
use crate::names::{Fields, Names};
use crate::outside::Outside;
use crate::params::ParamKind;
use crate::plan::names;
use crate::problem::{Located, Problem, Problems, Source, did_you_mean, quote};
use crate::read_params::read_params;
use crate::read_triggers::read_triggers;
use crate::template::Template;
use crate::tree::{Entry, Node};
use crate::workflow::{Action, Concurrency, Content, Settings, Stage};

/// Reads a whole file.
pub(crate) fn read(root: &Node, source: &Source, problems: &mut Problems) -> Content {
    let params = root
        .get("params")
        .map(|node| read_params(node, problems))
        .unwrap_or_default();
    let triggers = read_triggers(root.entry("triggers"), problems);
    let text_params = params
        .iter()
        .filter(|param| param.kind == ParamKind::String)
        .map(|param| param.name.clone())
        .collect();
    let names = names_of_a_flow(params.iter().map(|param| param.name.as_str()));
    let mut reader = Reader {
        source,
        problems,
        outside: Outside { text_params },
        jobs: 0,
    };
    let defaults = root
        .get("defaults")
        .map(|node| reader.settings(node, &names))
        .unwrap_or_default();
    let concurrency = root
        .get("concurrency")
        .and_then(|node| reader.concurrency(node, &names));
    let stages: Vec<Stage> = root
        .get("stages")
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .take(format::MOST_STAGES)
        .map(|entry| reader.stage(entry, &names))
        .collect();
    let items: Vec<graph::Item<'_>> = stages
        .iter()
        .map(|stage| graph::Item {
            name: &stage.name.value,
            needs: &stage.needs,
        })
        .collect();
    graph::check("stage", &items, problems);
    check_keepers(&stages, problems);
    Content {
        triggers,
        params,
        defaults,
        concurrency,
        stages,
    }
}

/// Reports jobs whose kept files are to be brought back and which the file does not have.
fn check_keepers(stages: &[Stage], problems: &mut Problems) {
    let jobs = |stage: &Stage| stage.jobs.iter().flat_map(names).collect::<Vec<_>>();
    let known: Vec<(&str, String)> = stages
        .iter()
        .flat_map(|stage| {
            jobs(stage)
                .into_iter()
                .map(|job| (stage.name.value.as_str(), job))
        })
        .collect();
    let steps = stages
        .iter()
        .flat_map(|stage| &stage.jobs)
        .flat_map(|job| &job.steps);
    for step in steps {
        let Action::Download { from, .. } = &step.action else {
            continue;
        };
        for template in from {
            let Some(keeper) = template.as_fixed() else {
                continue;
            };
            if known
                .iter()
                .any(|(stage, job)| Artifacts::is_from(keeper, stage, job))
            {
                continue;
            }
            let keys = known.iter().filter_map(|(_, job)| job.split(" (").next());
            let likely = did_you_mean(keeper, known.iter().map(|(_, job)| job.as_str()).chain(keys));
            let message = format!("there is no job {}", quote(keeper));
            problems.push(Problem::error(template.span, message).help_if(likely));
        }
    }
}

/// What every expression of a file may use.
fn names_of_a_flow<'a>(params: impl Iterator<Item = &'a str>) -> Names {
    Names::default()
        .with("params", Fields::these(params))
        .with("branch", Fields::these(["name"]))
        .with("project", Fields::these(["name"]))
        .with("flow", Fields::these(["kind", "number"]))
        .with("commit", Fields::None)
        .with("change", Fields::these(["base", "head", "author", "title"]))
        .without("matrix", "`matrix` is known in a job that has one")
        .without("env", "`env` is known in the steps of a job")
        .without("steps", "`steps` is known in the `when` of a step")
        .without("job", "`job` is known in the `when` of a step")
}

/// What reading needs at hand.
pub(crate) struct Reader<'a> {
    pub(crate) source: &'a Source,
    pub(crate) problems: &'a mut Problems,
    pub(crate) outside: Outside,
    /// Jobs so far, each point of a matrix counted.
    pub(crate) jobs: usize,
}

impl Reader<'_> {
    /// A scalar with its expressions.
    pub(crate) fn template(&mut self, node: &Node, names: &Names) -> Option<Template> {
        node.text()?;
        if self.problems.are_many() {
            return None;
        }
        match Template::read(node, self.source, names) {
            Ok(template) => Some(template),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    pub(crate) fn key(&mut self, node: &Node, key: &str, names: &Names) -> Option<Template> {
        node.get(key).and_then(|value| self.template(value, names))
    }

    /// A scalar that is one value: fixed, or one whole expression.
    pub(crate) fn single(&mut self, node: &Node, key: &str, names: &Names) -> Option<Template> {
        let template = self.key(node, key, names)?;
        if template.as_fixed().is_none() && template.whole().is_none() {
            let message = format!("`{key}` takes a single expression");
            self.problems
                .push(Problem::error(template.span, message).help("join its parts within one `${{ }}`"));
            return None;
        }
        Some(template)
    }

    pub(crate) fn duration(&mut self, node: &Node, key: &str, names: &Names) -> Option<Template> {
        let template = self.single(node, key, names)?;
        if let Some(Err(error)) = template.as_fixed().map(duration::parse) {
            // The form has been reported as a wrong shape already.
            if error != DurationError::Form {
                let message = format!("{} {error}", quote(self.source.slice(template.span)));
                self.problems
                    .push(Problem::error(template.span, message).help_if(error.help()));
            }
        }
        Some(template)
    }

    pub(crate) fn templates(&mut self, node: &Node, names: &Names) -> Vec<Template> {
        node.one_or_many()
            .iter()
            .filter_map(|item| self.template(item, names))
            .collect()
    }

    pub(crate) fn settings(&mut self, node: &Node, names: &Names) -> Settings {
        if let Some(entry) = node.entry("system") {
            let message = "`system` changes nothing: the executor `bare` takes the agent's machine as it is";
            let help = "remove it, or ask for a fitting agent by `labels`";
            self.problems
                .push(Problem::warning(entry.key_span, message).help(help));
        }
        Settings {
            executor: self.single(node, "executor", names),
            system: self.key(node, "system", names),
            group: self.key(node, "group", names),
            labels: node.get("labels").map(|labels| self.templates(labels, names)),
            priority: self.single(node, "priority", names),
            timeout: self.duration(node, "timeout", names),
        }
    }

    fn concurrency(&mut self, node: &Node, names: &Names) -> Option<Concurrency> {
        if node.text().is_some() {
            return Some(Concurrency {
                group: self.template(node, names)?,
                cancel_in_progress: None,
            });
        }
        let group = self.key(node, "group", names);
        let cancel_in_progress = self.single(node, "cancel_in_progress", names);
        Some(Concurrency {
            group: group?,
            cancel_in_progress,
        })
    }

    fn stage(&mut self, entry: &Entry, names: &Names) -> Stage {
        let node = &entry.value;
        let mut jobs = Vec::new();
        for job in node.get("jobs").map(Node::entries).unwrap_or_default() {
            jobs.push(self.job(job, names));
            if self.jobs > MOST_JOBS {
                let message = format!(
                    "the workflow has more than {MOST_JOBS} jobs, each combination of a matrix counted"
                );
                self.problems.push(Problem::error(job.key_span, message));
                break;
            }
        }
        let items: Vec<graph::Item<'_>> = jobs
            .iter()
            .map(|job| graph::Item {
                name: &job.key.value,
                needs: &job.needs,
            })
            .collect();
        graph::check("job", &items, self.problems);
        Stage {
            name: Located {
                value: entry.key.clone(),
                span: entry.key_span,
            },
            needs: needs(node),
            start: node.get("start").map(start).unwrap_or_default(),
            environment: self.key(node, "environment", names),
            exclusive: self.single(node, "exclusive", names),
            timeout: self.duration(node, "timeout", names),
            jobs,
        }
    }
}

/// The names that a stage or a job needs.
pub(crate) fn needs(node: &Node) -> Vec<Located<String>> {
    let items = node
        .get("needs")
        .map(Node::one_or_many)
        .unwrap_or_default()
        .iter();
    items
        .filter_map(|item| {
            Some(Located {
                value: item.text()?.to_owned(),
                span: item.span,
            })
        })
        .collect()
}

/// Who may start flows and stages by hand, where nothing else is said.
pub(crate) const BY_HAND: Role = Role::Developer;

/// The role that a manual start takes.
pub(crate) fn role_of(manual: &Node) -> Role {
    let role = manual.get("role").or(Some(manual)).and_then(Node::text);
    role.and_then(|role| role.parse().ok()).unwrap_or(BY_HAND)
}

fn start(node: &Node) -> Start {
    match (node.text(), node.get("manual")) {
        (Some("manual"), _) => Start::Manual { role: BY_HAND },
        (_, Some(manual)) => Start::Manual {
            role: role_of(manual),
        },
        _ => Start::Automatic,
    }
}
