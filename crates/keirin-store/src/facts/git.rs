//! Facts of repositories' histories.

mod read;
mod repositories;
mod write;
