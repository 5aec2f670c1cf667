//! Plans steps: the tool's parameters worked out, and a name for people.

use std::collections::BTreeMap;

use cel::Context;
use keirin_model::plan::{Artifacts, Condition, StepPlan, Tool};

use crate::paths::{self, PathError};
use crate::plan::Planner;
use crate::problem::{Problem, Span};
use crate::template::Template;
use crate::workflow::{Action, Step};

/// Characters of a step's name.
const LONGEST_NAME: usize = 80;

impl Planner<'_> {
    /// Plans a step whose own environment has been worked out.
    pub(crate) fn step(
        &mut self,
        step: &Step,
        env: BTreeMap<String, String>,
        scope: &Context<'_, '_>,
    ) -> StepPlan {
        let tool = self.tool(&step.action, scope);
        if let Condition::Expression(condition) = &step.when {
            self.charge(condition, step.span);
        }
        let name = match self.optional_text(step.name.as_ref(), scope) {
            Some(name) => shorten(&name),
            None => shorten(&in_short(&tool)),
        };
        StepPlan {
            name,
            tool,
            when: step.when.clone(),
            timeout: self.duration(step.timeout.as_ref(), scope),
            env,
            cwd: self.folder(step.cwd.as_ref(), scope),
        }
    }

    fn tool(&mut self, action: &Action, scope: &Context<'_, '_>) -> Tool {
        match action {
            Action::Shell { run, shell } => {
                shell
                    .iter()
                    .flatten()
                    .for_each(|argument| self.charge(argument, run.span));
                Tool::Shell {
                    run: self.text(run, scope),
                    shell: shell.clone(),
                }
            }
            Action::Git {
                repository,
                revision,
                depth,
                destination,
                tags,
                submodules,
            } => Tool::Git {
                repository: self.argument(repository, scope),
                revision: revision.as_ref().map(|revision| self.argument(revision, scope)),
                depth: depth.as_ref().map(|depth| {
                    let depth = self.evaluate(depth, |depth| depth.integer(scope, 1, 1_000_000));
                    u32::try_from(depth).unwrap_or_default()
                }),
                destination: self.folder(destination.as_ref(), scope),
                tags: tags.as_ref().map(|tags| self.boolean(Some(tags), scope)),
                submodules: self.boolean(submodules.as_ref(), scope),
            },
            Action::Upload { paths } => Tool::Artifacts(Artifacts::Upload {
                paths: self.globs(paths, scope),
            }),
            Action::Download {
                paths,
                from,
                destination,
            } => Tool::Artifacts(Artifacts::Download {
                paths: self.globs(paths, scope),
                from: self.texts(from, scope).into_iter().map(|(_, job)| job).collect(),
                destination: self.folder(destination.as_ref(), scope),
            }),
            Action::JunitCollect { files } => Tool::JunitCollect {
                files: self.globs(files, scope),
            },
        }
    }

    fn checked(&mut self, text: String, span: Span, check: fn(&str) -> Result<(), PathError>) -> String {
        if let Err(error) = check(&text) {
            self.problems.push(error.problem(span));
        }
        text
    }

    fn folder(&mut self, template: Option<&Template>, scope: &Context<'_, '_>) -> Option<String> {
        let template = template?;
        let text = self.text(template, scope);
        Some(self.checked(text, template.span, paths::check_folder))
    }

    fn argument(&mut self, template: &Template, scope: &Context<'_, '_>) -> String {
        let text = self.text(template, scope);
        self.checked(text, template.span, paths::check_argument)
    }

    fn globs(&mut self, templates: &[Template], scope: &Context<'_, '_>) -> Vec<String> {
        let before = self.problems.errors();
        let mut globs = Vec::new();
        for (span, text) in self.texts(templates, scope) {
            globs.push(self.checked(text, span, paths::check_glob));
        }
        if let (true, Some(template)) = (
            globs.is_empty() && self.problems.errors() == before,
            templates.first(),
        ) {
            self.problems.push(Problem::error(
                template.span,
                "this names no files: the expression gives an empty list",
            ));
        }
        let texts: Vec<&str> = globs.iter().map(String::as_str).collect();
        if let (true, Some(template), Err(error)) = (
            self.problems.errors() == before,
            templates.first(),
            paths::check_list(&texts),
        ) {
            self.problems.push(error.problem(template.span));
        }
        globs
    }
}

/// What a step without a name does.
fn in_short(tool: &Tool) -> String {
    let first = |paths: &[String]| paths.join(" ");
    match tool {
        Tool::Shell { run, .. } => {
            let line = run
                .lines()
                .map(str::trim)
                .find(|line| !line.is_empty() && !line.starts_with('#'));
            line.unwrap_or("shell").to_owned()
        }
        Tool::Git { repository, .. } => format!("git {repository}"),
        Tool::Artifacts(Artifacts::Upload { paths }) => format!("artifacts upload {}", first(paths)),
        Tool::Artifacts(Artifacts::Download { paths, .. }) => format!("artifacts download {}", first(paths)),
        Tool::JunitCollect { files } => format!("junit_collect {}", first(files)),
    }
}

fn shorten(name: &str) -> String {
    let mut line = name.lines().next().unwrap_or_default().trim().chars();
    let mut short: String = line
        .by_ref()
        .take(LONGEST_NAME)
        .filter(|character| !character.is_control())
        .collect();
    if line.next().is_some() {
        short.push('…');
    }
    short
}
