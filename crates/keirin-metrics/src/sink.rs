//! Where samples go that came in.

use async_trait::async_trait;

use crate::batch::Batch;

/// Takes samples and keeps them: the storage.
#[async_trait]
pub trait SampleSink: Send + Sync + 'static {
    /// Keeps a batch, all of it or nothing. The same batch may come twice, and is then kept once.
    async fn write(&self, batch: Batch) -> Result<(), SinkError>;
}

/// Why a batch was not kept. The text goes on where "the samples could not be kept:" begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the samples could not be kept: {0}")]
pub struct SinkError(pub String);
