//! The command line of Keirin, and the one place that wires everything.

mod agent;
mod ansi;
mod cli;
mod commands;
mod config;
mod exec;
mod exit;
mod failure;
mod known_servers;
mod live;
mod machine;
mod output;
mod private_file;
mod reach;
mod serve;
mod signals;
mod terminal;

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
