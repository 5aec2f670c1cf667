//! Puts the many packs of mirrors together.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule};
use keirin_model::ProjectId;
use keirin_store::background_jobs::BegunJob;

use crate::controller::Controller;
use crate::work::WorkError;

const KIND: BackgroundKind = BackgroundKind {
    name: "repack_mirrors",
    title: "Put the packs of mirrors together",
    concurrency: 1,
    time_limit: Duration::from_secs(6 * 3600),
    retry: RetrySchedule::UNHURRIED,
    recurrence: Some(Recurrence::After(SignedDuration::from_hours(1))),
    is_cancellable: true,
};

pub(super) struct RepackMirrors {
    controller: Arc<Controller>,
}

impl RepackMirrors {
    pub(super) fn new(controller: &Arc<Controller>) -> Self {
        Self {
            controller: Arc::clone(controller),
        }
    }

    /// Repacks one project's mirror where that is worth its time.
    async fn look_after(&self, project: ProjectId) -> Result<(), WorkError> {
        let mirror = self.controller.preparer.repositories.mirror(project).await?;
        let before = mirror.object_layout().await?;
        if before.is_scattered() {
            mirror.repack().await?;
            let (packs, loose) = (before.packs, before.loose);
            tracing::info!(%project, packs, loose, "a mirror's packs have been put together");
        }
        Ok(())
    }
}

#[async_trait]
impl BackgroundWork for RepackMirrors {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, _job: &BegunJob) -> Result<NextRun, JobFailure> {
        let projects = self.controller.store.projects().await;
        let mut failed = None;
        for project in projects.map_err(JobFailure::passing)? {
            // One mirror that cannot be repacked keeps no other as it is.
            if let Err(error) = self.look_after(project.id).await {
                tracing::warn!(project = project.name, %error, "a mirror cannot be repacked");
                failed.get_or_insert(format!("The mirror of {}: {error}", project.name));
            }
        }
        match failed {
            Some(failed) => Err(JobFailure::Passing(failed)),
            None => Ok(NextRun::Done),
        }
    }
}
