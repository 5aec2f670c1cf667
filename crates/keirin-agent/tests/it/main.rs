//! The agent with real processes, real files and a server that behaves as the protocol says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, clippy::print_stdout)]

mod artifacts;
mod bench;
mod connection;
mod ending;
mod fork_server;
mod git;
mod isolation;
mod limits;
mod output;
mod reports;
mod secrets;
mod server;
mod steps;
