//! Series: what tells them apart, and their chunks of samples. What is in a chunk is for `keirin-series` to know.

mod pipeline;
mod pushed;
mod read;
mod write;

pub use pipeline::Amount;
pub use pushed::PushedGroup;
pub use read::{DescribedMetric, MetricLabels, ReaderPosition, SeriesFilter, SeriesRow, SeriesTotals};
pub(crate) use write::take_turn;
pub use write::{NewSeries, SampleWrite, SeriesTimeRange};

use crate::StoreError;
use crate::row::unsigned;

/// Samples of one series over a time range, as they lie in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleChunkRow {
    /// The series.
    pub series: i64,
    /// The time of the first sample, in milliseconds since 1970. No two chunks of a series share it.
    pub first_ms: i64,
    /// The time of the last sample.
    pub last_ms: i64,
    /// How many samples.
    pub samples: usize,
    /// The samples, encoded.
    pub body: Vec<u8>,
}

/// A chunk as it is read.
struct StoredChunk {
    series: i64,
    first_ms: i64,
    last_ms: i64,
    samples: i32,
    body: Vec<u8>,
}

impl TryFrom<StoredChunk> for SampleChunkRow {
    type Error = StoreError;

    fn try_from(stored: StoredChunk) -> Result<Self, StoreError> {
        Ok(Self {
            series: stored.series,
            first_ms: stored.first_ms,
            last_ms: stored.last_ms,
            samples: unsigned(stored.samples)?,
            body: stored.body,
        })
    }
}
