//! What a repository's history tells: who is a program, which commits merged a proposed change, and what those brought.

pub mod bots;
mod graph;
mod message;
mod pull_request;

pub use graph::{Graph, MergedCommits};
pub use message::{Mention, mention};
pub use pull_request::{Merge, merged_pull_request};
