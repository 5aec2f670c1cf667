//! Where samples go that came in.

use async_trait::async_trait;

use crate::batch::Received;
use crate::refusal::RefusedItems;

/// Takes samples and keeps them: the storage.
#[async_trait]
pub trait SampleSink: Send + Sync + 'static {
    /// Keeps what was received. The same may come twice, and is then kept once.
    ///
    /// # Errors
    /// [`SinkError::Refused`] where some of it can never be kept, what its reader refused already among it; all the rest
    /// is then. After [`SinkError::Failed`] none is kept, and the same may be kept later.
    async fn write(&self, received: Received) -> Result<(), SinkError>;
}

/// Why samples were not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// Some samples can never be kept; all others are.
    #[error("{} of {samples} samples were refused: {refused}", refused.count())]
    Refused {
        /// Which are not kept, and why. What cannot be read counts as a sample.
        refused: RefusedItems,
        /// How many came.
        samples: usize,
    },
    /// None is kept; the same may succeed later.
    #[error("the samples could not be kept: {0}")]
    Failed(String),
}

impl SinkError {
    /// Whether the same batch may be kept later; otherwise all of it is kept that ever will be.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}
