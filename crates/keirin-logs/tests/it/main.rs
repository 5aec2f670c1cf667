//! Logs as their users meet them, on a real database and a folder.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod crash;
mod fixture;
mod follow;
mod intake;
mod read;
mod seal;
mod search;
