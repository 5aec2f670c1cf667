//! The command line of Keirin, and the one place that wires everything.

mod admin;
mod agent;
mod backup;
mod cli;
mod config;
mod exec;
mod serve;
mod signals;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;

use cli::Cli;

/// The mode in which this program holds the steps of a job. It stands outside the command line: no thread may be running.
const SANDBOX: &str = "sandbox";
/// What a shell answers where a program cannot be started.
const CANNOT_START: u8 = 126;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == SANDBOX) {
        return hold_steps(arguments);
    }
    let cli = Cli::parse();
    match cli.run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            Output::new(false, false).error(format!("{error:#}"));
            CommandExit::Failed.into()
        }
    }
}

fn hold_steps(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match keirin_agent::sandbox::main(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Output::new(false, true).error(error);
            CANNOT_START.into()
        }
    }
}
