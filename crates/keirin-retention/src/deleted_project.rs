//! Deletes what a deleted project leaves, piece by piece.

use std::time::Duration;

use async_trait::async_trait;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, RetrySchedule};
use keirin_store::background_jobs::{BegunJob, NewBackgroundJob};
use keirin_store::deletion::{CLEAR_DELETED_PROJECT, DeletedProject};

use crate::Retention;

const KIND: BackgroundKind = BackgroundKind {
    name: CLEAR_DELETED_PROJECT,
    title: "Delete what a deleted project leaves",
    concurrency: 1,
    time_limit: Duration::from_secs(12 * 3600),
    retry: RetrySchedule {
        first: Duration::from_secs(10),
        longest: Duration::from_secs(600),
        attempts: None,
    },
    recurrence: None,
    is_cancellable: false,
};

/// How many flows one transaction deletes.
const FLOWS: u32 = 100;
/// How many of each kind of what flows left one transaction deletes.
const OUTPUTS: u32 = 10_000;
/// How many facts of each kind one transaction deletes.
const FACTS: u32 = 50_000;
/// Of how many series one transaction deletes the samples.
const SERIES: usize = 100;

pub(crate) struct ClearDeletedProject(pub(crate) Retention);

#[async_trait]
impl BackgroundWork for ClearDeletedProject {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, job: &BegunJob) -> Result<NextRun, JobFailure> {
        let left: DeletedProject = serde_json::from_value(job.payload.clone())
            .map_err(|error| JobFailure::Lasting(format!("It does not say what was deleted: {error}.")))?;
        self.clear(job, &left).await?;
        // Whoever deletes a project wants its room now.
        let removal = NewBackgroundJob::new(crate::removal::KIND.name, "");
        self.0.store.enqueue_background_job(removal).await?;
        tracing::info!(
            project = job.key,
            "what a deleted project had left has been deleted"
        );
        Ok(NextRun::Done)
    }
}

impl ClearDeletedProject {
    async fn clear(&self, job: &BegunJob, left: &DeletedProject) -> Result<(), JobFailure> {
        let store = &self.0.store;
        let flows = store.count_flows(left.project).await?;
        let mut deleted = 0;
        loop {
            let batch = store.first_flows(left.project, FLOWS).await?;
            if batch.is_empty() {
                break;
            }
            while store.delete_outputs(&batch, OUTPUTS).await? > 0 {}
            let gone = store.delete_flows(&batch).await?;
            if gone == 0 {
                // Nobody can begin one again whose project is gone.
                return Err(JobFailure::Passing(format!("Flow {} is not finished.", batch[0])));
            }
            deleted += gone;
            let progress = format!("{} flows left", flows.saturating_sub(deleted));
            store.set_background_job_progress(job, &progress).await?;
        }
        for series in left.series.chunks(SERIES) {
            store.delete_samples_of(series).await?;
        }
        store.set_background_job_progress(job, "facts left").await?;
        while store.delete_work_facts(left.project, FACTS).await? > 0 {}
        if let Some(repository) = left.repository {
            while store.delete_history_facts(repository, FACTS).await? > 0 {}
        }
        store.count_facts().await?;
        Ok(())
    }
}
