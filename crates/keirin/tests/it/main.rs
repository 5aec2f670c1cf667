//! The program as people use it: a server, its agent and the command line, each a process of its own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod admin;
mod doctor;
mod failures;
mod flows;
mod imports;
mod measure;
mod people;
mod retention;
mod structure;
mod whole_program;
mod world;
