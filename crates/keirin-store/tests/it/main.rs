//! The store against a real database.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod backup;
mod cancelled;
mod documents;
mod engine;
mod events;
mod fixture;
mod foreign;
mod growth;
mod history;
mod lead;
mod migrations;
mod nouns;
mod reader;
mod results;
mod speed;
