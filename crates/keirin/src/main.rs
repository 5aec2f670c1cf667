//! The command line of Keirin, and the one place that wires everything.

mod agent;
mod cli;
mod commands;
mod config;
mod exec;
mod exit;
mod machine;
mod output;
mod private_file;
mod serve;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;

use cli::Cli;
use exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::Output::new(false, false).error(format!("{error:#}"));
            Exit::Failed.into()
        }
    }
}
