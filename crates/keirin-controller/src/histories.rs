//! The histories of the projects' own repositories: read when their mirrors have moved on.
//!
//! Mirrors are brought up to date by whoever looks for pushes; this only looks at what they hold, which costs no
//! process as long as nothing has changed.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keirin_git::{GitError, Mirror};
use keirin_model::project::Project;
use keirin_model::{Clock, ProjectId};
use keirin_store::{Store, StoreError};

use crate::answer::sentence;
use crate::history::read_history;
use crate::repositories::Repositories;

/// How often the mirrors are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long until an import that failed is tried again, where its mirror has not moved.
const TRY_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// Reads the histories of the projects' repositories into facts.
pub(crate) struct Histories {
    store: Store,
    repositories: Repositories,
    clock: Clock,
    seen: HashMap<ProjectId, Seen>,
}

/// A mirror as it was when its history was read.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    fingerprint: u64,
    /// When to look again although nothing has changed.
    again: Option<Timestamp>,
}

/// Why a history could not be read or stored.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure {
    /// Without folders of the server: whoever sees the project reads it.
    fn public_message(&self) -> String {
        match self {
            Self::Git(error) => error.public_message(),
            Self::Store(_) => "the server's database could not take the history; its log says why".to_owned(),
        }
    }
}

impl Histories {
    pub(crate) fn new(store: Store, repositories: Repositories, clock: Clock) -> Self {
        Self {
            store,
            repositories,
            clock,
            seen: HashMap::new(),
        }
    }

    /// Looks again and again; never ends by itself.
    pub(crate) async fn run(mut self) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "histories cannot be looked at at the moment");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Looks at every project's mirror once, and reads what is new.
    async fn look(&mut self) -> Result<(), StoreError> {
        let projects = self.store.projects().await?;
        self.seen
            .retain(|id, _| projects.iter().any(|project| project.id == *id));
        for project in projects {
            // What keeps a mirror from being used is told by whoever fetches it.
            let Ok(mirror) = self.repositories.mirror(project.id).await else {
                continue;
            };
            let Ok(fingerprint) = mirror.fingerprint().await else {
                continue;
            };
            let is_new = match self.seen.get(&project.id) {
                Some(seen) if seen.fingerprint == fingerprint => {
                    seen.again.is_some_and(|again| again <= (self.clock)())
                }
                _ => true,
            };
            if is_new {
                let again = self.take_in(&project, &mirror).await?;
                self.seen.insert(project.id, Seen { fingerprint, again });
            }
        }
        Ok(())
    }

    /// Imports what is new of one project, and takes down where that fails; gives when to try again.
    async fn take_in(&self, project: &Project, mirror: &Mirror) -> Result<Option<Timestamp>, StoreError> {
        let name = &project.name;
        let failed = match self.import(project, mirror).await {
            Ok(commits) => {
                if commits > 0 {
                    tracing::info!(project = name, commits, "the history is among the facts");
                }
                return Ok(None);
            }
            // The project may have gone meanwhile.
            Err(Failure::Store(StoreError::NotFound(_))) => return Ok(None),
            Err(failed) => failed,
        };
        tracing::warn!(project = name, error = %failed, "the history could not be read");
        match self.store.ensure_project_repository(project).await {
            Ok(repository) => {
                let text = sentence(&failed.public_message());
                self.store.import_failed(repository.id, &text).await?;
            }
            // There is no row to write it to; it stands in the log.
            Err(StoreError::Conflict(_) | StoreError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(Some((self.clock)() + TRY_AGAIN))
    }

    /// Gives how many commits were new to what is read now.
    async fn import(&self, project: &Project, mirror: &Mirror) -> Result<usize, Failure> {
        let repository = self.store.ensure_project_repository(project).await?;
        let reader = mirror.history_reader().await?;
        let history = read_history(&reader, &repository.heads, |_| {}).await?;
        let commits = history.commits.len();
        let end = history.end();
        for part in history.into_parts() {
            self.store.add_history(repository.id, &part).await?;
        }
        self.store
            .finish_import(repository.id, &end, (self.clock)())
            .await?;
        Ok(commits)
    }
}
