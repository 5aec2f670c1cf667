//! How it is found that something was pushed to a repository: when it is looked at next, and what is watched meanwhile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keirin_git::{RefsStamp, RepositoryUrl};
use keirin_model::ProjectId;
use keirin_store::polling::PolledProject;
use keirin_store::{Store, StoreError};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use crate::background::poll_repository;

/// How long after a look the next one comes, where something has just moved.
const SHORTEST_INTERVAL: SignedDuration = SignedDuration::from_secs(60);
/// How long after a look the next one comes at the latest.
const LONGEST_INTERVAL: SignedDuration = SignedDuration::from_mins(10);
/// The time that nothing has moved is so many times as long as the interval.
const QUIET_INTERVALS: i32 = 10;

/// How long the folders of one repository may take to be looked at, as those of a disk that does not answer.
const WATCH_LIMIT: Duration = Duration::from_secs(2);

/// When a repository is looked at after a look, where its references do not move before.
pub(crate) fn next_look(project: &PolledProject, now: Timestamp) -> Timestamp {
    let interval = match project.every {
        Some(every) => return now + every,
        None if watched_path(project).is_some() => LONGEST_INTERVAL,
        None => {
            let quiet = now.duration_since(project.moved_at);
            (quiet / QUIET_INTERVALS).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL)
        }
    };
    now + spread(interval, project.id)
}

/// Takes up to a tenth off a time, by the project: what began at once must not come due at once for ever.
fn spread(time: SignedDuration, project: ProjectId) -> SignedDuration {
    let share = i32::try_from(project.0.rem_euclid(10)).unwrap_or_default();
    time - time / 100 * share
}

/// Where a repository lies whose references are watched: on this machine, and its workflows name no time of their own.
fn watched_path(project: &PolledProject) -> Option<PathBuf> {
    if project.every.is_some() {
        return None;
    }
    let url = RepositoryUrl::parse(&project.repository).ok()?;
    url.local_path().map(Path::to_owned)
}

/// Watches the references of repositories on this machine, and sees to it that every repository is looked at in its time.
#[derive(Debug, Default)]
pub struct RepositoryWatch {
    projects: Vec<PolledProject>,
    stamps: BTreeMap<ProjectId, Option<RefsStamp>>,
    /// Those that have not been answered in time.
    waiting: BTreeMap<ProjectId, JoinHandle<Option<RefsStamp>>>,
}

/// Why a round did not do all of its work.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The database did not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Some repository cannot be watched; all others are.
    #[error("the disk of the repository of project {0} does not answer")]
    Silent(ProjectId),
    /// A fault of the program.
    #[error("looking at the references of the repository of project {0} broke: {1}")]
    Broken(ProjectId, JoinError),
}

impl RepositoryWatch {
    /// Learns which projects there are.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn read_projects(&mut self, store: &Store) -> Result<(), StoreError> {
        self.projects = store.polled_projects(poll_repository::KIND.name, None).await?;
        let is_there = |id: &ProjectId| self.projects.iter().any(|project| project.id == *id);
        self.stamps.retain(|id, _| is_there(id));
        Ok(())
    }

    /// Asks for a look at every repository whose references may have moved since the last round, and at every one that would
    /// not be looked at by itself.
    ///
    /// # Errors
    /// See [`WatchError`]; what can be done is done all the same.
    pub async fn round(&mut self, store: &Store, now: Timestamp) -> Result<(), WatchError> {
        let mut failed = Ok(());
        for project in &mut self.projects {
            let begun = match self.waiting.remove(&project.id) {
                Some(waiting) if !waiting.is_finished() => {
                    self.waiting.insert(project.id, waiting);
                    failed = Err(WatchError::Silent(project.id));
                    None
                }
                Some(waiting) => Some(waiting),
                // One after the other: a thread each would be many. One that cannot be watched is looked at in its time, which
                // says why it cannot be read.
                None => watched_path(project)
                    .map(|path| tokio::task::spawn_blocking(move || RefsStamp::of(&path).ok())),
            };
            let mut new = None;
            if let Some(mut stamp) = begun {
                match timeout(WATCH_LIMIT, &mut stamp).await {
                    Ok(Ok(stamp)) => {
                        new = Some(stamp).filter(|stamp| self.stamps.get(&project.id) != Some(stamp))
                    }
                    Ok(Err(error)) => failed = Err(WatchError::Broken(project.id, error)),
                    Err(_) => {
                        self.waiting.insert(project.id, stamp);
                        failed = Err(WatchError::Silent(project.id));
                    }
                }
            }
            if new.is_some() || !project.has_job {
                // Before the stamp is kept: what cannot be asked for now is asked for in the next round.
                poll_repository::KIND.enqueue_for(store, project.id, now).await?;
                project.has_job = true;
            }
            if let Some(stamp) = new {
                self.stamps.insert(project.id, stamp);
            }
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(id: i64, every: Option<i64>) -> PolledProject {
        PolledProject {
            id: ProjectId(id),
            repository: "https://example.org/one.git".to_owned(),
            every: every.map(SignedDuration::from_secs),
            moved_at: Timestamp::UNIX_EPOCH,
            has_job: true,
        }
    }

    #[test]
    fn the_longer_nothing_moves_the_less_often_it_is_looked() {
        for (quiet, expected) in [(0, 60), (599, 60), (1_200, 120), (6_000, 600), (1_000_000, 600)] {
            let now = Timestamp::from_second(quiet).unwrap();
            let wait = next_look(&project(10, None), now).duration_since(now);
            assert_eq!(wait.as_secs(), expected, "quiet for {quiet} s");
        }
    }

    #[test]
    fn looks_that_begin_at_once_part() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let waits = (0..20).map(|id| next_look(&project(id, None), now).duration_since(now).as_secs());
        let waits: std::collections::BTreeSet<i64> = waits.collect();
        assert_eq!(
            (waits.len(), waits.first(), waits.last()),
            (10, Some(&546), Some(&600))
        );
    }

    #[test]
    fn a_repository_that_is_watched_is_looked_at_seldom_besides() {
        let local = PolledProject {
            repository: "/srv/one".to_owned(),
            ..project(10, None)
        };
        let wait = next_look(&local, local.moved_at).duration_since(local.moved_at);
        assert_eq!(wait.as_secs(), 600);
    }

    #[test]
    fn what_the_workflows_say_is_kept_to_exactly() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        assert_eq!(
            next_look(&project(7, Some(300)), now)
                .duration_since(now)
                .as_secs(),
            300
        );
    }
}
