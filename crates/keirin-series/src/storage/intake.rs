//! Samples from outside: what may be kept of them is written, and the rest is refused with a reason.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keirin_formats::batch::{Batch, Received};
use keirin_formats::refusal::{IntakePath, RefusalCounts, RefusedItems, SampleRefusal, shown};
use keirin_insight::definition_of;
use keirin_model::series::{Labels, Sample};
use keirin_model::{Clock, ProjectId};
use keirin_store::series::DescribedMetric;

use super::{Incoming, SampleColumns, Storage, StorageError};
use crate::sink::{SampleSink, SinkError};

/// The label that the series of a project have.
const PROJECT: &str = "project";

/// How far the clock of a sender may be ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// Bytes of the name of a metric or a label.
const NAME_BYTES: usize = 512;
/// Bytes of a label's value, and of what is said of a metric.
const TEXT_BYTES: usize = 4096;

/// How much is kept of samples from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntakeLimits {
    /// How many series each project may have, and as many may belong to none.
    pub series: u64,
    /// How long samples are kept.
    pub keep: SignedDuration,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self {
            series: 200_000,
            keep: SignedDuration::from_hours(400 * 24),
        }
    }
}

/// The project that samples come in for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForProject {
    /// Its id.
    pub id: ProjectId,
    /// Its name: the label `project` of its series.
    pub name: String,
}

/// A way into the storage for samples from outside.
#[derive(Clone)]
pub struct Intake {
    storage: Storage,
    limits: IntakeLimits,
    clock: Clock,
    project: Option<ForProject>,
    way: IntakePath,
    refusals: RefusalCounts,
}

impl Intake {
    /// A way in for samples that belong to no project: remote write, where no other is named.
    pub fn new(storage: Storage, limits: IntakeLimits, clock: Clock) -> Self {
        Self {
            storage,
            limits,
            clock,
            project: None,
            way: IntakePath::RemoteWrite,
            refusals: RefusalCounts::default(),
        }
    }

    /// The same for samples that come by another way; what is refused is counted together.
    #[must_use]
    pub fn by(&self, way: IntakePath) -> Self {
        Self { way, ..self.clone() }
    }

    /// What has been refused since the start.
    pub fn refusals(&self) -> &RefusalCounts {
        &self.refusals
    }

    /// Counts a call of which nothing could be read.
    pub fn count_unreadable(&self, fault: &str) {
        let mut refused = RefusedItems::default();
        refused.add(1, SampleRefusal::unreadable("the whole", fault));
        self.refusals.count(self.way, &refused);
    }

    /// The same for samples of a project.
    #[must_use]
    pub fn of(&self, project: Option<ForProject>) -> Self {
        Self {
            project,
            ..self.clone()
        }
    }

    /// The same for what has been taken before: what is refused of it has been counted.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            refusals: RefusalCounts::default(),
            ..self.clone()
        }
    }

    /// As those who collect samples take it.
    pub fn shared(self) -> Arc<dyn SampleSink> {
        Arc::new(self)
    }

    /// Keeps what was received, and in the same transaction what the server says besides. Of that nothing is told or counted
    /// where it cannot be kept: whoever sent the rest has not sent it.
    ///
    /// # Errors
    /// See [`SampleSink::write`].
    pub async fn write_with(
        &self,
        received: Received,
        besides: Vec<(Labels, Vec<Sample>)>,
    ) -> Result<(), SinkError> {
        let Received { batch, mut refused } = received;
        let samples = batch.samples() + refused.count();
        let metrics: Vec<_> = batch
            .metadata
            .iter()
            // What a metric means that is made here is said here.
            .filter(|metadata| definition_of(&metadata.name).is_none() && is_name(&metadata.name))
            .map(|metadata| DescribedMetric {
                name: metadata.name.clone(),
                kind: metadata.kind,
                unit: fitting(&metadata.unit, NAME_BYTES),
                help: fitting(&metadata.help, TEXT_BYTES),
            })
            .collect();
        let mut incoming = self.sort_out(batch, &mut refused);
        let sent = incoming.len();
        let besides = Batch {
            series: besides,
            metadata: Vec::new(),
        };
        incoming.extend(self.sort_out(besides, &mut RefusedItems::default()));
        if !incoming.is_empty() || !metrics.is_empty() {
            let write = || self.write_admitted(&incoming, sent, &metrics);
            let written = self.storage.retried(write).await;
            let too_many = written.map_err(|error| SinkError::Failed(error.to_string()))?;
            refused.extend(too_many);
        }
        if refused.is_empty() {
            return Ok(());
        }
        self.refusals.count(self.way, &refused);
        Err(SinkError::Refused { refused, samples })
    }

    /// The samples that may be kept as far as their times and names say, and what is refused.
    fn sort_out(&self, batch: Batch, refused: &mut RefusedItems) -> Vec<Incoming> {
        let now = (self.clock)();
        let since = now.saturating_sub(self.limits.keep).unwrap_or(Timestamp::MIN);
        let until = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        let (since_ms, until_ms) = (since.as_millisecond(), until.as_millisecond());
        let mut incoming = Vec::with_capacity(batch.series.len());
        for (labels, mut samples) in batch.grouped().series {
            let labels = match &self.project {
                Some(project) => labels.with(PROJECT, &project.name),
                None => labels,
            };
            if let Some(fault) = fault(&labels) {
                let series = shown(&labels);
                refused.add(samples.len(), SampleRefusal::Unfit { series, fault });
                continue;
            }
            if made_here(&labels) {
                refused.add(samples.len(), SampleRefusal::MadeHere(labels.metric().to_owned()));
                continue;
            }
            let came = samples.len();
            let mut first_wrong = None;
            samples.retain(|sample| {
                let right = (since_ms..=until_ms).contains(&sample.time_ms);
                if !right && first_wrong.is_none() {
                    first_wrong = Some(sample.time_ms);
                }
                right
            });
            if let Some(time_ms) = first_wrong {
                let series = shown(&labels);
                let time = Timestamp::from_millisecond(time_ms).unwrap_or(if time_ms < 0 {
                    Timestamp::MIN
                } else {
                    Timestamp::MAX
                });
                let refusal = if time_ms < since_ms {
                    SampleRefusal::TooOld { series, time, since }
                } else {
                    SampleRefusal::TooNew { series, time }
                };
                refused.add(came - samples.len(), refusal);
            }
            if !samples.is_empty() {
                incoming.push(Incoming {
                    labels,
                    project: self.project.as_ref().map(|project| project.id),
                    transform: None,
                    bucket_ms: None,
                    samples: SampleColumns::new(samples),
                });
            }
        }
        incoming
    }

    /// Writes what there is room for, and gives what there is none for of the first `sent`.
    async fn write_admitted(
        &self,
        incoming: &[Incoming],
        sent: usize,
        metrics: &[DescribedMetric],
    ) -> Result<RefusedItems, StorageError> {
        let mut refused = RefusedItems::default();
        let mut writing = self.storage.begin().await?;
        writing.describe(metrics).await?;
        let admitted = writing.admit(incoming, self.limits.series).await?;
        let mut kept = Vec::with_capacity(incoming.len());
        for (index, (incoming, admitted)) in incoming.iter().zip(admitted).enumerate() {
            if admitted {
                kept.push(incoming);
                continue;
            }
            if index >= sent {
                continue;
            }
            let refusal = SampleRefusal::TooManySeries {
                series: shown(&incoming.labels),
                whose: match &self.project {
                    Some(project) => format!("the project {}", project.name),
                    None => "whatever belongs to no project".to_owned(),
                },
                limit: self.limits.series,
            };
            refused.add(incoming.samples.times_ms.len(), refusal);
        }
        writing.set(&kept).await?;
        writing.commit().await?;
        Ok(refused)
    }
}

#[async_trait]
impl SampleSink for Intake {
    async fn write(&self, received: Received) -> Result<(), SinkError> {
        self.write_with(received, Vec::new()).await
    }
}

/// Why a series cannot be kept, whatever its samples are.
fn fault(labels: &Labels) -> Option<&'static str> {
    let mut all = labels.iter();
    if labels.metric().is_empty() {
        Some("has no metric's name")
    } else if !is_name(labels.metric()) || all.clone().any(|(name, _)| !is_name(name)) {
        Some("has a name of more than 512 bytes, or with the character zero in it")
    } else if all.any(|(_, value)| value.len() > TEXT_BYTES || value.contains('\0')) {
        Some("has a label with a value of more than 4096 bytes, or with the character zero in it")
    } else {
        None
    }
}

fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES).contains(&name.len()) && !name.contains('\0')
}

/// A text as the database can keep it: words about a metric are better cut off than lost.
fn fitting(text: &str, most_bytes: usize) -> String {
    text[..text.floor_char_boundary(most_bytes)].replace('\0', "\u{fffd}")
}

/// Whether a series could be one that a transform makes.
fn made_here(labels: &Labels) -> bool {
    definition_of(labels.metric()).is_some_and(|definition| {
        labels
            .without_metric()
            .iter()
            .all(|(name, _)| name == "le" || definition.labels.contains(&name))
    })
}
