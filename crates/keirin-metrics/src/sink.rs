//! Where samples go that came in.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::batch::Batch;

/// Takes samples and keeps them: the storage.
#[async_trait]
pub trait SampleSink: Send + Sync + 'static {
    /// Keeps a batch. The same batch may come twice, and is then kept once.
    ///
    /// # Errors
    /// [`SinkError::Refused`] where some samples can never be kept; all others are then. After [`SinkError::Failed`]
    /// none is kept, and the same batch may be kept later.
    async fn write(&self, batch: Batch) -> Result<(), SinkError>;
}

/// Why samples were not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// Some samples can never be kept; all others are.
    #[error("{refused} of {samples} samples were refused: {reason}")]
    Refused {
        /// How many are not kept.
        refused: usize,
        /// How many came.
        samples: usize,
        /// Why the first of them is not.
        reason: Refusal,
    },
    /// None is kept; the same may succeed later.
    #[error("the samples could not be kept: {0}")]
    Failed(String),
}

/// Why a sample can never be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It would be dropped at once.
    #[error("`{series}` has a sample of {time}, and samples are kept since {since} (`keep_samples_days`)")]
    TooOld {
        /// Metric and labels.
        series: String,
        /// Of when it is.
        time: Timestamp,
        /// The oldest that is kept.
        since: Timestamp,
    },
    /// Some clock is wrong.
    #[error(
        "`{series}` has a sample of {time}, which is later than now; set the clock that it comes from right"
    )]
    TooNew {
        /// Metric and labels.
        series: String,
        /// Of when it is.
        time: Timestamp,
    },
    /// There are too many series.
    #[error(
        "`{series}` would be one series more than {whose} may have, {limit} (`series_limit`); send fewer labels, or raise the limit"
    )]
    TooManySeries {
        /// Metric and labels of the first that found no place.
        series: String,
        /// Whose they are.
        whose: String,
        /// How many there may be.
        limit: u64,
    },
    /// It has the name of a metric that is made from facts.
    #[error("`{0}` is made from facts here; give yours another name, or a label such as `job`")]
    MadeHere(String),
}
