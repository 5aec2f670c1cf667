//! The background work of logs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_store::background_jobs::{BegunJob, NewBackgroundJob};
use keirin_store::{Store, StoreError};

use crate::logs::Logs;

const SEAL: BackgroundKind = BackgroundKind {
    name: "seal_logs",
    title: "Merge the small pieces of logs",
    concurrency: 1,
    time_limit: Duration::from_secs(3600),
    retry: RetrySchedule {
        first: Duration::from_secs(10),
        longest: Duration::from_secs(600),
        attempts: None,
    },
    recurrence: Some(Recurrence::After(SignedDuration::from_secs(60))),
    is_cancellable: true,
};

/// Every kind of background job that is about logs.
pub fn background_works(logs: &Logs) -> Vec<Arc<dyn BackgroundWork>> {
    vec![Arc::new(SealLogs(logs.clone()))]
}

/// Has logs merged at once that have very many small chunks.
pub(crate) async fn hasten_sealing(store: &Store) -> Result<(), StoreError> {
    store
        .enqueue_background_job(NewBackgroundJob::new(SEAL.name, ""))
        .await
}

/// Makes few large chunks of the many small ones that a log came in.
struct SealLogs(Logs);

#[async_trait]
impl BackgroundWork for SealLogs {
    fn kind(&self) -> BackgroundKind {
        SEAL
    }

    async fn run(&self, _job: &BegunJob) -> Result<NextRun, JobFailure> {
        loop {
            let done = self.0.seal().await.map_err(JobFailure::passing)?;
            match done.failed.first() {
                // Those that failed are taken up again by the next call, which is not to be at once.
                Some((stream, error)) => {
                    return Err(JobFailure::Passing(format!(
                        "Log {stream} stays in pieces: {error}."
                    )));
                }
                None if done.sealed == 0 => return Ok(NextRun::Done),
                None => {}
            }
        }
    }
}
