//! The whole program, as people run it: the built binary with its private PostgreSQL, its local agent and real git.
//!
//! Each story has a server of its own on a folder of its own. Nothing sleeps: a story waits for a line of a log, for an
//! event or for a pipe, and a bound says what did not come.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bad_input;
mod bucket;
mod checkouts;
mod clients;
mod connections;
mod control;
mod database;
mod examples;
mod exec;
mod first_use;
mod full_storage;
mod hostile;
mod interrupted;
mod large_output;
mod memory;
mod ordinary_user;
mod pipes;
mod pushes;
mod repository;
mod server;
mod standby;
mod story;
mod world;
