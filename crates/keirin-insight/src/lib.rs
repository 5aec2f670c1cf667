//! Transforms: facts to series. What each figure means is said here, and nowhere else.
//!
//! There are two kinds. An [incremental aggregation](incremental) looks at one fact and says by how much which buckets grow: it needs to know
//! nothing else, so the order in which facts arrive does not matter. A [full recomputation](recomputed) needs all facts of a
//! repository or project, and makes all its samples anew.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod definition;
#[cfg(test)]
mod documents;
pub mod git;
pub mod incremental;
pub mod recomputed;
pub mod stream;
pub mod tally;
pub mod transform;

pub use definition::{ALL, Bucket, Definition, Shape, UnderlyingFacts, Wants, definition_of};
pub use stream::{FactOwner, FactStream, STREAMS};
pub use tally::{Increment, Tally};
pub use transform::{TRANSFORMS, Transform};
