//! `keirin run`: one stage in one flow.

use clap::{Args, Subcommand};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_model::RunId;
use keirin_wire::api::Run;

use super::names::FlowName;
use super::shown;
use crate::reach::On;

/// Stage runs: one stage in one flow
#[derive(Debug, Subcommand)]
pub enum RunCommand {
    /// Start a stage that waits for somebody to start it
    Start(On<StartRunArguments>),
    /// Show a stage run with its jobs
    Show(On<NamedRun>),
    /// Stop all that runs in a stage run
    Cancel(On<NamedRun>),
}

#[derive(Debug, Args)]
pub struct StartRunArguments {
    /// The flow: its id, or PROJECT#NUMBER
    flow: FlowName,
    /// The stage's name
    stage: String,
}

#[derive(Debug, Args)]
pub struct NamedRun {
    /// The stage run's id
    run: RunId,
}

/// Does what was asked.
pub(crate) async fn run(command: RunCommand, output: &Output) -> anyhow::Result<CommandExit> {
    match command {
        RunCommand::Start(on) => {
            let (client, arguments) = on.connect()?;
            let flow = arguments.flow.flow(&client).await?;
            let Some(run) = flow.runs.iter().find(|run| run.stage == arguments.stage) else {
                let stages: Vec<&str> = flow.runs.iter().map(|run| run.stage.as_str()).collect();
                output.error(format!(
                    "flow {}#{} has no stage `{}`; it has {}",
                    flow.project,
                    flow.number,
                    arguments.stage,
                    stages.join(", ")
                ));
                return Ok(CommandExit::Usage);
            };
            show(&client.start_run(run.id).await?, output);
            output.hint(format!("Watch it: keirin flow wait {} --follow", flow.id));
        }
        RunCommand::Show(on) => {
            let (client, arguments) = on.connect()?;
            show(&client.run(arguments.run).await?, output);
        }
        RunCommand::Cancel(on) => {
            let (client, arguments) = on.connect()?;
            show(&client.cancel_run(arguments.run).await?, output);
        }
    }
    Ok(CommandExit::Success)
}

fn show(run: &Run, output: &Output) {
    if output.is_json() {
        output.document(run);
    } else {
        shown::run(output, run, machine::now());
    }
}
