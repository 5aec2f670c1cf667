//! A group, and what a push makes of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};

use crate::batch::{Batch, Metadata};
use crate::live::LiveSeries;
use crate::text::{Exposition, family_of};

/// When the group was last pushed, in seconds since 1970.
const PUSH_TIME: &str = "push_time_seconds";
/// When a push to it was last refused; 0 where none was.
const FAILURE_TIME: &str = "push_failure_time_seconds";

/// What was pushed under the same labels and is there until it is replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The labels that all of it has.
    pub labels: Labels,
    /// By name: a histogram is one metric with all its parts.
    pub(super) metrics: BTreeMap<String, Pushed>,
    pub(super) pushed_ms: Option<i64>,
    pub(super) failed_ms: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Pushed {
    pub(super) metadata: Option<Metadata>,
    pub(super) series: Vec<(Labels, f64)>,
}

/// How a push is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushMethod {
    /// Replaces everything in the group.
    Put,
    /// Replaces the metrics that it names, and leaves the others.
    Post,
}

/// Why a push is refused. The group stays as it was, but for the time of the failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// What is pushed is there until it is replaced, so it is of no time.
    #[error("the sample of `{0}` has a time; leave it out, because what is pushed holds until the next push")]
    HasTime(String),
    /// A series is there twice.
    #[error("the series `{0}` is there twice")]
    Duplicate(String),
    /// A name is kept for the group itself.
    #[error("`{0}` is what the server says of a group, and cannot be pushed")]
    Reserved(String),
}

/// The group after a push. The group's labels are set on every series, over those that it has.
///
/// # Errors
/// The push is refused; see [`push_failed`].
pub fn push(
    before: Option<&Group>,
    labels: &Labels,
    method: PushMethod,
    pushed: Exposition,
    now_ms: i64,
) -> Result<Group, PushError> {
    let mut metrics = match (method, before) {
        (PushMethod::Post, Some(group)) => group.metrics.clone(),
        _ => BTreeMap::new(),
    };
    metrics.extend(sorted_by_metric(pushed, labels)?);
    Ok(Group {
        labels: labels.clone(),
        metrics,
        pushed_ms: Some(now_ms),
        failed_ms: before.and_then(|group| group.failed_ms),
    })
}

/// The group after a push that was refused.
pub fn push_failed(before: Option<&Group>, labels: &Labels, now_ms: i64) -> Group {
    let before = before.cloned().unwrap_or_else(|| Group {
        labels: labels.clone(),
        metrics: BTreeMap::new(),
        pushed_ms: None,
        failed_ms: None,
    });
    Group {
        failed_ms: Some(now_ms),
        ..before
    }
}

/// The samples that say what has become of a group: all that it holds now, and the end of what it held before and holds
/// no more. Deleted, it holds nothing.
pub fn change(before: Option<&Group>, after: Option<&Group>, now_ms: i64) -> Batch {
    let mut batch = after.map(|group| group.batch(now_ms)).unwrap_or_default();
    let live = |batch: &Batch| {
        batch
            .series
            .iter()
            .map(|(labels, _)| labels.clone())
            .collect::<LiveSeries>()
    };
    let earlier = live(&before.map(|group| group.batch(now_ms)).unwrap_or_default());
    let now = live(&batch);
    batch.series.extend(earlier.ended(&now, now_ms));
    batch
}

impl Group {
    /// Everything that the group holds, as it would be scraped now.
    pub fn batch(&self, now_ms: i64) -> Batch {
        let mut batch = Batch::default();
        for pushed in self.metrics.values() {
            batch.metadata.extend(pushed.metadata.clone());
            let samples = pushed.series.iter();
            batch
                .series
                .extend(samples.map(|(labels, value)| (labels.clone(), vec![Sample::new(now_ms, *value)])));
        }
        for (name, time_ms, help) in [
            (
                PUSH_TIME,
                self.pushed_ms,
                "When this group was last pushed, in seconds since 1970.",
            ),
            (
                FAILURE_TIME,
                self.failed_ms,
                "When a push to this group was last refused, in seconds since 1970.",
            ),
        ] {
            #[expect(
                clippy::cast_precision_loss,
                reason = "milliseconds since 1970 fit for 280,000 years"
            )]
            let seconds = time_ms.unwrap_or(0) as f64 / 1000.0;
            batch.series.push((
                self.labels.with(METRIC_NAME, name),
                vec![Sample::new(now_ms, seconds)],
            ));
            batch.metadata.push(Metadata {
                name: name.to_owned(),
                kind: MetricKind::Gauge,
                unit: "seconds".to_owned(),
                help: help.to_owned(),
            });
        }
        batch
    }
}

fn sorted_by_metric(pushed: Exposition, group: &Labels) -> Result<BTreeMap<String, Pushed>, PushError> {
    let kinds: HashMap<&str, MetricKind> = pushed
        .metadata
        .iter()
        .map(|metadata| (&*metadata.name, metadata.kind))
        .collect();
    let mut metrics: BTreeMap<String, Pushed> = BTreeMap::new();
    let mut seen = HashSet::new();
    for sample in &pushed.samples {
        if sample.time_ms.is_some() {
            return Err(PushError::HasTime(sample.labels.to_string()));
        }
        if matches!(sample.labels.metric(), PUSH_TIME | FAILURE_TIME) {
            return Err(PushError::Reserved(sample.labels.metric().to_owned()));
        }
        let labels = group.iter().fold(sample.labels.clone(), |labels, (name, value)| {
            labels.with(name, value)
        });
        if !seen.insert(labels.clone()) {
            return Err(PushError::Duplicate(labels.to_string()));
        }
        let metric = family_of(&sample.labels, |name| kinds.get(name).copied());
        metrics
            .entry(metric.to_owned())
            .or_default()
            .series
            .push((labels, sample.value));
    }
    // What was described and has no sample is no metric, and replaces none.
    for metadata in pushed.metadata {
        if let Some(metric) = metrics.get_mut(&metadata.name) {
            metric.metadata = Some(metadata);
        }
    }
    Ok(metrics)
}

#[cfg(test)]
mod tests {
    use super::super::grouping;
    use super::*;
    use crate::text::{TextFormat, TextLimits, read};

    fn labels() -> Labels {
        grouping("job/backup/instance/a").unwrap()
    }

    fn text(text: &str) -> Exposition {
        read(text.as_bytes(), TextFormat::PROMETHEUS, TextLimits::default()).unwrap()
    }

    fn shown(batch: &Batch) -> Vec<String> {
        let one = |(labels, samples): &(Labels, Vec<Sample>)| {
            let value = if samples[0].is_stale() {
                "ended".to_owned()
            } else {
                samples[0].value.to_string()
            };
            format!(
                "{} {value}",
                labels
                    .without_metric()
                    .iter()
                    .fold(labels.metric().to_owned(), |text, (name, value)| {
                        if matches!(name, "job" | "instance") {
                            text
                        } else {
                            format!("{text} {name}={value}")
                        }
                    })
            )
        };
        let mut shown: Vec<_> = batch.series.iter().map(one).collect();
        // Ends come in no order.
        let ends = shown
            .iter()
            .position(|one| one.ends_with(" ended"))
            .unwrap_or(shown.len());
        shown[ends..].sort();
        shown
    }

    const TWO: &str = "# TYPE size gauge\nsize 5\n# TYPE took histogram\ntook_bucket{le=\"+Inf\"} 1\ntook_sum 3\ntook_count 1\n";

    #[test]
    fn a_put_replaces_the_group_and_a_post_what_it_names() {
        let first = push(None, &labels(), PushMethod::Put, text(TWO), 1_500).unwrap();
        let batch = first.batch(2_000);
        assert_eq!(
            shown(&batch),
            [
                "size 5",
                "took_bucket le=+Inf 1",
                "took_sum 3",
                "took_count 1",
                "push_time_seconds 1.5",
                "push_failure_time_seconds 0"
            ]
        );
        assert!(
            batch
                .series
                .iter()
                .all(|(labels, _)| labels.get("job") == "backup" && labels.get("instance") == "a")
        );

        // The histogram is one metric: its bucket goes although the push has none.
        let again = "# TYPE took histogram\ntook_sum{part=\"b\"} 4\n";
        let posted = push(Some(&first), &labels(), PushMethod::Post, text(again), 3_000).unwrap();
        assert_eq!(
            shown(&change(Some(&first), Some(&posted), 3_000)),
            [
                "size 5",
                "took_sum part=b 4",
                "push_time_seconds 3",
                "push_failure_time_seconds 0",
                "took_bucket le=+Inf ended",
                "took_count ended",
                "took_sum ended"
            ]
        );

        let put = push(Some(&posted), &labels(), PushMethod::Put, text("size 6\n"), 4_000).unwrap();
        assert_eq!(
            shown(&change(Some(&posted), Some(&put), 4_000)),
            [
                "size 6",
                "push_time_seconds 4",
                "push_failure_time_seconds 0",
                "took_sum part=b ended"
            ]
        );
        assert_eq!(
            shown(&change(Some(&put), None, 5_000)),
            [
                "push_failure_time_seconds ended",
                "push_time_seconds ended",
                "size ended"
            ]
        );
    }

    #[test]
    fn a_put_of_nothing_leaves_the_time_of_the_push() {
        let first = push(None, &labels(), PushMethod::Put, text(TWO), 1_000).unwrap();
        let empty = push(Some(&first), &labels(), PushMethod::Put, text(""), 2_000).unwrap();
        assert_eq!(
            shown(&empty.batch(2_000)),
            ["push_time_seconds 2", "push_failure_time_seconds 0"]
        );
    }

    #[test]
    fn a_refused_push_leaves_its_time_and_nothing_else() {
        let first = push(None, &labels(), PushMethod::Put, text("size 5\n"), 1_000).unwrap();
        for (pushed, reason) in [
            (
                "size 5 1000\n",
                "the sample of `size` has a time; leave it out, because what is pushed holds until the next push",
            ),
            (
                "size 5\nsize 6\n",
                "the series `size{instance=\"a\", job=\"backup\"}` is there twice",
            ),
            (
                "size{job=\"x\"} 5\nsize 6\n",
                "the series `size{instance=\"a\", job=\"backup\"}` is there twice",
            ),
            (
                "push_time_seconds 5\n",
                "`push_time_seconds` is what the server says of a group, and cannot be pushed",
            ),
        ] {
            let error = push(Some(&first), &labels(), PushMethod::Post, text(pushed), 2_000).unwrap_err();
            assert_eq!(error.to_string(), reason);
        }
        let failed = push_failed(Some(&first), &labels(), 2_000);
        assert_eq!(
            shown(&failed.batch(2_000)),
            ["size 5", "push_time_seconds 1", "push_failure_time_seconds 2"]
        );
        let never = push_failed(None, &labels(), 2_000);
        assert_eq!(
            shown(&never.batch(2_000)),
            ["push_time_seconds 0", "push_failure_time_seconds 2"]
        );
    }
}
