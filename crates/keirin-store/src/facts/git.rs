//! Facts of repositories' histories.

mod read;
mod repositories;
mod retract;
mod write;
