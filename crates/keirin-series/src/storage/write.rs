//! Writing samples.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keirin_model::ProjectId;
use keirin_model::series::Labels;
use keirin_store::series::{DescribedMetric, NewSeries, SampleWrite, SeriesTimeRange};
use keirin_store::{Store, StoreError};
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;

use super::StorageError;
use super::merge::{How, Merged, cut_off, merge};

/// How many series' ids are remembered.
const REMEMBERED: usize = 200_000;

/// Series in a database. Clones share what they remember.
#[derive(Debug, Clone)]
pub struct Storage {
    pub(super) store: Store,
    /// The ids of series that were written to.
    ids: Arc<Mutex<HashMap<Labels, i64>>>,
    /// Writers wait here for one another, and not with a connection in their hands that others need.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// Samples of one series in two columns; times rise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SampleColumns {
    /// Milliseconds since 1970.
    pub times_ms: Vec<i64>,
    /// A value for each time.
    pub values: Vec<f64>,
}

/// Samples for one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// Metric and labels.
    pub labels: Labels,
    /// The project that the series counts for.
    pub project: Option<ProjectId>,
    /// The transform that makes it; none for samples from outside.
    pub transform: Option<String>,
    /// The width of its buckets, where one without a sample has counted zero.
    pub bucket_ms: Option<i64>,
    /// What is new.
    pub samples: SampleColumns,
}

/// A transaction that writes samples; see [`SampleWrite`].
#[derive(Debug)]
pub struct Writing {
    write: SampleWrite,
    storage: Storage,
    /// What was found and has to be forgotten if this is not committed.
    found: Vec<(Labels, i64)>,
    _turn: OwnedMutexGuard<()>,
}

impl SampleColumns {
    /// Samples in any order. Of several at one time the last one counts.
    pub fn new(mut samples: Vec<keirin_model::series::Sample>) -> Self {
        samples.sort_by_key(|sample| sample.time_ms);
        let mut sorted = Self::default();
        for sample in samples {
            if sorted.times_ms.last() == Some(&sample.time_ms) {
                sorted.values.pop();
                sorted.times_ms.pop();
            }
            sorted.times_ms.push(sample.time_ms);
            sorted.values.push(sample.value);
        }
        sorted
    }
}

impl Storage {
    /// The series in this database.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            ids: Arc::default(),
            turn: Arc::default(),
        }
    }

    /// Writes samples, all or none. A sample at a time that has one already takes its place.
    ///
    /// # Errors
    /// The database fails.
    pub async fn write(
        &self,
        incoming: &[Incoming],
        metrics: &[DescribedMetric],
    ) -> Result<(), StorageError> {
        self.retried(|| self.try_write(incoming, metrics)).await
    }

    async fn try_write(
        &self,
        incoming: &[Incoming],
        metrics: &[DescribedMetric],
    ) -> Result<(), StorageError> {
        let mut writing = self.begin().await?;
        writing.describe(metrics).await?;
        writing.set(&incoming.iter().collect::<Vec<_>>()).await?;
        writing.commit().await
    }

    /// Writes a second time where a series that was remembered is gone, as after retention: another look finds or makes
    /// it.
    pub(super) async fn retried<Done, Written>(
        &self,
        write: impl Fn() -> Written,
    ) -> Result<Done, StorageError>
    where
        Written: Future<Output = Result<Done, StorageError>>,
    {
        match write().await {
            Err(StorageError::Store(StoreError::Conflict(_))) => {
                self.forget();
                write().await
            }
            result => result,
        }
    }

    /// Begins to write. Writers go one after the other.
    ///
    /// # Errors
    /// The database fails.
    pub async fn begin(&self) -> Result<Writing, StorageError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        Ok(Writing {
            write: self.store.write_samples().await?,
            storage: self.clone(),
            found: Vec::new(),
            _turn: turn,
        })
    }

    /// The store under it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Looks every series up again.
    fn forget(&self) {
        self.remembered().clear();
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<Labels, i64>> {
        // What is in it is only ever added to or cleared, so a panic leaves nothing half done.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing {
    /// Puts samples in, in place of those at the same times.
    ///
    /// # Errors
    /// The database fails, or a chunk is damaged.
    pub async fn set(&mut self, incoming: &[&Incoming]) -> Result<(), StorageError> {
        self.merge(incoming, How::Set).await
    }

    /// Adds samples to those at the same times.
    ///
    /// # Errors
    /// The database fails, or a chunk is damaged.
    pub async fn add(&mut self, incoming: &[&Incoming]) -> Result<(), StorageError> {
        self.merge(incoming, How::Add).await
    }

    /// Removes the samples of a transform at this time and after it, in milliseconds since 1970, for all of its series or for
    /// those that have this label.
    ///
    /// # Errors
    /// The database fails, or a chunk is damaged.
    pub async fn remove(
        &mut self,
        transform: &str,
        label: Option<(&str, &str)>,
        from_ms: i64,
    ) -> Result<(), StorageError> {
        let cut = self.write.remove_chunks(transform, label, from_ms).await?;
        let kept = cut.into_iter().map(|chunk| cut_off(chunk, from_ms));
        let kept = kept.collect::<Result<Vec<_>, _>>()?;
        if !kept.is_empty() {
            self.write.replace_chunks(&[], &kept).await?;
        }
        Ok(())
    }

    /// Which of these series may be written to, all of one project or of none: those that are there, and as many more
    /// as the limit leaves room for. Each is there once.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn admit(
        &mut self,
        incoming: &[Incoming],
        limit: u64,
    ) -> Result<Vec<bool>, StorageError> {
        let mut admitted: Vec<bool> = {
            let ids = self.storage.remembered();
            incoming
                .iter()
                .map(|incoming| ids.contains_key(&incoming.labels))
                .collect()
        };
        let unknown: Vec<_> = (0..incoming.len()).filter(|place| !admitted[*place]).collect();
        if unknown.is_empty() {
            return Ok(admitted);
        }
        let fingerprints: Vec<_> = unknown
            .iter()
            .map(|place| fingerprint(&incoming[*place].labels).to_vec())
            .collect();
        let ids = self.write.find(&fingerprints).await?;
        let there = self
            .write
            .series_from_outside(incoming[unknown[0]].project)
            .await?;
        let mut room = limit.saturating_sub(there);
        for (place, id) in unknown.into_iter().zip(ids) {
            admitted[place] = id.is_some() || room > 0;
            if id.is_none() {
                room = room.saturating_sub(1);
            }
        }
        Ok(admitted)
    }

    /// Says what metrics mean.
    ///
    /// # Errors
    /// The database fails.
    pub async fn describe(&mut self, metrics: &[DescribedMetric]) -> Result<(), StorageError> {
        if !metrics.is_empty() {
            self.write.describe(metrics).await?;
        }
        Ok(())
    }

    /// The transaction itself, for what has nothing to do with samples.
    pub fn transaction(&mut self) -> &mut SampleWrite {
        &mut self.write
    }

    /// Makes all of it so.
    ///
    /// # Errors
    /// The database fails.
    pub async fn commit(self) -> Result<(), StorageError> {
        self.write.commit().await?;
        let mut ids = self.storage.remembered();
        if ids.len() + self.found.len() > REMEMBERED {
            ids.clear();
        }
        ids.extend(self.found);
        Ok(())
    }

    async fn merge(&mut self, incoming: &[&Incoming], how: How) -> Result<(), StorageError> {
        let ids = self.ids(incoming).await?;
        let spans: Vec<_> = ids
            .iter()
            .zip(incoming)
            .filter_map(|(id, incoming)| SeriesTimeRange::of(*id, &incoming.samples.times_ms))
            .collect();
        let chunks = self.write.chunks_to_merge(&spans).await?;
        let mut by_series: HashMap<i64, &[_]> = HashMap::with_capacity(spans.len());
        for of_series in chunks.chunk_by(|left, right| left.series == right.series) {
            by_series.insert(of_series[0].series, of_series);
        }
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (id, incoming) in ids.iter().zip(incoming) {
            let mut merged = Merged::default();
            let chunks = by_series.get(id).copied().unwrap_or_default();
            merge(*id, chunks, &incoming.samples, how, &mut merged)?;
            old.extend(merged.old);
            new.extend(merged.new);
        }
        self.write.replace_chunks(&old, &new).await?;
        Ok(())
    }

    /// The ids of the series, in order; those that are not there are made.
    async fn ids(&mut self, incoming: &[&Incoming]) -> Result<Vec<i64>, StorageError> {
        let remembered: Vec<Option<i64>> = {
            let ids = self.storage.remembered();
            incoming
                .iter()
                .map(|incoming| ids.get(&incoming.labels).copied())
                .collect()
        };
        let unknown: Vec<_> = incoming
            .iter()
            .zip(&remembered)
            .filter(|(_, id)| id.is_none())
            .map(|(incoming, _)| NewSeries {
                labels: &incoming.labels,
                fingerprint: fingerprint(&incoming.labels),
                project: incoming.project,
                transform: incoming.transform.as_deref(),
                bucket_ms: incoming.bucket_ms,
            })
            .collect();
        if unknown.is_empty() {
            return Ok(remembered.into_iter().flatten().collect());
        }
        let found = self.write.find_or_create(&unknown).await?;
        self.found.extend(
            unknown
                .iter()
                .zip(&found)
                .map(|(series, id)| (series.labels.clone(), *id)),
        );
        let mut found = found.into_iter();
        Ok(remembered
            .into_iter()
            .filter_map(|id| id.or_else(|| found.next()))
            .collect())
    }
}

/// Tells a series from all others.
fn fingerprint(labels: &Labels) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash_labels(labels, &mut hash);
    hash.finalize().into()
}

/// Puts labels into a hash.
pub fn hash_labels(labels: &Labels, hash: &mut Sha256) {
    for (name, value) in labels.iter() {
        for part in [name, value] {
            // Lengths come first, so that no two sets of labels write the same bytes.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
}
