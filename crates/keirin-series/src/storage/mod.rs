//! The storage of series: samples become chunks here, and chunks samples.

mod intake;
mod merge;
mod read;
mod write;

pub use intake::{ForProject, Intake, IntakeLimits};
pub use read::{FetchLimits, StoredSeries};
pub use write::{Incoming, SampleColumns, Storage, Writing, hash_labels};

use crate::chunk::DamagedChunk;
use keirin_store::StoreError;

/// Why samples could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A chunk cannot be read.
    #[error("{0}; the series has the id {1}")]
    Damaged(#[source] DamagedChunk, i64),
    /// A query reaches for more than may be read at once.
    #[error("the query reads more than {limit} {what} (`{name}`); narrow its labels or its time")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// The limit's name.
        name: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A matcher cannot be used.
    #[error("{0}")]
    Matcher(String),
}
