//! A tally: by how much which buckets of which series grow. Adding up is all that happens to it, and every number in it
//! is exact, so neither the order of facts nor the way they are split changes the sum.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use keirin_model::series::{Labels, METRIC_NAME};

use crate::definition::{Bucket, Definition, Shape};

/// Durations are added up in parts of a second of which any sum is exact.
const PARTS_OF_A_SECOND: f64 = 1024.0;

/// By how much buckets grow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    series: HashMap<Labels, Growth>,
}

#[derive(Debug, Clone, PartialEq)]
struct Growth {
    bucket: Bucket,
    counts: bool,
    buckets: BTreeMap<i64, f64>,
}

/// By how much the buckets of one series grow.
#[derive(Debug, Clone, PartialEq)]
pub struct Increment {
    /// Metric and labels.
    pub labels: Labels,
    /// The width of its buckets.
    pub bucket: Bucket,
    /// Whether a bucket without a number has counted zero; else nothing is known of it.
    pub counts: bool,
    /// When each bucket begins, in milliseconds since 1970, and by how much it grows.
    pub buckets: Vec<(i64, f64)>,
}

impl Tally {
    /// Counts `amount` more at a time. Every label of the definition has a value, in its order.
    pub fn count(&mut self, definition: &Definition, values: &[&str], at: Timestamp, amount: f64) {
        debug_assert_eq!(definition.shape, Shape::Count, "{}", definition.name);
        let labels = labels(definition.name, definition.labels, values, None);
        self.add(labels, definition.bucket, at, amount);
    }

    /// Counts one more of one kind. The last label says the kind; all other kinds get a zero at that time, so that what
    /// has not happened is there as zero.
    pub fn count_kind(
        &mut self,
        definition: &Definition,
        values: &[&str],
        kind: &str,
        kinds: &[&str],
        at: Timestamp,
        amount: f64,
    ) {
        for candidate in kinds {
            let mut values = values.to_vec();
            values.push(candidate);
            let amount = if *candidate == kind { amount } else { 0.0 };
            self.count(definition, &values, at, amount);
        }
    }

    /// Counts one more that took so long. One that would have ended before it began counts as having taken no time.
    pub fn observe(
        &mut self,
        definition: &Definition,
        values: &[&str],
        at: Timestamp,
        duration: SignedDuration,
    ) {
        let Shape::Durations(bounds) = definition.shape else {
            debug_assert!(false, "{} counts no durations", definition.name);
            return;
        };
        let seconds = (duration.as_secs_f64().max(0.0) * PARTS_OF_A_SECOND).round() / PARTS_OF_A_SECOND;
        for bound in bounds {
            let amount = if seconds <= *bound { 1.0 } else { 0.0 };
            let name = format!("{}_bucket", definition.name);
            let bound = bound.to_string();
            self.add(
                labels(&name, definition.labels, values, Some(&bound)),
                definition.bucket,
                at,
                amount,
            );
        }
        for (ending, bound, amount) in [
            ("bucket", Some("+Inf"), 1.0),
            ("sum", None, seconds),
            ("count", None, 1.0),
        ] {
            let name = format!("{}_{ending}", definition.name);
            self.add(
                labels(&name, definition.labels, values, bound),
                definition.bucket,
                at,
                amount,
            );
        }
    }

    /// Sets how it stood in a bucket of time.
    pub fn level(&mut self, definition: &Definition, values: &[&str], start_ms: i64, level: f64) {
        debug_assert!(matches!(definition.shape, Shape::Level(_)), "{}", definition.name);
        let labels = labels(definition.name, definition.labels, values, None);
        self.growth(labels, definition.bucket, false)
            .insert(start_ms, level);
    }

    /// Whether nothing grows.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// What has to be added to the series, in the order of their labels.
    pub fn into_increments(self) -> Vec<Increment> {
        let mut increments: Vec<_> = self
            .series
            .into_iter()
            .map(|(labels, growth)| Increment {
                labels,
                bucket: growth.bucket,
                counts: growth.counts,
                buckets: growth.buckets.into_iter().collect(),
            })
            .collect();
        increments.sort_by(|left, right| left.labels.cmp(&right.labels));
        increments
    }

    fn add(&mut self, labels: Labels, bucket: Bucket, at: Timestamp, amount: f64) {
        let buckets = self.growth(labels, bucket, true);
        *buckets.entry(bucket.start_of(at.as_millisecond())).or_insert(0.0) += amount;
    }

    fn growth(&mut self, labels: Labels, bucket: Bucket, counts: bool) -> &mut BTreeMap<i64, f64> {
        let growth = self.series.entry(labels).or_insert_with(|| Growth {
            bucket,
            counts,
            buckets: BTreeMap::new(),
        });
        &mut growth.buckets
    }
}

fn labels(metric: &str, names: &[&str], values: &[&str], bound: Option<&str>) -> Labels {
    debug_assert_eq!(names.len(), values.len(), "{metric}");
    let pairs = names.iter().copied().zip(values.iter().copied());
    let own = [(METRIC_NAME, metric)].into_iter();
    let bound = bound.map(|bound| ("le", bound));
    Labels::new(pairs.chain(own).chain(bound)).expect("no definition has a label twice")
}
