//! Why something could not be done with a log.

use std::sync::Arc;

use keirin_model::LogStreamId;
use keirin_objects::ObjectError;
use keirin_store::StoreError;
use keirin_wire::log::ChunkError;

/// Why something could not be done with a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is no such log.
    #[error("there is no log `{0}`")]
    NotFound(LogStreamId),
    /// Lines between the last one and these are missing.
    #[error(
        "the log goes on at line {expected}, but line {found} was sent; send the lines between them first"
    )]
    Gap {
        /// The number of the next line.
        expected: u64,
        /// The number that the chunk begins with.
        found: u64,
    },
    /// The log takes no more lines.
    #[error("log `{0}` is closed")]
    Closed(LogStreamId),
    /// The lines that were sent are no chunk, or too large.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// More steps than a log can have.
    #[error("a log may have lines of {limit} steps")]
    TooManySteps {
        /// How many it may have.
        limit: usize,
    },
    /// Several servers add to the same log at once.
    #[error("log `{0}` is being added to by another server; send the lines again")]
    Contended(LogStreamId),
    /// What is kept of a log cannot be read.
    #[error("lines {first_line} to {last_line} of log `{stream}` are broken in the storage: {source}")]
    Broken {
        /// The log.
        stream: LogStreamId,
        /// The first broken line.
        first_line: u64,
        /// The last broken line.
        last_line: u64,
        /// What is wrong.
        source: ChunkError,
    },
    /// A row says that there are lines, but they are not where it says.
    #[error("line {line} of log `{stream}` is missing in the storage")]
    Missing {
        /// The log.
        stream: LogStreamId,
        /// The line.
        line: u64,
    },
    /// The object storage fails.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The database fails. Several calls that share a statement share its error.
    #[error("{0}")]
    Store(#[source] Arc<StoreError>),
    /// The program is ending, or has a fault.
    #[error("the work on the log was interrupted; do it again")]
    Interrupted,
}

impl From<StoreError> for LogError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Runs what takes long on a thread where nothing waits for it.
pub(crate) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LogError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| LogError::Interrupted)
}
