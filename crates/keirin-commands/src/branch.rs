//! `keirin branch`: branches that flows run on.

use clap::{Args, Subcommand};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;

use super::shown;
use crate::reach::On;

/// Branches that flows run on
#[derive(Debug, Subcommand)]
pub enum BranchCommand {
    /// List a project's branches
    List(On<Of>),
}

#[derive(Debug, Args)]
pub struct Of {
    /// The project's name
    project: String,
}

/// Does what was asked.
pub(crate) async fn branch(command: BranchCommand, output: &Output) -> anyhow::Result<CommandExit> {
    let BranchCommand::List(on) = command;
    let (client, arguments) = on.connect()?;
    let branches = client.branches(&arguments.project).await?;
    if output.is_json() {
        output.document(&branches);
        return Ok(CommandExit::Success);
    }
    let now = machine::now();
    let rows: Vec<Vec<String>> = branches
        .items
        .iter()
        .map(|branch| {
            let newest = branch.latest_flow.as_ref();
            let mark = match (branch.gone_at, branch.is_default) {
                (Some(_), _) => " (gone)",
                (None, true) => " (default)",
                (None, false) => "",
            };
            vec![
                format!("{}{mark}", branch.name),
                newest.map_or_else(String::new, |flow| shown::state(output, flow.state, flow.outcome)),
                newest.map_or_else(String::new, |flow| format!("#{}", flow.number)),
                newest.map_or_else(String::new, |flow| shown::ago(now, flow.created_at)),
                branch.flows.to_string(),
                shown::short(branch.seen_commit.as_deref()),
                branch
                    .last_push
                    .as_ref()
                    .map_or_else(String::new, |push| shown::push(push, now)),
            ]
        })
        .collect();
    output.table(
        &[
            "Branch",
            "State",
            "Newest flow",
            "Started",
            "Flows",
            "Seen",
            "Last push",
        ],
        &rows,
    );
    Ok(CommandExit::Success)
}
