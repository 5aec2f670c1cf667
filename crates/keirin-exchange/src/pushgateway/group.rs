//! A group, and what a push makes of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use keirin_formats::batch::{Batch, Metadata};
use keirin_formats::refusal::{RefusedItems, SampleRefusal, shown};
use keirin_formats::text::{Exposition, family_of};
use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};

use crate::live::LiveSeries;

/// When the group was last pushed, in seconds since 1970.
const PUSH_TIME: &str = "push_time_seconds";
/// When a push to it was last refused, as a whole or in part; 0 where none was.
const FAILURE_TIME: &str = "push_failure_time_seconds";

/// What was pushed under the same labels and is there until it is replaced.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// The labels that all of it has.
    pub(super) labels: Labels,
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

/// The group after a push, and what of the push is refused: lines that could not be read, and each sample that has a time,
/// is there twice, or has a name that is kept for the group itself. The group's labels are set on every series, over those
/// that it has. Where all of the push is refused, the group stays as it was, but for the time of the failure. Between the
/// two are the names of the metrics that the push has set.
pub(super) fn push(
    before: Option<&Group>,
    labels: &Labels,
    method: PushMethod,
    pushed: Exposition,
    now_ms: i64,
) -> (Group, BTreeSet<String>, RefusedItems) {
    let (pushed, refused) = sorted_by_metric(pushed, labels);
    if pushed.is_empty() && !refused.is_empty() {
        return (push_failed(before, labels, now_ms), BTreeSet::new(), refused);
    }
    let set = pushed.keys().cloned().collect();
    let mut metrics = match (method, before) {
        (PushMethod::Post, Some(group)) => group.metrics.clone(),
        _ => BTreeMap::new(),
    };
    metrics.extend(pushed);
    let failed_ms = if refused.is_empty() {
        before.and_then(|group| group.failed_ms)
    } else {
        Some(now_ms)
    };
    let group = Group {
        labels: labels.clone(),
        metrics,
        pushed_ms: Some(now_ms),
        failed_ms,
    };
    (group, set, refused)
}

/// The group after a push that was refused.
fn push_failed(before: Option<&Group>, labels: &Labels, now_ms: i64) -> Group {
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
pub(super) fn change(before: Option<&Group>, after: Option<&Group>, now_ms: i64) -> Batch {
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
    /// The series of these metrics.
    pub(super) fn series_of(&self, metrics: &BTreeSet<String>) -> HashSet<&Labels> {
        let metrics = metrics.iter().filter_map(|name| self.metrics.get(name));
        let series = metrics.flat_map(|metric| &metric.series);
        series.map(|(labels, _)| labels).collect()
    }

    /// Everything that the group holds, as it would be scraped now.
    pub(super) fn batch(&self, now_ms: i64) -> Batch {
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
                "When a push to this group was last refused, as a whole or in part, in seconds since 1970.",
            ),
        ] {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit for 280,000 years")]
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

fn sorted_by_metric(pushed: Exposition, group: &Labels) -> (BTreeMap<String, Pushed>, RefusedItems) {
    let kinds: HashMap<&str, MetricKind> = pushed
        .metadata
        .iter()
        .map(|metadata| (&*metadata.name, metadata.kind))
        .collect();
    let mut metrics: BTreeMap<String, Pushed> = BTreeMap::new();
    let mut refused = pushed.refused;
    let mut seen = HashSet::new();
    for sample in &pushed.samples {
        let labels = group.iter().fold(sample.labels.clone(), |labels, (name, value)| {
            labels.with(name, value)
        });
        // What is pushed is there until it is replaced, so it is of no time.
        let fault = if sample.time_ms.is_some() {
            Some("has a time; leave it out, because what is pushed holds until the next push")
        } else if matches!(labels.metric(), PUSH_TIME | FAILURE_TIME) {
            Some("is what the server says of a group, and cannot be pushed")
        } else if seen.contains(&labels) {
            Some("is there twice; the first is kept")
        } else {
            None
        };
        if let Some(fault) = fault {
            refused.add(
                1,
                SampleRefusal::unreadable(format!("`{}`", shown(&labels)), fault),
            );
            continue;
        }
        seen.insert(labels.clone());
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
    (metrics, refused)
}

#[cfg(test)]
mod tests {
    use keirin_formats::pushgateway::grouping;
    use keirin_formats::text::{TextFormat, TextLimits, read};

    use super::*;

    fn labels() -> Labels {
        grouping("job/backup/instance/a").unwrap()
    }

    fn text(text: &str) -> Exposition {
        read(text.as_bytes(), TextFormat::PROMETHEUS, TextLimits::default()).unwrap()
    }

    fn pushed(before: Option<&Group>, method: PushMethod, sent: &str, now_ms: i64) -> Group {
        let (group, _, refused) = push(before, &labels(), method, text(sent), now_ms);
        assert!(refused.is_empty(), "{refused}");
        group
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
        let first = pushed(None, PushMethod::Put, TWO, 1_500);
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
        let posted = pushed(Some(&first), PushMethod::Post, again, 3_000);
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

        let put = pushed(Some(&posted), PushMethod::Put, "size 6\n", 4_000);
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
        let first = pushed(None, PushMethod::Put, TWO, 1_000);
        let empty = pushed(Some(&first), PushMethod::Put, "", 2_000);
        assert_eq!(
            shown(&empty.batch(2_000)),
            ["push_time_seconds 2", "push_failure_time_seconds 0"]
        );
    }

    #[test]
    fn a_refused_push_leaves_its_time_and_nothing_else() {
        let first = pushed(None, PushMethod::Put, "size 5\n", 1_000);
        let timed = "size 5 1000\npush_time_seconds 5\n";
        let (failed, _, refused) = push(Some(&first), &labels(), PushMethod::Put, text(timed), 2_000);
        assert_eq!(refused.count(), 2);
        assert_eq!(
            shown(&failed.batch(2_000)),
            ["size 5", "push_time_seconds 1", "push_failure_time_seconds 2"]
        );
        let (never, _, _) = push(None, &labels(), PushMethod::Put, text(timed), 2_000);
        assert_eq!(
            shown(&never.batch(2_000)),
            ["push_time_seconds 0", "push_failure_time_seconds 2"]
        );
    }

    #[test]
    fn what_cannot_be_pushed_is_lost_alone_and_says_why() {
        for (line, reason) in [
            (
                "size 5 1000",
                "`size{instance=\"a\", job=\"backup\"}` has a time; leave it out, because what is pushed holds until the next push",
            ),
            (
                "good 2",
                "`good{instance=\"a\", job=\"backup\"}` is there twice; the first is kept",
            ),
            (
                "good{job=\"x\"} 2",
                "`good{instance=\"a\", job=\"backup\"}` is there twice; the first is kept",
            ),
            (
                "push_time_seconds 5",
                "`push_time_seconds{instance=\"a\", job=\"backup\"}` is what the server says of a group, and cannot be pushed",
            ),
            ("size five", "line 2 has a value that is no number: \"five\""),
        ] {
            let sent = text(&format!("good 1\n{line}\n"));
            let (group, _, refused) = push(None, &labels(), PushMethod::Put, sent, 2_000);
            assert_eq!(
                shown(&group.batch(2_000)),
                ["good 1", "push_time_seconds 2", "push_failure_time_seconds 2"]
            );
            assert_eq!((refused.count(), refused.to_string()), (1, reason.to_owned()));
        }
    }
}
