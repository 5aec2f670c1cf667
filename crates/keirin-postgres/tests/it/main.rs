//! The private PostgreSQL, with real programs and several processes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod cluster;
