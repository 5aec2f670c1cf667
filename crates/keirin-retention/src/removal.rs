//! Removes objects whose rows are gone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, RetrySchedule};
use keirin_objects::{ObjectError, ObjectKey};
use keirin_store::background_jobs::BegunJob;

use crate::Retention;

const KIND: BackgroundKind = BackgroundKind {
    name: "remove_objects",
    title: "Remove objects that nothing points at any more",
    concurrency: 1,
    time_limit: Duration::from_secs(6 * 3600),
    retry: RetrySchedule {
        first: Duration::from_secs(60),
        longest: Duration::from_secs(3600),
        attempts: None,
    },
    every: Some(SignedDuration::from_mins(5)),
};

/// How many objects are read from the database at once.
const AT_ONCE: u32 = 1000;
/// How many are being removed at a time: a bucket takes a while for each.
const CONCURRENT: usize = 16;

pub(crate) struct RemoveObjects(pub(crate) Retention);

#[async_trait]
impl BackgroundWork for RemoveObjects {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, _job: &BegunJob) -> Result<NextRun, JobFailure> {
        let store = &self.0.store;
        let mut removed: u64 = 0;
        loop {
            let keys = store
                .removed_objects(AT_ONCE)
                .await
                .map_err(JobFailure::passing)?;
            if keys.is_empty() {
                break;
            }
            self.0.check_owner().await.map_err(JobFailure::passing)?;
            let (gone, failed) = self.0.remove(keys).await;
            store
                .forget_removed_objects(&gone)
                .await
                .map_err(JobFailure::passing)?;
            removed += gone.len() as u64;
            self.0
                .counts
                .removed
                .fetch_add(gone.len() as u64, Ordering::Relaxed);
            if let Some((key, error)) = failed {
                return Err(JobFailure::Passing(format!("{key} cannot be removed: {error}.")));
            }
        }
        if removed > 0 {
            tracing::info!(
                removed,
                "objects that nothing points at any more have been removed"
            );
        }
        Ok(NextRun::Done)
    }
}

impl Retention {
    /// Removes objects. Gives those that are gone, and one that is not, with the reason.
    pub(crate) async fn remove(&self, keys: Vec<String>) -> (Vec<String>, Option<(String, ObjectError)>) {
        let removals = futures::stream::iter(keys).map(|key| async move {
            let removed = match ObjectKey::parse(&key) {
                Ok(key) => self.objects.delete(&key).await,
                Err(error) => Err(error.into()),
            };
            (key, removed)
        });
        let mut removals = removals.buffer_unordered(CONCURRENT);
        let (mut gone, mut failed) = (Vec::new(), None);
        while let Some((key, removed)) = removals.next().await {
            match removed {
                Ok(()) => gone.push(key),
                Err(error) => failed = Some((key, error)),
            }
        }
        (gone, failed)
    }
}
