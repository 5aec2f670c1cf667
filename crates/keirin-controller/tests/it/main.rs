//! The loop in which the engine decides, over memory and over a real database, and what starts flows.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    unreachable_pub
)]

mod background;
mod contract;
mod database;
mod faults;
mod fixture;
mod held;
mod history;
mod leaders;
mod looks;
mod polling;
mod pushes;
mod repositories;
mod server;
mod standalone;
