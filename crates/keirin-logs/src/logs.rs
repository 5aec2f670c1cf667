//! The store of logs: opening, finding and closing them.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use keirin_model::{AttemptId, LogStreamId};
use keirin_objects::Objects;
use keirin_store::Store;
use keirin_store::logs::{LogFilter, LogRow, LogSource};
use tokio::sync::Semaphore;

use crate::body::Bodies;
use crate::commit::Committer;
use crate::error::LogError;
use crate::live::Registry;
use crate::seal::SMALL_BYTES;

/// How many KiB of lines may be on their way into the store at once.
const INTAKE_KIBIBYTES: usize = 64 * 1024;

/// What one decides about logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// Bytes of text that one log may have, with one for the end of each line; what follows is dropped.
    pub stream_bytes: u64,
    /// Up to how many encoded bytes a chunk lies in its row rather than in an object of its own.
    pub inline_bytes: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            stream_bytes: 512 * 1024 * 1024,
            inline_bytes: 16 * 1024,
        }
    }
}

/// All logs. Cloning is cheap and all clones are the same store.
#[derive(Clone)]
pub struct Logs {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) bodies: Bodies,
    pub(crate) settings: LogSettings,
    pub(crate) live: Registry,
    pub(crate) committer: Committer,
    /// In KiB.
    pub(crate) intake: Semaphore,
    pub(crate) searching: Arc<Semaphore>,
}

impl fmt::Debug for Logs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Logs")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

impl Logs {
    /// Logs in this database and this object storage. `instance` is drawn at random by the caller when its process
    /// starts: it keeps the names of objects apart that two servers write.
    pub fn new(store: Store, objects: Objects, settings: LogSettings, instance: u64) -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let inner = Inner {
            bodies: Bodies::new(objects, settings.inline_bytes, instance),
            committer: Committer::new(store.clone()),
            store,
            settings,
            live: Registry::default(),
            intake: Semaphore::new(INTAKE_KIBIBYTES),
            searching: Arc::new(Semaphore::new(threads)),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Opens a log, or finds the open one of the same source. An attempt has one log for good; agents and services
    /// begin a new one after the last was closed. Cheap to call for each chunk of an attempt.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn open(&self, source: &LogSource, now: Timestamp) -> Result<LogStreamId, LogError> {
        let LogSource::Attempt { attempt, .. } = source else {
            return Ok(self.inner.store.open_log(source, now).await?.id);
        };
        if let Some(known) = self.inner.live.of_attempt(*attempt) {
            return Ok(known);
        }
        let opened = self.inner.store.open_log(source, now).await?;
        if opened.new || self.summary(opened.id).await?.closed_at.is_none() {
            self.inner.live.opened(*attempt, opened);
        }
        Ok(opened.id)
    }

    /// What is known of a log without reading its lines.
    ///
    /// # Errors
    /// [`LogError::NotFound`], [`LogError::Store`].
    pub async fn summary(&self, stream: LogStreamId) -> Result<LogRow, LogError> {
        self.inner
            .store
            .log(stream)
            .await?
            .ok_or(LogError::NotFound(stream))
    }

    /// At most `limit` logs that fit, in the order in which they were opened, beginning after `after`.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn find(
        &self,
        filter: &LogFilter,
        after: Option<LogStreamId>,
        limit: u32,
    ) -> Result<Vec<LogRow>, LogError> {
        Ok(self
            .inner
            .store
            .logs(filter, after.unwrap_or(LogStreamId(0)), limit)
            .await?)
    }

    /// The log of an attempt, once it has been opened.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn of_attempt(&self, attempt: AttemptId) -> Result<Option<LogRow>, LogError> {
        let filter = LogFilter {
            attempt: Some(attempt),
            ..LogFilter::default()
        };
        Ok(self.find(&filter, None, 1).await?.pop())
    }

    /// Closes the logs of attempts that are over, so that whoever follows them comes to their end. One that cannot be closed
    /// keeps no other open.
    ///
    /// # Errors
    /// [`LogError::Store`], and the first that kept a log from being closed.
    pub async fn close_finished(&self, now: Timestamp) -> Result<(), LogError> {
        let mut closed = Ok(());
        for stream in self.inner.store.open_logs_of_finished_attempts().await? {
            closed = closed.and(self.close(stream, now).await);
        }
        closed
    }

    /// Closes a log after the lines that are on their way: its followers come to their end. Closing it again changes
    /// nothing.
    ///
    /// # Errors
    /// [`LogError::NotFound`], [`LogError::Store`].
    pub async fn close(&self, stream: LogStreamId, now: Timestamp) -> Result<(), LogError> {
        let inner = Arc::clone(&self.inner);
        // In a task of its own, so that a caller who goes away does not leave followers waiting.
        let closing = tokio::spawn(async move { inner.close(stream, now).await });
        closing.await.map_err(|_| LogError::Interrupted)?
    }
}

impl Inner {
    async fn close(&self, stream: LogStreamId, now: Timestamp) -> Result<(), LogError> {
        let live = self.live.get(stream);
        let mut state = live.state.lock().await;
        let closed = self.store.close_log(stream, now, SMALL_BYTES).await;
        *state = None;
        if let Ok(Some(lines)) = closed {
            live.publish_closed(lines);
        }
        drop(state);
        self.live.forget(stream, &live);
        closed?.map(drop).ok_or(LogError::NotFound(stream))
    }
}
