//! Looks at a project's repository for what was pushed. Where its references are watched a look is asked for when they
//! move; every other one is followed by the next in its time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, RetrySchedule};
use keirin_model::ProjectId;
use keirin_store::background_jobs::{BegunJob, NewBackgroundJob};
use keirin_store::{Store, StoreError};

use crate::controller::Controller;
use crate::polling::{next_look, stamp_of_watched};

pub(crate) const KIND: BackgroundKind = BackgroundKind {
    name: "poll_repository",
    title: "Look for what was pushed",
    concurrency: 8,
    // A first look brings the whole repository here.
    time_limit: Duration::from_secs(6 * 3600),
    retry: RetrySchedule {
        first: Duration::from_secs(30),
        longest: Duration::from_secs(600),
        attempts: None,
    },
    every: None,
};

/// Asks for a look at a project's repository.
pub(crate) async fn enqueue(store: &Store, project: ProjectId, now: Timestamp) -> Result<(), StoreError> {
    let key = project.to_string();
    let job = NewBackgroundJob {
        project: Some(project),
        run_at: Some(now),
        ..NewBackgroundJob::new(KIND.name, &key)
    };
    store.enqueue_background_job(job).await
}

pub(super) struct PollRepository {
    controller: Arc<Controller>,
}

impl PollRepository {
    pub(super) fn new(controller: &Arc<Controller>) -> Self {
        Self {
            controller: Arc::clone(controller),
        }
    }
}

#[async_trait]
impl BackgroundWork for PollRepository {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, job: &BegunJob) -> Result<NextRun, JobFailure> {
        let Some(id) = job.project else {
            return Err(JobFailure::Lasting("It names no project.".to_owned()));
        };
        let polled = async || {
            let projects = self.controller.store.polled_projects(KIND.name, Some(id)).await;
            projects
                .map(|mut projects| projects.pop())
                .map_err(JobFailure::passing)
        };
        if polled().await?.is_none() {
            return Ok(NextRun::Done);
        }
        self.controller.poll(id).await.map_err(JobFailure::passing)?;
        // As it is after the look, which may have found other workflows.
        let Some(project) = polled().await? else {
            return Ok(NextRun::Done);
        };
        let now = (self.controller.clock)();
        let looked = tokio::task::spawn_blocking(move || match stamp_of_watched(&project) {
            Some(_) => NextRun::Done,
            None => NextRun::Again(next_look(&project, now)),
        });
        looked.await.map_err(JobFailure::passing)
    }
}
