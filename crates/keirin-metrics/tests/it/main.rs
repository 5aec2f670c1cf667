//! Series against a real database.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod ground;
mod storage;
mod work;
