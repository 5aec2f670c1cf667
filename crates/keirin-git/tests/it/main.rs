//! Stories with real repositories and the real git program.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod checkouts;
mod damage;
mod fixture;
mod histories;
mod hostile;
mod mirrors;
mod names;
mod partial;
mod reading;
mod rules;
mod server;
mod serving;
mod stamps;
mod working_trees;
