//! `keirin admin retention`: how long the server keeps what flows leave.

use clap::Args;
use keirin_commands::reach::On;
use keirin_commands::retention::{self, KeepArguments};
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;

/// Shows how long the server keeps what flows leave, or changes it for projects that say nothing else
#[derive(Debug, Args)]
pub(crate) struct RetentionArguments {
    #[command(flatten)]
    on: On<KeepArguments>,
}

/// Does what was asked.
pub(super) async fn retention(arguments: RetentionArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let (client, keep) = arguments.on.connect()?;
    retention::of_server(&client, &keep, output).await
}
