//! Reads the history of a project's repository into facts. It is asked for by whoever finds that something was pushed, and
//! reads what the mirror holds.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keirin_background::{BackgroundKind, BackgroundWork, JobFailure, NextRun, RetrySchedule};
use keirin_git::GitError;
use keirin_history::read_history;
use keirin_model::project::Project;
use keirin_store::StoreError;
use keirin_store::background_jobs::BegunJob;

use crate::answer::sentence;
use crate::controller::Controller;
use crate::work::WorkError;

pub(crate) const KIND: BackgroundKind = BackgroundKind {
    name: "read_history",
    title: "Read the history of a repository",
    // A large repository takes its time, and holds up no other.
    concurrency: 4,
    time_limit: Duration::from_secs(6 * 3600),
    retry: RetrySchedule {
        first: Duration::from_secs(60),
        longest: Duration::from_secs(3600),
        attempts: Some(8),
    },
    recurrence: None,
    is_cancellable: true,
};

pub(super) struct ReadHistory {
    controller: Arc<Controller>,
}

/// Why a history could not be read or stored.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Mirror(#[from] WorkError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReadError {
    /// Without folders of the server: whoever sees the project reads it.
    fn public_message(&self) -> String {
        match self {
            Self::Mirror(error) => error.to_string(),
            Self::Git(error) => error.public_message(),
            Self::Store(_) => "the server's database could not take the history; its log says why".to_owned(),
        }
    }
}

impl ReadHistory {
    pub(super) fn new(controller: &Arc<Controller>) -> Self {
        Self {
            controller: Arc::clone(controller),
        }
    }

    /// Gives how many commits were new to what is read now.
    async fn import(&self, project: &Project) -> Result<usize, ReadError> {
        let store = &self.controller.store;
        let repository = store.ensure_project_repository(project).await?;
        let mirror = self.controller.preparer.repositories.mirror(project.id).await?;
        let reader = mirror.history_reader().await?;
        let history = read_history(&reader, &repository.heads, |_| {}).await?;
        let commits = history.commits.len();
        let end = history.end();
        for part in history.into_parts() {
            store.add_history(repository.id, &part).await?;
        }
        store
            .finish_import(repository.id, &end, (self.controller.clock)())
            .await?;
        Ok(commits)
    }

    /// Takes down at the repository why its history could not be read.
    async fn take_down(&self, project: &Project, text: &str) -> Result<(), StoreError> {
        let store = &self.controller.store;
        match store.ensure_project_repository(project).await {
            Ok(repository) => store.import_failed(repository.id, text).await,
            // There is no row to write it to; it stands at the job.
            Err(StoreError::Conflict(_) | StoreError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl BackgroundWork for ReadHistory {
    fn kind(&self) -> BackgroundKind {
        KIND
    }

    async fn run(&self, job: &BegunJob) -> Result<NextRun, JobFailure> {
        let id = BackgroundKind::project_of(job)?;
        let project = match self.controller.store.project(id).await {
            Ok(project) => project,
            Err(StoreError::NotFound(_)) => return Ok(NextRun::Done),
            Err(error) => return Err(JobFailure::passing(error)),
        };
        match self.import(&project).await {
            Ok(commits) => {
                if commits > 0 {
                    tracing::info!(project = project.name, commits, "the history is among the facts");
                }
                Ok(NextRun::Done)
            }
            // The project has gone meanwhile.
            Err(ReadError::Store(StoreError::NotFound(_))) => Ok(NextRun::Done),
            Err(error) => {
                let text = sentence(&error.public_message());
                self.take_down(&project, &text)
                    .await
                    .map_err(JobFailure::passing)?;
                Err(JobFailure::Passing(text))
            }
        }
    }
}
