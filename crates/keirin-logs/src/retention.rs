//! Letting go of logs, and of objects that nothing points at.

use futures::TryStreamExt;
use jiff::Timestamp;
use keirin_model::LogStreamId;
use keirin_objects::{ObjectError, ObjectKey};

use crate::body::FOLDER;
use crate::error::LogError;
use crate::logs::Logs;

/// Keys that one statement asks about.
const KEYS_AT_ONCE: usize = 1000;

impl Logs {
    /// At most `limit` logs that were closed before a time, the oldest first.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn expired(&self, before: Timestamp, limit: u32) -> Result<Vec<LogStreamId>, LogError> {
        Ok(self.inner.store.logs_closed_before(before, limit).await?)
    }

    /// Removes closed logs with all their lines; open ones stay. What a crash leaves of their objects is swept.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn remove(&self, streams: &[LogStreamId]) -> Result<(), LogError> {
        let objects = self.inner.store.remove_logs(streams).await?;
        self.inner.bodies.discard(objects).await;
        Ok(())
    }

    /// Removes objects of logs that were written before `before` and that no row points at: what a crash left between
    /// an object and its row. Says how many. `before` must be so long ago that no row is still on its way, as an hour.
    ///
    /// # Errors
    /// [`LogError::Objects`], [`LogError::Store`].
    pub async fn sweep_orphans(&self, before: Timestamp) -> Result<u64, LogError> {
        let objects = &self.inner.bodies.objects;
        let folder = ObjectKey::parse(FOLDER).map_err(ObjectError::from)?;
        let old = objects
            .list(Some(&folder))
            .try_filter(|info| std::future::ready(info.modified < before));
        let mut batches = old.map_ok(|info| info.key.to_string()).try_chunks(KEYS_AT_ONCE);
        let mut swept = 0;
        while let Some(keys) = batches.try_next().await.map_err(|failed| failed.1)? {
            for key in self.inner.store.log_orphans(&keys).await? {
                objects
                    .delete(&ObjectKey::parse(&key).map_err(ObjectError::from)?)
                    .await?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}
