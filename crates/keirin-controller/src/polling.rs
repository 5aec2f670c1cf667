//! How it is found that something was pushed to a repository: when it is looked at next, and what is watched meanwhile.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keirin_git::{RefsStamp, RepositoryUrl};
use keirin_model::ProjectId;
use keirin_store::polling::PolledProject;
use keirin_store::{Store, StoreError};

use crate::background::poll_repository;

/// How often a repository elsewhere is looked at in which something has just moved.
const OFTEN: SignedDuration = SignedDuration::from_secs(60);
/// How often one is looked at in which nothing has moved for long.
const SELDOM: SignedDuration = SignedDuration::from_mins(10);
/// The time that nothing has moved is so many times as long as the time until the next look.
const PATIENCE: i32 = 10;

/// When a repository is looked at after a look, where its references are not watched.
pub(crate) fn next_look(project: &PolledProject, now: Timestamp) -> Timestamp {
    let every = project.every.unwrap_or_else(|| {
        let quiet = now.duration_since(project.moved_at);
        spread((quiet / PATIENCE).clamp(OFTEN, SELDOM), project.id)
    });
    now + every
}

/// Takes up to a tenth off a time, by the project: what began at once must not come due at once for ever.
fn spread(time: SignedDuration, project: ProjectId) -> SignedDuration {
    let share = i32::try_from(project.0.rem_euclid(10)).unwrap_or_default();
    time - time / 100 * share
}

/// The stamp of a repository whose references are watched: it lies on this machine, and its workflows name no time of their
/// own.
pub(crate) fn stamp_of_watched(project: &PolledProject) -> Option<RefsStamp> {
    if project.every.is_some() {
        return None;
    }
    let url = RepositoryUrl::parse(&project.repository).ok()?;
    // One that cannot be watched is looked at by time, which says why it cannot be read.
    RefsStamp::of(url.local_path()?).ok()
}

/// Watches the references of repositories on this machine, and sees to it that every other repository is looked at in its
/// time.
#[derive(Debug, Default)]
pub struct RepositoryWatch {
    projects: Vec<PolledProject>,
    stamps: BTreeMap<ProjectId, RefsStamp>,
}

impl RepositoryWatch {
    /// Learns which projects there are.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn read_projects(&mut self, store: &Store) -> Result<(), StoreError> {
        self.projects = store.polled_projects(poll_repository::KIND.name, None).await?;
        Ok(())
    }

    /// Asks for a look at every repository whose references may have moved since the last round, and at every one that would
    /// not be looked at by itself.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn round(&mut self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let projects = std::mem::take(&mut self.projects);
        let stamped = tokio::task::spawn_blocking(move || {
            let stamps: Vec<_> = projects.iter().map(stamp_of_watched).collect();
            (projects, stamps)
        });
        let Ok((projects, stamps)) = stamped.await else {
            // The runtime ends.
            return Ok(());
        };
        let before = std::mem::take(&mut self.stamps);
        self.projects = projects;
        for (project, stamp) in self.projects.iter_mut().zip(stamps) {
            let is_wanted = match stamp {
                Some(stamp) => before.get(&project.id) != Some(&stamp),
                None => !project.has_job,
            };
            if is_wanted {
                // What cannot be asked for now is asked for in the next round.
                poll_repository::enqueue(store, project.id, now).await?;
                project.has_job = true;
            }
            if let Some(stamp) = stamp {
                self.stamps.insert(project.id, stamp);
            }
        }
        Ok(())
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
