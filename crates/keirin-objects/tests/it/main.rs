//! Object storage as its users meet it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod contract;
mod crash;
mod full_disk;
mod s3;
mod storages;
