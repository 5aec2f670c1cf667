//! Transforms at work: they follow the facts, and write samples and their own position in one transaction. A crash at any
//! line repeats nothing and skips nothing.

mod aggregation;
mod recomputation;
mod since_start;

pub use since_start::SinceStart;

use std::collections::{BTreeSet, HashMap};
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use keirin_insight::{ALL, Increment};
use keirin_model::ProjectId;
use keirin_store::series::DescribedMetric;
use keirin_store::{Store, StoreError};
use tokio::sync::Notify;

use crate::storage::{Incoming, SampleColumns, Storage, StorageError, Writing};

/// How many facts are taken in at once. Many facts grow the same chunks, which are written once for all of them.
const PAGE: u32 = 20_000;

/// After how many facts it is kept how many there are: whoever asks counts no more than about so many.
const MOST_UNCOUNTED: u64 = 10_000;

/// Makes series of facts.
#[derive(Debug, Clone)]
pub struct Transforms {
    storage: Storage,
    news: Arc<Notify>,
    /// How many facts have come since it was last kept how many there are.
    uncounted: Arc<AtomicU64>,
    since_start: SinceStart,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransformProgress {
    /// How many facts were read.
    pub facts: u64,
    /// Whether there are more that cannot be read yet because an older transaction still runs: look again in a moment.
    pub is_held_back: bool,
}

impl AddAssign for TransformProgress {
    fn add_assign(&mut self, other: Self) {
        self.facts += other.facts;
        self.is_held_back |= other.is_held_back;
    }
}

impl Transforms {
    /// Transforms that write to this storage.
    pub fn new(storage: Storage) -> Self {
        Self {
            storage,
            news: Arc::default(),
            // It is not known how many came before this program started.
            uncounted: Arc::new(AtomicU64::new(MOST_UNCOUNTED)),
            since_start: SinceStart::default(),
        }
    }

    /// Where the samples go.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// What has been counted since this program started.
    pub fn since_start(&self) -> &SinceStart {
        &self.since_start
    }

    /// Says in the database what each metric means.
    ///
    /// # Errors
    /// The database fails.
    pub async fn describe(&self) -> Result<(), StorageError> {
        let described: Vec<_> = ALL
            .iter()
            .map(|definition| DescribedMetric {
                name: definition.name.to_owned(),
                kind: definition.kind(),
                unit: definition.unit.to_owned(),
                help: definition.meaning.to_owned(),
            })
            .collect();
        let mut writing = self.storage.begin().await?;
        writing.describe(&described).await?;
        writing.commit().await
    }

    /// Takes in all facts that are there, and carries levels on to this day.
    ///
    /// # Errors
    /// The database fails. What was done before stays done.
    pub async fn catch_up(&self, now: Timestamp) -> Result<TransformProgress, StorageError> {
        let mut progress = TransformProgress::default();
        progress += aggregation::all(self).await?;
        progress += recomputation::all(self, now).await?;
        let uncounted = self.uncounted.fetch_add(progress.facts, Ordering::Relaxed) + progress.facts;
        if uncounted >= MOST_UNCOUNTED {
            self.store().count_facts().await?;
            self.uncounted.store(0, Ordering::Relaxed);
        }
        Ok(progress)
    }

    /// Says that there are new facts, to whoever waits in [`Transforms::woken`].
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Waits until somebody says that there are new facts.
    pub async fn woken(&self) {
        self.news.notified().await;
    }

    fn store(&self) -> &Store {
        self.storage.store()
    }

    /// Writes what a transform has counted.
    async fn add(
        &self,
        writing: &mut Writing,
        transform: &str,
        increments: &[Increment],
    ) -> Result<(), StorageError> {
        let names: BTreeSet<&str> = increments.iter().map(owner).collect();
        let names: Vec<_> = names.into_iter().collect();
        let owners = self.store().owners(&names).await?;
        let incoming: Vec<_> = increments
            .iter()
            .map(|increment| incoming(transform, increment, &owners))
            .collect();
        writing.add(&incoming.iter().collect::<Vec<_>>()).await
    }
}

/// The project or repository that a series counts for.
fn owner(increment: &Increment) -> &str {
    match increment.labels.get("project") {
        "" => increment.labels.get("repository"),
        project => project,
    }
}

fn incoming(transform: &str, increment: &Increment, owners: &HashMap<String, ProjectId>) -> Incoming {
    let (times_ms, values) = increment.buckets.iter().copied().unzip();
    Incoming {
        labels: increment.labels.clone(),
        project: owners.get(owner(increment)).copied(),
        transform: Some(transform.to_owned()),
        bucket_ms: increment.counts.then(|| increment.bucket.milliseconds()),
        samples: SampleColumns { times_ms, values },
    }
}

/// Somebody else moved the position meanwhile: another server does the same work. What was read is read again.
fn overtaken(transform: &str) -> StorageError {
    StoreError::Conflict(format!(
        "the transform `{transform}` was moved on by another server"
    ))
    .into()
}
