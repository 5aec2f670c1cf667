//! Removes what the audit log has kept long enough.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_store::background_jobs::BegunJob;

use crate::Retention;

const KIND: BackgroundKind = BackgroundKind {
    name: "remove_audit_entries",
    title: "Remove what the audit log has kept long enough",
    concurrency: 1,
    time_limit: Duration::from_secs(3600),
    retry: RetrySchedule::UNHURRIED,
    recurrence: Some(Recurrence::After(SignedDuration::from_hours(24))),
    is_cancellable: true,
};

/// How many one transaction deletes.
const AT_ONCE: u32 = 5_000;

pub(crate) struct RemoveAuditEntries {
    pub(crate) retention: Retention,
    pub(crate) kept: SignedDuration,
}

#[async_trait]
impl BackgroundWork for RemoveAuditEntries {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, _job: &BegunJob) -> Result<NextRun, JobFailure> {
        let before = (self.retention.clock)() - self.kept;
        loop {
            let store = &self.retention.store;
            let removed = store.remove_audit_entries(before, AT_ONCE).await?;
            let counts = &self.retention.counts;
            counts.audit_entries.fetch_add(removed, Ordering::Relaxed);
            if removed < u64::from(AT_ONCE) {
                return Ok(NextRun::Done);
            }
        }
    }
}
