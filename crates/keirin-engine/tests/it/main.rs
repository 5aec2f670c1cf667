//! Stories of the engine, and the simulation that looks for stories nobody thought of.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    unreachable_pub
)]

mod clockwork;
mod driver;
mod fixture;
mod memory;
mod simulation;
mod stories;
