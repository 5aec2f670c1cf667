//! Removes objects that never had a row, and what writers that died have left.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_objects::{ARTIFACTS, LOGS, ObjectError, ObjectKey};
use keirin_store::background_jobs::BegunJob;

use crate::Retention;
use crate::removal::{Failed, with_causes};

const KIND: BackgroundKind = BackgroundKind {
    name: "sweep_objects",
    title: "Remove objects that a crash has left without a row",
    concurrency: 1,
    time_limit: Duration::from_secs(12 * 3600),
    retry: RetrySchedule::UNHURRIED,
    recurrence: Some(Recurrence::After(SignedDuration::from_hours(24))),
    is_cancellable: true,
};

/// How old an object is before its row cannot be on its way any more, with room for the clock of a bucket.
const ORPHANED_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// How many objects one statement asks about.
const AT_ONCE: usize = 1000;

pub(crate) struct SweepObjects(pub(crate) Retention);

#[async_trait]
impl BackgroundWork for SweepObjects {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, _job: &BegunJob) -> Result<NextRun, JobFailure> {
        let retention = &self.0;
        // A storage of which nothing may be removed need not be listed.
        retention.check_owner().await.map_err(JobFailure::passing)?;
        let mut failed = Failed::default();
        let before = (retention.clock)() - ORPHANED_AFTER;
        let (mut orphans, mut bytes): (u64, u64) = (0, 0);
        for folder in [LOGS, ARTIFACTS] {
            let folder = ObjectKey::parse(folder).map_err(JobFailure::passing)?;
            let old = retention.objects.list_older(Some(&folder), before);
            let mut batches = old.try_chunks(AT_ONCE);
            while let Some(batch) = batches.try_next().await.map_err(|failed| unreadable(&failed.1))? {
                let keys: Vec<String> = batch.iter().map(|info| info.key.to_string()).collect();
                let unknown = retention.store.unknown_objects(&keys).await?;
                if unknown.is_empty() {
                    continue;
                }
                let gone = retention
                    .remove(unknown, &mut failed)
                    .await
                    .map_err(JobFailure::passing)?;
                orphans += gone.len() as u64;
                let of_gone = batch
                    .iter()
                    .filter(|info| gone.iter().any(|key| key == info.key.as_str()));
                bytes += of_gone.map(|info| info.bytes).sum::<u64>();
                retention
                    .counts
                    .orphans
                    .fetch_add(gone.len() as u64, Ordering::Relaxed);
            }
        }
        let unfinished = retention.objects.sweep_unfinished(before).await;
        let unfinished = unfinished.map_err(|error| unreadable(&error))?;
        if orphans + unfinished > 0 {
            tracing::info!(
                orphans,
                bytes,
                unfinished,
                "objects without a row have been removed"
            );
        }
        failed.into_result()
    }
}

fn unreadable(error: &ObjectError) -> JobFailure {
    JobFailure::Passing(format!("The objects cannot be listed: {}.", with_causes(error)))
}
