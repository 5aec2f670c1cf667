//! `keirin flow start`.

use clap::Args;
use keirin_client::{Client, ClientError};
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_model::flow::Change;
use keirin_wire::api::{Problem, StartFlow};

use super::flow::Then;
use super::follow::{self, Since};
use super::names::{BranchName, Setting};
use crate::failure;

#[derive(Debug, Args)]
pub struct StartFlowArguments {
    /// The project, and its branch where it is not the default one
    #[arg(value_name = "PROJECT[/BRANCH]")]
    on: BranchName,
    /// The workflow [default: default]
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,
    /// Set a parameter of the workflow
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<Setting>,
    /// Run a proposed change: the commit or branch that holds it
    #[arg(long, value_name = "COMMIT")]
    head: Option<String>,
    /// What the change is proposed to [default: the branch]
    #[arg(long, value_name = "COMMIT", requires = "head")]
    base: Option<String>,
    /// Who proposes the change
    #[arg(long, value_name = "NAME", requires = "head")]
    author: Option<String>,
    /// The change in a line
    #[arg(long, value_name = "TEXT", requires = "head")]
    title: Option<String>,
    #[command(flatten)]
    then: Then,
}

/// Starts a flow.
pub(crate) async fn start(
    client: &Client,
    arguments: StartFlowArguments,
    output: &Output,
) -> anyhow::Result<CommandExit> {
    let BranchName { project, branch } = arguments.on;
    let wanted = StartFlow {
        branch,
        workflow: arguments.workflow,
        params: arguments.params.into_iter().map(Into::into).collect(),
        change: arguments.head.map(|head| Change {
            base: arguments.base,
            head,
            author: arguments.author,
            title: arguments.title,
        }),
    };
    match client.start_flow(&project, &wanted).await {
        Ok(flow) => follow::started(client, &flow, Since::Start, &arguments.then, output).await,
        Err(ClientError::Problem(problem)) => {
            let text = faulty_text(client, &project, &wanted, &problem).await;
            let error = ClientError::Problem(problem);
            failure::tell(&error, &text.unwrap_or_default(), output);
            Ok(failure::exit(&error))
        }
        Err(error) => Err(error.into()),
    }
}

/// The text of the workflow file that the server finds fault with, to show the lines. Without it the faults are told all
/// the same, so nothing is said where it cannot be read.
async fn faulty_text(
    client: &Client,
    project: &str,
    wanted: &StartFlow,
    problem: &Problem,
) -> Option<String> {
    let faulty = problem.diagnostics.first()?;
    if wanted.change.is_some() {
        // The file of the change may be another one than that of the branch.
        return None;
    }
    let workflows = client.workflows(project, wanted.branch.as_deref()).await.ok()?;
    let found = workflows
        .into_iter()
        .find(|workflow| workflow.file == faulty.file);
    found.map(|workflow| workflow.text)
}
