//! Removes objects whose rows are gone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_objects::{ObjectError, ObjectKey};
use keirin_store::background_jobs::BegunJob;

use crate::{OwnershipError, Retention};

pub(crate) const KIND: BackgroundKind = BackgroundKind {
    name: "remove_objects",
    title: "Remove objects that nothing points at any more",
    concurrency: 1,
    time_limit: Duration::from_secs(6 * 3600),
    retry: RetrySchedule {
        first: Duration::from_secs(60),
        longest: Duration::from_secs(3600),
        attempts: None,
    },
    recurrence: Some(Recurrence::After(SignedDuration::from_mins(5))),
    is_cancellable: true,
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
        let (mut removed, mut failed) = (0, Failed::default());
        while failed.keys.len() < AT_ONCE as usize {
            let keys = store.objects_to_remove(AT_ONCE, &failed.keys).await?;
            if keys.is_empty() {
                break;
            }
            let gone = self
                .0
                .remove(keys, &mut failed)
                .await
                .map_err(JobFailure::passing)?;
            store.forget_objects(&gone).await?;
            removed += gone.len() as u64;
            self.0
                .counts
                .removed
                .fetch_add(gone.len() as u64, Ordering::Relaxed);
        }
        if removed > 0 {
            tracing::info!(
                removed,
                "objects that nothing points at any more have been removed"
            );
        }
        failed.into_result()
    }
}

/// An error with all that it came of.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Objects that could not be removed.
#[derive(Default)]
pub(crate) struct Failed {
    keys: Vec<String>,
    last: Option<ObjectError>,
}

impl Failed {
    /// That all is done, where nothing has failed.
    pub(crate) fn into_result(self) -> Result<NextRun, JobFailure> {
        match (self.keys.first(), self.last) {
            (Some(key), Some(error)) => Err(JobFailure::Passing(format!(
                "{} of the objects cannot be removed, {key} among them: {}.",
                self.keys.len(),
                with_causes(&error)
            ))),
            _ => Ok(NextRun::Done),
        }
    }
}

impl Retention {
    /// Removes objects, where they are this database's. Gives those that are gone; the others are added to `failed`.
    pub(crate) async fn remove(
        &self,
        keys: Vec<String>,
        failed: &mut Failed,
    ) -> Result<Vec<String>, OwnershipError> {
        self.check_owner().await?;
        let removals = futures::stream::iter(keys).map(|key| async move {
            let removed = match ObjectKey::parse(&key) {
                Ok(key) => self.objects.delete(&key).await,
                Err(error) => Err(error.into()),
            };
            (key, removed)
        });
        let mut removals = removals.buffer_unordered(CONCURRENT);
        let mut gone = Vec::new();
        while let Some((key, removed)) = removals.next().await {
            match removed {
                Ok(()) => gone.push(key),
                Err(error) => {
                    failed.keys.push(key);
                    failed.last = Some(error);
                }
            }
        }
        Ok(gone)
    }
}
