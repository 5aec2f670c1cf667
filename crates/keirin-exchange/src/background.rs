//! The background work of series.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_store::background_jobs::BegunJob;

use crate::exchange::Exchange;

const DROP_OLD: BackgroundKind = BackgroundKind {
    name: "drop_old_samples",
    title: "Drop samples from outside that are too old",
    concurrency: 1,
    time_limit: Duration::from_secs(3600),
    retry: RetrySchedule {
        first: Duration::from_secs(60),
        longest: Duration::from_secs(3600),
        attempts: None,
    },
    recurrence: Some(Recurrence::After(SignedDuration::from_hours(1))),
    is_cancellable: true,
};

/// Every kind of background job that is about series.
pub fn background_works(exchange: &Arc<Exchange>) -> Vec<Arc<dyn BackgroundWork>> {
    vec![Arc::new(DropOld(Arc::clone(exchange)))]
}

struct DropOld(Arc<Exchange>);

#[async_trait]
impl BackgroundWork for DropOld {
    fn kind(&self) -> BackgroundKind {
        DROP_OLD
    }

    async fn run(&self, _job: &BegunJob) -> Result<NextRun, JobFailure> {
        let chunks = self.0.drop_old().await.map_err(JobFailure::passing)?;
        if chunks > 0 {
            tracing::info!(chunks, "samples that are too old have been dropped");
        }
        Ok(NextRun::Done)
    }
}
