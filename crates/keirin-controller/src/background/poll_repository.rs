//! Looks at a project's repository for what was pushed. Each look is followed by the next in its time; where references are
//! watched one is asked for when they move.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, RetrySchedule};
use keirin_model::ProjectId;
use keirin_store::background_jobs::BegunJob;
use keirin_store::{Store, StoreError};

use crate::controller::Controller;
use crate::polling::next_look;

pub(crate) const KIND: BackgroundKind = BackgroundKind {
    name: "poll_repository",
    title: "Look for what was pushed",
    // Most of their time they wait for another machine, and one that does not answer is to hold up no other.
    concurrency: 32,
    // A first look brings the whole repository here.
    time_limit: Duration::from_secs(6 * 3600),
    retry: RetrySchedule {
        first: Duration::from_secs(30),
        longest: Duration::from_secs(600),
        attempts: None,
    },
    recurrence: None,
    is_cancellable: true,
};

/// When it is tried again where somebody else looks at the repository, as at first whoever has made the project.
const UNDER_WAY: SignedDuration = SignedDuration::from_secs(10);

/// Asks for the look that follows one that has just been made, where the project is still there.
pub(crate) async fn enqueue_next(
    store: &Store,
    project: ProjectId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let projects = store.polled_projects(KIND.name, Some(project)).await?;
    match projects.first() {
        Some(polled) => KIND.enqueue_for(store, project, next_look(polled, now)).await,
        None => Ok(()),
    }
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
        let id = BackgroundKind::project_of(job)?;
        let looked = self.controller.poll_unless_under_way(id).await;
        let now = (self.controller.clock)();
        // As it is after the look, which may have found other workflows, or that the project is gone.
        let projects = self.controller.store.polled_projects(KIND.name, Some(id)).await?;
        let Some(project) = projects.first() else {
            return Ok(NextRun::Done);
        };
        Ok(NextRun::Again(match looked.map_err(JobFailure::passing)? {
            true => next_look(project, now),
            false => now + UNDER_WAY,
        }))
    }
}
