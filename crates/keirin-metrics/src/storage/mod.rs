//! The storage of series: samples become chunks here, and chunks samples.

mod merge;
mod read;
mod write;

pub use read::{FetchLimits, Fetched};
pub use write::{Incoming, Samples, Storage, Writing};

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
    /// More series than may be.
    #[error(
        "{whose} would have {would} series, and may have {limit} (`series_limit`); send fewer labels or raise the limit"
    )]
    TooManySeries {
        /// Whose they are.
        whose: String,
        /// How many there would be.
        would: u64,
        /// How many there may be.
        limit: u64,
    },
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
