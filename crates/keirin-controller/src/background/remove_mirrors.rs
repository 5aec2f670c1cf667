//! Removes the mirrors of projects that are not there any more.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_store::background_jobs::BegunJob;

use crate::controller::Controller;

const KIND: BackgroundKind = BackgroundKind {
    name: "remove_mirrors",
    title: "Remove the mirrors of deleted projects",
    concurrency: 1,
    time_limit: Duration::from_secs(3600),
    retry: RetrySchedule::UNHURRIED,
    recurrence: Some(Recurrence::After(SignedDuration::from_hours(1))),
    is_cancellable: true,
};

pub(super) struct RemoveMirrors {
    controller: Arc<Controller>,
}

impl RemoveMirrors {
    pub(super) fn new(controller: &Arc<Controller>) -> Self {
        Self {
            controller: Arc::clone(controller),
        }
    }
}

#[async_trait]
impl BackgroundWork for RemoveMirrors {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, _job: &BegunJob) -> Result<NextRun, JobFailure> {
        let mirrors = self.controller.preparer.repositories.mirrors();
        // First the mirrors: a project is there before its mirror is.
        let names = mirrors.names().await.map_err(JobFailure::passing)?;
        let projects = self.controller.store.projects().await?;
        let projects: BTreeSet<String> = projects.iter().map(|project| project.id.to_string()).collect();
        for name in names.iter().filter(|name| !projects.contains(*name)) {
            mirrors.remove(name).await.map_err(JobFailure::passing)?;
            tracing::info!(project = name, "the mirror of a deleted project has been removed");
        }
        Ok(NextRun::Done)
    }
}
