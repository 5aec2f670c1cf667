//! Where samples go that came in.

use async_trait::async_trait;
use keirin_formats::batch::Received;
use keirin_formats::refusal::RefusedItems;

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
    #[error("{}: {refused}", share(refused.count(), *samples))]
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
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// How much of what came is refused, for people.
fn share(refused: usize, samples: usize) -> String {
    let noun = if samples == 1 { "sample" } else { "samples" };
    let verb = if refused == 1 { "was" } else { "were" };
    format!("{refused} of {samples} {noun} {verb} refused")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_nouns_and_verbs_fit() {
        assert_eq!(share(1, 1), "1 of 1 sample was refused");
        assert_eq!(share(1, 2), "1 of 2 samples was refused");
        assert_eq!(share(2, 2), "2 of 2 samples were refused");
    }
}
