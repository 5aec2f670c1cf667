//! The command line of Keirin, and the one place that wires everything.

mod admin;
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

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use cli::Cli;
use exit::Exit;

/// The mode in which this program holds a step to its workspace and then becomes it. It stands outside the command
/// line: what follows is a step's own words, and no thread may be running.
const STEP_GUARD: &str = "step-guard";
/// What a shell answers where a program cannot be started.
const CANNOT_START: u8 = 126;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == STEP_GUARD) {
        return become_step(arguments);
    }
    let cli = Cli::parse();
    match cli.run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::Output::new(false, false).error(format!("{error:#}"));
            Exit::Failed.into()
        }
    }
}

/// Comes back only when the step cannot be started.
fn become_step(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Err(error) = keirin_agent::guard::main(arguments);
    output::Output::new(false, true).error(error);
    CANNOT_START.into()
}
