//! The guard as a program of its own, for the tests: `keirin` does the same in its hidden mode.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let Err(error) = keirin_agent::guard::main(std::env::args_os().skip(1));
    eprintln!("{error}");
    ExitCode::from(126)
}
