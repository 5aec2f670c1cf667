//! The groups that are there: kept in the database, and written as samples again and again while they are.

use std::collections::BTreeSet;

use keirin_formats::batch::Received;
use keirin_formats::refusal::{IntakePath, RefusedItems};
use keirin_formats::text::Exposition;
use keirin_model::Clock;
use keirin_model::series::Labels;
use keirin_series::sink::{SampleSink as _, SinkError};
use keirin_series::storage::{ForProject, Intake, hash_labels};
use keirin_store::{Store, StoreError};
use sha2::{Digest as _, Sha256};

use super::group::{Group, PushMethod, change, push};
use super::kept::{from_json, to_json};

/// How often a change is tried that others get before. Each of them got through.
const TRIES: usize = 20;

/// Groups of pushed metrics.
#[derive(Clone)]
pub struct Groups {
    store: Store,
    intake: Intake,
    clock: Clock,
}

/// Why a push or a deletion was not done.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// Some of it is refused; the group holds the rest.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to become of a group.
#[derive(Default)]
struct Decision {
    /// The group from now on; none to delete it.
    after: Option<Group>,
    /// The metrics of it that have just come.
    set: BTreeSet<String>,
    /// What has come and is not in it.
    refused: RefusedItems,
}

impl Groups {
    /// The groups in this database.
    pub fn new(store: Store, intake: &Intake, clock: Clock) -> Self {
        Self {
            store,
            intake: intake.by(IntakePath::Push),
            clock,
        }
    }

    /// Takes a push.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub async fn push(
        &self,
        project: Option<ForProject>,
        labels: &Labels,
        method: PushMethod,
        pushed: &Exposition,
    ) -> Result<(), GroupError> {
        self.change(project, labels, |before, now_ms| {
            let (after, set, refused) = push(before, labels, method, pushed.clone(), now_ms);
            Decision {
                after: Some(after),
                set,
                refused,
            }
        })
        .await
    }

    /// Deletes a group; nothing happens where there is none.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub async fn delete(&self, project: Option<ForProject>, labels: &Labels) -> Result<(), GroupError> {
        self.change(project, labels, |_, _| Decision::default()).await
    }

    /// Writes what every group holds, as if it was scraped now.
    ///
    /// # Errors
    /// The database fails. What is refused of one group does not keep the others from being written.
    pub async fn refresh_pushed_groups(&self) -> Result<(), GroupError> {
        for kept in self.store.pushed_groups().await? {
            let group = from_json(kept.content).map_err(|error| damaged(&error))?;
            let project = kept.project.map(|(id, name)| ForProject { id, name });
            let written = self
                .intake
                .of(project)
                .again()
                .write(group.batch((self.clock)().as_millisecond()).into())
                .await;
            match written {
                Err(SinkError::Refused { refused, .. }) => {
                    tracing::warn!(group = %group.labels, %refused, "samples of a pushed group are refused");
                }
                written => written?,
            }
        }
        Ok(())
    }

    async fn change(
        &self,
        project: Option<ForProject>,
        labels: &Labels,
        mut decide: impl FnMut(Option<&Group>, i64) -> Decision,
    ) -> Result<(), GroupError> {
        let key = fingerprint(project.as_ref(), labels);
        for _ in 0..TRIES {
            let now_ms = (self.clock)().as_millisecond();
            let stored = self.store.pushed_group(&key).await?;
            let version = stored.as_ref().map(|(_, version)| *version);
            let before = match stored {
                Some((content, _)) => Some(from_json(content).map_err(|error| damaged(&error))?),
                None => None,
            };
            let Decision { after, set, refused } = decide(before.as_ref(), now_ms);
            let done = match (&after, version) {
                (Some(after), version) => {
                    let id = project.as_ref().map(|project| project.id);
                    self.store
                        .save_pushed_group(&key, id, &to_json(after), version)
                        .await?
                }
                (None, Some(version)) => self.store.remove_pushed_group(&key, version).await?,
                (None, None) => return Ok(()),
            };
            if done {
                let mut batch = change(before.as_ref(), after.as_ref(), now_ms);
                // All else is the group's, and was told of when it came.
                let sent = after
                    .as_ref()
                    .map(|group| group.series_of(&set))
                    .unwrap_or_default();
                let (sent, besides) = batch
                    .series
                    .drain(..)
                    .partition(|(labels, _)| sent.contains(labels));
                batch.series = sent;
                let received = Received { batch, refused };
                self.intake.of(project).write_with(received, besides).await?;
                return Ok(());
            }
        }
        Err(StoreError::Conflict(format!("the group {labels} is pushed by too many at once")).into())
    }
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Groups").finish_non_exhaustive()
    }
}

fn damaged(error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt(format!("a pushed group: {error}"))
}

fn fingerprint(project: Option<&ForProject>, labels: &Labels) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(project.map_or(0, |project| project.id.0).to_le_bytes());
    hash_labels(labels, &mut hash);
    hash.finalize().to_vec()
}
