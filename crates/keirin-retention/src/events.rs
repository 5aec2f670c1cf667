//! Removes the events that nobody waits for any more.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_store::background_jobs::BegunJob;

use crate::Retention;

const KIND: BackgroundKind = BackgroundKind {
    name: "remove_events",
    title: "Remove events that are older than a week",
    concurrency: 1,
    time_limit: Duration::from_secs(3600),
    retry: RetrySchedule::UNHURRIED,
    recurrence: Some(Recurrence::After(SignedDuration::from_hours(1))),
    is_cancellable: true,
};

/// How long events are kept. A reader that comes back later is told to read everything anew.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How many one transaction deletes.
const AT_ONCE: u32 = 5_000;

pub(crate) struct RemoveEvents(pub(crate) Retention);

#[async_trait]
impl BackgroundWork for RemoveEvents {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, _job: &BegunJob) -> Result<NextRun, JobFailure> {
        let before = (self.0.clock)() - KEPT;
        loop {
            let removed = self.0.store.remove_events(before, AT_ONCE).await?;
            self.0.counts.events.fetch_add(removed, Ordering::Relaxed);
            if removed < u64::from(AT_ONCE) {
                return Ok(NextRun::Done);
            }
        }
    }
}
