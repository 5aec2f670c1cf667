//! `keirin check`: says what is wrong with workflow files, and what they would run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_model::flow::FlowKind;
use keirin_model::plan::{Plan, Start};
use keirin_workflow::{Diagnostics, FlowContext, PlanContext, PlanDefaults, Workflow};
use serde_json::json;

/// The usual place of the default workflow.
const DEFAULT_FILE: &str = ".keirin.yaml";
/// The largest workflow file, in bytes; the server reads no larger one either.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Checks workflow files and shows what they would run.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The files [default: `.keirin.yaml` in this folder or the nearest one above]
    files: Vec<PathBuf>,
}

/// A workflow file as it was read.
pub struct WorkflowText {
    /// Its name for people.
    pub file: String,
    /// The workflow's name.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// Checks the files.
///
/// # Errors
/// When a file cannot be read.
pub fn check(arguments: CheckArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let mut files = arguments.files;
    if files.is_empty() {
        let Some(found) = find_workflow(None)? else {
            output.error(
                "there is no `.keirin.yaml` in this folder or in one above; `keirin init` proposes one",
            );
            return Ok(CommandExit::Usage);
        };
        files.push(found);
    }
    let mut exit = CommandExit::Success;
    let mut all = Vec::new();
    let mut plans = Vec::new();
    for file in &files {
        let text = match read_workflow(file) {
            Ok(text) => text,
            Err(error) => {
                output.error(format!("{error:#}"));
                return Ok(CommandExit::Usage);
            }
        };
        let (wrong, plan) = look_at(&text);
        if wrong.has_errors() {
            exit = CommandExit::Usage;
        }
        if !output.is_json() {
            if !wrong.is_empty() {
                output.say(wrong.render(&text.text, output.error_has_colours()));
            }
            match &plan {
                Some(plan) => show(plan, &text, output),
                None => output.say(summary(&wrong, &text)),
            }
        }
        all.extend(wrong.0);
        plans.push(plan);
    }
    if output.is_json() {
        // One file is the usual case, and its plan stands by itself.
        let plan = match plans.len() {
            1 => json!(plans.pop()),
            _ => json!(plans),
        };
        output.document(&json!({ "diagnostics": all, "plan": plan }));
    }
    Ok(exit)
}

/// What is wrong with a file, and what it would run with default parameters and example values.
pub fn look_at(text: &WorkflowText) -> (Diagnostics, Option<Plan>) {
    let workflow = match Workflow::parse(&text.file, &text.name, &text.text) {
        Ok(workflow) => workflow,
        Err(wrong) => return (wrong, None),
    };
    let mut wrong = workflow.warnings().clone();
    let context = PlanContext {
        project: "project".to_owned(),
        branch: "main".to_owned(),
        flow: FlowContext {
            number: 1,
            kind: FlowKind::Ci,
        },
        commit: None,
        change: None,
        params: BTreeMap::new(),
        defaults: PlanDefaults::default(),
    };
    match workflow.plan(&context) {
        Ok(plan) => (wrong, Some(plan)),
        Err(more) => {
            wrong.0.extend(more.0);
            (wrong, None)
        }
    }
}

fn summary(wrong: &Diagnostics, text: &WorkflowText) -> String {
    let errors = wrong
        .0
        .iter()
        .filter(|fault| fault.severity == keirin_workflow::Severity::Error)
        .count();
    format!(
        "{}: {errors} error{}",
        text.file,
        if errors == 1 { "" } else { "s" }
    )
}

fn show(plan: &Plan, text: &WorkflowText, output: &Output) {
    output.line(format!(
        "{} {}",
        output.strong(&text.file),
        output.faint("is valid and would run:")
    ));
    for stage in &plan.stages {
        let mut notes = Vec::new();
        if !stage.needs.is_empty() {
            notes.push(format!("after {}", stage.needs.join(", ")));
        }
        if let Start::Manual { role } = stage.start {
            notes.push(format!("started by a {role}"));
        }
        if stage.exclusive {
            notes.push("one at a time".to_owned());
        }
        output.line(format!(
            "  {}  {}",
            output.strong(&stage.name),
            output.faint(notes.join("; "))
        ));
        for job in &stage.jobs {
            let steps = job.steps.len();
            let needs = match job.needs.is_empty() {
                true => String::new(),
                false => format!(", after {}", job.needs.join(", ")),
            };
            let steps = format!("{steps} step{}{needs}", if steps == 1 { "" } else { "s" });
            output.line(format!("    {}  {}", job.name, output.faint(steps)));
        }
    }
}

/// The file that is meant: the named one, or the default one of this folder or the nearest above.
///
/// # Errors
/// When it cannot be told which folder this is.
pub fn find_workflow(named: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
    if let Some(named) = named {
        return Ok(Some(named.to_owned()));
    }
    #[expect(clippy::disallowed_methods, reason = "the command line resolves paths once")]
    let here = std::env::current_dir().context("cannot tell which folder this is")?;
    let found = here
        .ancestors()
        .map(|folder| folder.join(DEFAULT_FILE))
        .find(|file| file.is_file());
    Ok(found.map(|file| file.strip_prefix(&here).map(Path::to_owned).unwrap_or(file)))
}

/// Reads a workflow file.
///
/// # Errors
/// When it cannot be read, or is larger than a workflow file may be.
pub fn read_workflow(file: &Path) -> anyhow::Result<WorkflowText> {
    let shown = file.display();
    let metadata = std::fs::metadata(file).with_context(|| format!("cannot read {shown}"))?;
    if metadata.len() > LARGEST_FILE {
        anyhow::bail!(
            "{shown} has {} bytes, more than the {LARGEST_FILE} of a workflow file",
            metadata.len()
        );
    }
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    let name = file
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let name = if file.file_name().is_some_and(|name| name == DEFAULT_FILE) {
        "default".to_owned()
    } else {
        name
    };
    Ok(WorkflowText {
        file: shown.to_string(),
        name,
        // A file that is not text gets a replacement character, which the parser then points at.
        text: String::from_utf8_lossy(&bytes).into_owned(),
    })
}
