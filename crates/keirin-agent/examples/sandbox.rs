//! The sandbox as a program of its own, for the tests: `keirin` does the same in its hidden mode.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match keirin_agent::sandbox::main(std::env::args_os().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(126)
        }
    }
}
