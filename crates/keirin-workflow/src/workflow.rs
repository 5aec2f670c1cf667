//! A workflow: the file read and found right, its expressions not yet worked out.

use keirin_model::plan::{Condition, Start};
use keirin_model::trigger::Triggers;

use crate::check;
use crate::diagnostic::Diagnostics;
use crate::matrix::Matrix;
use crate::params::Param;
use crate::problem::{Located, Problems, Source, Span};
use crate::read;
use crate::template::Template;
use crate::yaml;

/// A workflow that has been read and checked.
#[derive(Debug, Clone)]
pub struct Workflow {
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) content: Content,
    warnings: Diagnostics,
}

/// What the file says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    pub(crate) triggers: Triggers,
    pub(crate) params: Vec<Param>,
    pub(crate) defaults: Settings,
    pub(crate) concurrency: Option<Concurrency>,
    pub(crate) stages: Vec<Stage>,
}

#[derive(Debug, Clone)]
pub(crate) struct Concurrency {
    pub(crate) group: Template,
    pub(crate) cancel_in_progress: Option<Template>,
}

#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) name: Located<String>,
    pub(crate) needs: Vec<Located<String>>,
    pub(crate) start: Start,
    pub(crate) environment: Option<Template>,
    pub(crate) exclusive: Option<Template>,
    pub(crate) timeout: Option<Template>,
    pub(crate) jobs: Vec<Job>,
}

#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) key: Located<String>,
    pub(crate) matrix: Option<Matrix>,
    pub(crate) needs: Vec<Located<String>>,
    pub(crate) retry_lost: Option<Template>,
    pub(crate) env: Environment,
    pub(crate) settings: Settings,
    pub(crate) steps: Vec<Step>,
}

/// Variables in the order of the file.
pub(crate) type Environment = Vec<(String, Template)>;

/// What a job says of where and how it runs, or the file's defaults.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) executor: Option<Template>,
    pub(crate) system: Option<Template>,
    pub(crate) group: Option<Template>,
    pub(crate) labels: Option<Vec<Template>>,
    pub(crate) priority: Option<Template>,
    pub(crate) timeout: Option<Template>,
}

#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) span: Span,
    pub(crate) name: Option<Template>,
    pub(crate) action: Action,
    pub(crate) when: Condition,
    pub(crate) timeout: Option<Template>,
    pub(crate) env: Environment,
    pub(crate) cwd: Option<Template>,
}

/// A tool with its parameters, their expressions not yet worked out.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Shell {
        run: Template,
        shell: Option<Vec<String>>,
    },
    Git {
        repository: Template,
        revision: Option<Template>,
        depth: Option<Template>,
        destination: Option<Template>,
        tags: Option<Template>,
        submodules: Option<Template>,
    },
    Upload {
        paths: Vec<Template>,
    },
    Download {
        paths: Vec<Template>,
        from: Vec<Template>,
        destination: Option<Template>,
    },
    JunitCollect {
        files: Vec<Template>,
    },
}

/// The triggers of a file that is broken elsewhere; `None` where they are broken themselves.
pub fn read_triggers(text: &str) -> Option<Triggers> {
    let mut problems = Problems::default();
    let root = yaml::parse(text, &mut problems)?;
    if problems.has_errors() {
        return None;
    }
    let triggers = crate::read_triggers::read_triggers(root.entry("triggers"), &mut problems);
    (!problems.has_errors()).then_some(triggers)
}

impl Workflow {
    /// Reads a workflow file and checks all of it. `file` is its name in diagnostics, `name` the workflow's.
    ///
    /// # Errors
    /// All that is wrong with the file, warnings among it.
    pub fn parse(file: &str, name: &str, text: &str) -> Result<Self, Diagnostics> {
        let source = Source::new(file, text);
        let mut problems = Problems::default();
        let content = match yaml::parse(text, &mut problems) {
            Some(root) => {
                check::check(&root, &mut problems);
                read::read(&root, &source, &mut problems)
            }
            None => Content::default(),
        };
        let has_errors = problems.has_errors();
        let diagnostics = source.diagnostics(problems);
        if has_errors {
            return Err(diagnostics);
        }
        Ok(Self {
            name: name.to_owned(),
            source,
            content,
            warnings: diagnostics,
        })
    }

    /// Its name: `default` for `.keirin.yaml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What starts its flows.
    pub fn triggers(&self) -> &Triggers {
        &self.content.triggers
    }

    /// What its flows can be started with, in the order of the file.
    pub fn params(&self) -> &[Param] {
        &self.content.params
    }

    /// What is probably not meant.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }
}
