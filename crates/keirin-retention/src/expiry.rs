//! Removes what has been kept long enough.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_model::flow::FlowKind;
use keirin_model::retention::{EffectiveRetention, RetainedKind};
use keirin_model::{FlowId, Timestamp};
use keirin_store::background_jobs::BegunJob;
use keirin_store::retention::{RetainedBranch, RetentionCutoff};
use strum::VariantArray as _;

use crate::Retention;

const KIND: BackgroundKind = BackgroundKind {
    name: "apply_retention",
    title: "Remove what has been kept long enough",
    concurrency: 1,
    time_limit: Duration::from_secs(12 * 3600),
    retry: RetrySchedule::UNHURRIED,
    recurrence: Some(Recurrence::After(SignedDuration::from_hours(1))),
    is_cancellable: true,
};

/// How many flows are looked up at once; the rules are read again before each time.
const LOOKED_UP: u32 = 1_000;
/// How many flows one transaction deals with. A commit that begins one of them again waits for it.
const FLOWS: usize = 20;
/// How many rows of what flows left one transaction deletes.
const OUTPUTS: u32 = 2_000;

pub(crate) struct ApplyRetention(pub(crate) Retention);

#[async_trait]
impl BackgroundWork for ApplyRetention {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, job: &BegunJob) -> Result<NextRun, JobFailure> {
        let store = &self.0.store;
        let now = (self.0.clock)();
        for (flow, what, since) in store.unfinished_removals().await? {
            let removed = self.remove_outputs(what, &[flow], since).await?;
            self.0.counts.expired(what).fetch_add(removed, Ordering::Relaxed);
        }
        let stay = store.newest_flows().await?;
        let mut faults = Vec::new();
        // What goes with its flow need not go by itself before.
        for what in [RetainedKind::Flows].into_iter().chain(RetainedKind::OUTPUTS) {
            let mut removed = 0;
            loop {
                let kept = self.0.kept_by_branch().await?;
                faults = kept.faults;
                let cutoffs = cutoffs(&kept.branches, what, now);
                let flows = store.expired_flows(what, &cutoffs, &stay, LOOKED_UP).await?;
                let mut gone = 0;
                for batch in flows.chunks(FLOWS) {
                    gone += self.remove(what, batch, now).await?;
                    let progress = format!("{what}: {} flows done", removed + gone);
                    store.set_background_job_progress(job, &progress).await?;
                }
                removed += gone;
                // Where flows of a full page stay, because they have begun again, they are not looked up for ever.
                if gone == 0 || flows.len() < LOOKED_UP as usize {
                    break;
                }
            }
            if removed > 0 {
                self.0.counts.expired(what).fetch_add(removed, Ordering::Relaxed);
                tracing::info!(
                    what = what.into_str(),
                    flows = removed,
                    "what was kept long enough has been removed"
                );
            }
        }
        match faults.is_empty() {
            true => Ok(NextRun::Done),
            false => Err(JobFailure::Passing(faults.join(" "))),
        }
    }
}

impl ApplyRetention {
    /// Removes this of some flows; gives of how many. One that has finished since `now` is not what was looked up any more.
    async fn remove(&self, what: RetainedKind, flows: &[FlowId], now: Timestamp) -> Result<u64, JobFailure> {
        if what != RetainedKind::Flows {
            return self.remove_outputs(what, flows, now).await;
        }
        for kind in RetainedKind::OUTPUTS {
            self.remove_outputs(kind, flows, now).await?;
        }
        Ok(self.0.store.delete_expired_flows(flows, now).await?)
    }

    async fn remove_outputs(
        &self,
        what: RetainedKind,
        flows: &[FlowId],
        before: Timestamp,
    ) -> Result<u64, JobFailure> {
        let store = &self.0.store;
        while store.remove_outputs(flows, what, OUTPUTS, before).await? > 0 {}
        Ok(store.finish_removal(flows, what).await?)
    }
}

/// Before when flows of each branch have been kept long enough, as far as this goes. What is kept as long as its flow goes with
/// it.
fn cutoffs(
    kept: &[(RetainedBranch, EffectiveRetention)],
    what: RetainedKind,
    now: Timestamp,
) -> Vec<RetentionCutoff> {
    let each = kept.iter().flat_map(|(branch, effective)| {
        FlowKind::VARIANTS.iter().filter_map(move |kind| {
            let times = effective.of(*kind);
            let keep = times.of(what).keep;
            if what != RetainedKind::Flows && keep == times.flows.keep {
                return None;
            }
            Some(RetentionCutoff {
                branch: branch.id,
                kind: *kind,
                before: keep.cutoff(now)?,
            })
        })
    });
    each.collect()
}
