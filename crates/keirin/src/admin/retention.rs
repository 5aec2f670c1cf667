//! `keirin admin retention`: how long the server keeps what flows leave.

use clap::Args;

use crate::commands::retention::{self, KeepArguments};
use crate::exit::Exit;
use crate::output::Output;
use crate::reach::On;

/// Shows how long the server keeps what flows leave, or changes it for projects that say nothing else
#[derive(Debug, Args)]
pub(crate) struct RetentionArguments {
    #[command(flatten)]
    on: On<KeepArguments>,
}

/// Does what was asked.
pub(super) async fn retention(arguments: RetentionArguments, output: &Output) -> anyhow::Result<Exit> {
    let (client, keep) = arguments.on.connect()?;
    retention::of_server(&client, &keep, output).await
}
