//! Stories of the engine, and the simulation that looks for stories nobody thought of.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods
)]

mod clockwork;
mod house;
mod simulation;
mod stories;
