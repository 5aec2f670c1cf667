//! What `exec` is to run: which file, which stages, with which parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use keirin_commands::check::{WorkflowText, find_workflow, read_workflow};
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_git::Git;
use keirin_model::flow::{FlowKind, ParamValue};
use keirin_model::plan::{Plan, Start};
use keirin_workflow::{FlowContext, ParamKind, PlanContext, PlanDefaults, Workflow};

use super::ExecArguments;

/// What is to run.
pub(crate) struct Chosen {
    pub(crate) plan: Plan,
    pub(crate) folder: PathBuf,
    pub(crate) project: String,
    pub(crate) branch: String,
    pub(crate) commit: Option<String>,
    pub(crate) kind: FlowKind,
    pub(crate) params: BTreeMap<String, ParamValue>,
}

/// Reads the file and chooses the stages; the inner error is what has been said already.
pub(crate) async fn choose(
    arguments: &ExecArguments,
    output: &Output,
) -> anyhow::Result<Result<Chosen, CommandExit>> {
    let Some(path) = find_workflow(arguments.file.as_deref())? else {
        output.error("there is no `.keirin.yaml` in this folder or in one above; `keirin init` proposes one");
        return Ok(Err(CommandExit::Usage));
    };
    let text = match read_workflow(&path) {
        Ok(text) => text,
        Err(error) => {
            output.error(format!("{error:#}"));
            return Ok(Err(CommandExit::Usage));
        }
    };
    let workflow = match Workflow::parse(&text.file, &text.name, &text.text) {
        Ok(workflow) => workflow,
        Err(wrong) => return Ok(Err(refuse(&wrong, &text, output))),
    };
    let folder = working_tree(&path).await?;
    let (branch, commit) = head(&folder).await;
    let params = match given_params(&workflow, &arguments.params) {
        Ok(params) => params,
        Err(error) => {
            output.error(format!("{error:#}"));
            return Ok(Err(CommandExit::Usage));
        }
    };
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let context = PlanContext {
        project: name.unwrap_or_else(|| "here".to_owned()),
        branch,
        flow: FlowContext {
            number: 1,
            kind: FlowKind::Ci,
        },
        commit,
        change: None,
        params,
        defaults: PlanDefaults {
            any_executor: arguments.bare,
            ..PlanDefaults::default()
        },
    };
    let planned = workflow
        .fill_params(&context.params)
        .and_then(|params| Ok((params, workflow.plan(&context)?)));
    let (params, mut plan) = match planned {
        Ok(planned) => planned,
        Err(wrong) => return Ok(Err(refuse(&wrong, &text, output))),
    };
    if let Err(error) = narrow(&mut plan, &arguments.stage, output) {
        output.error(format!("{error:#}"));
        return Ok(Err(CommandExit::Usage));
    }
    Ok(Ok(Chosen {
        plan,
        folder,
        project: context.project,
        branch: context.branch,
        commit: context.commit,
        kind: FlowKind::Ci,
        params,
    }))
}

fn refuse(wrong: &keirin_workflow::Diagnostics, text: &WorkflowText, output: &Output) -> CommandExit {
    output.say(wrong.render(&text.text, output.error_has_colours()));
    CommandExit::Usage
}

/// The checkout that the file lies in; its own folder where that is none.
async fn working_tree(file: &Path) -> anyhow::Result<PathBuf> {
    let file = std::path::absolute(file).context("cannot tell where the workflow file lies")?;
    let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
    let tree = keirin_git::working_tree_of(&Git::new(), &folder).await?;
    Ok(tree.unwrap_or(folder))
}

/// Branch and commit of a checkout, as far as it has them.
async fn head(folder: &Path) -> (String, Option<String>) {
    let head = keirin_git::head_of(&Git::new(), folder).await;
    match head {
        Ok(head) => (
            head.branch.unwrap_or_else(|| "HEAD".to_owned()),
            head.commit.map(|commit| commit.to_string()),
        ),
        Err(_) => ("HEAD".to_owned(), None),
    }
}

fn given_params(workflow: &Workflow, given: &[String]) -> anyhow::Result<BTreeMap<String, ParamValue>> {
    let pairs = given.iter().map(|pair| {
        let (name, text) = pair
            .split_once('=')
            .with_context(|| format!("`{pair}` sets no parameter: write NAME=VALUE"))?;
        let kind = workflow
            .params()
            .iter()
            .find(|param| param.name == name)
            .map(|param| param.kind);
        Ok((name.to_owned(), param_value(kind, text)))
    });
    pairs.collect()
}

/// A text from the command line as a value of this kind; one that does not fit stays text, and is refused where the
/// parameters are checked.
pub(crate) fn param_value(kind: Option<ParamKind>, text: &str) -> ParamValue {
    let as_text = || ParamValue::Text(text.to_owned());
    match kind {
        Some(ParamKind::Boolean) => text.parse().map_or_else(|_| as_text(), ParamValue::Boolean),
        Some(ParamKind::Number) => match (text.parse(), text.parse()) {
            (Ok(whole), _) => ParamValue::Integer(whole),
            (_, Ok(number)) => ParamValue::Number(number),
            _ => as_text(),
        },
        Some(ParamKind::String | ParamKind::Choice) | None => as_text(),
    }
}

/// Leaves the named stages and those that they need; without names all but those that wait for a person.
fn narrow(plan: &mut Plan, named: &[String], output: &Output) -> anyhow::Result<()> {
    for name in named {
        if plan.stage(name).is_none() {
            let stages: Vec<&str> = plan.stages.iter().map(|stage| stage.name.as_str()).collect();
            bail!("there is no stage `{name}`; there is {}", stages.join(", "));
        }
    }
    let mut kept: BTreeSet<String> = named.iter().cloned().collect();
    if named.is_empty() {
        kept = by_themselves(plan);
        for stage in plan.stages.iter().filter(|stage| !kept.contains(&stage.name)) {
            output.hint(format!(
                "Stage `{name}` waits for a person, or for a stage that does; run it with --stage {name}.",
                name = stage.name
            ));
        }
    }
    loop {
        let needed = plan.stages.iter().filter(|stage| kept.contains(&stage.name));
        let needed: Vec<String> = needed.flat_map(|stage| stage.needs.clone()).collect();
        let before = kept.len();
        kept.extend(needed);
        if kept.len() == before {
            break;
        }
    }
    plan.stages.retain(|stage| kept.contains(&stage.name));
    plan.concurrency = None;
    for stage in &mut plan.stages {
        stage.start = Start::Automatic;
    }
    if plan.stages.is_empty() {
        bail!("no stage starts by itself; name one with --stage");
    }
    Ok(())
}

/// The stages that start with nobody's help.
fn by_themselves(plan: &Plan) -> BTreeSet<String> {
    let mut kept: BTreeSet<String> = plan.stages.iter().map(|stage| stage.name.clone()).collect();
    loop {
        let waits = |stage: &&keirin_model::plan::StagePlan| {
            kept.contains(&stage.name)
                && (stage.start != Start::Automatic || stage.needs.iter().any(|need| !kept.contains(need)))
        };
        let Some(stage) = plan.stages.iter().find(waits) else {
            return kept;
        };
        kept.remove(&stage.name);
    }
}
