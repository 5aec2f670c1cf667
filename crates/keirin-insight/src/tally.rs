//! A tally: by how much which buckets of which series grow. Adding up is all that happens to it, and every number in it
//! is exact, so neither the order of facts nor the way they are split changes the sum.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use keirin_model::series::{Labels, METRIC_NAME};

use crate::definition::{Bucket, Definition, Shape};

/// Durations are added up in parts of a second of which any sum is exact.
const PARTS_OF_A_SECOND: f64 = 1024.0;

/// By how much buckets grow. Series that always grow together are kept together, as those of a histogram are, so that a
/// fact is looked up once and not once for each series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    metrics: HashMap<&'static str, Metric>,
}

#[derive(Debug, Clone, PartialEq)]
struct Metric {
    definition: Definition,
    /// By the values of its labels, written one after the other.
    families: HashMap<String, Family>,
}

/// Series that differ in one label at most, or in the ending of their names.
#[derive(Debug, Clone, PartialEq)]
struct Family {
    values: Vec<String>,
    members: Vec<Member>,
    /// By the beginning of each bucket, in milliseconds since 1970: a number for each member.
    buckets: BTreeMap<i64, Vec<f64>>,
}

/// What tells a series from the others of its family.
#[derive(Debug, Clone, PartialEq)]
struct Member {
    /// The ending of its name.
    ending: &'static str,
    label: Option<(&'static str, String)>,
}

impl Member {
    const ALONE: Self = Self {
        ending: "",
        label: None,
    };
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
        let alone = || vec![Member::ALONE];
        for number in self.numbers(definition, values, start(definition, at), alone) {
            *number += amount;
        }
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
        debug_assert_eq!(definition.shape, Shape::Count, "{}", definition.name);
        let Some(label) = definition.labels.last() else {
            debug_assert!(false, "{} has no label for kinds", definition.name);
            return;
        };
        let member = |kind: &&str| Member {
            ending: "",
            label: Some((label, (*kind).to_owned())),
        };
        let members = || kinds.iter().map(member).collect();
        let numbers = self.numbers(definition, values, start(definition, at), members);
        for (number, candidate) in numbers.iter_mut().zip(kinds) {
            if *candidate == kind {
                *number += amount;
            }
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
        let numbers = self.numbers(definition, values, start(definition, at), || histogram(bounds));
        let parts = bounds
            .iter()
            .map(|bound| if seconds <= *bound { 1.0 } else { 0.0 });
        // What `histogram` puts behind the bounds.
        for (number, amount) in numbers.iter_mut().zip(parts.chain([1.0, seconds, 1.0])) {
            *number += amount;
        }
    }

    /// Sets how it stood in a bucket of time.
    pub fn level(&mut self, definition: &Definition, values: &[&str], start_ms: i64, level: f64) {
        debug_assert!(matches!(definition.shape, Shape::Level(_)), "{}", definition.name);
        self.numbers(definition, values, start_ms, || vec![Member::ALONE])
            .fill(level);
    }

    /// Whether nothing grows.
    pub fn is_empty(&self) -> bool {
        self.metrics.is_empty()
    }

    /// What has to be added to the series, in the order of their labels.
    pub fn into_increments(self) -> Vec<Increment> {
        let mut increments = Vec::new();
        for Metric { definition, families } in self.metrics.into_values() {
            for family in families.into_values() {
                let members = family.members.iter().enumerate();
                increments.extend(members.map(|(place, member)| {
                    Increment {
                        labels: labels(&definition, &family.values, member),
                        bucket: definition.bucket,
                        counts: !matches!(definition.shape, Shape::Level(_)),
                        buckets: family
                            .buckets
                            .iter()
                            .map(|(start, numbers)| (*start, numbers[place]))
                            .collect(),
                    }
                }));
            }
        }
        increments.sort_by(|left, right| left.labels.cmp(&right.labels));
        increments
    }

    /// The numbers of a family in a bucket, one for each member; the members are always the same for a definition.
    fn numbers(
        &mut self,
        definition: &Definition,
        values: &[&str],
        start_ms: i64,
        members: impl FnOnce() -> Vec<Member>,
    ) -> &mut [f64] {
        let metric = self.metrics.entry(definition.name).or_insert_with(|| Metric {
            definition: *definition,
            families: HashMap::new(),
        });
        let family = metric.families.entry(key(values)).or_insert_with(|| Family {
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            members: members(),
            buckets: BTreeMap::new(),
        });
        let count = family.members.len();
        family.buckets.entry(start_ms).or_insert_with(|| vec![0.0; count])
    }
}

fn start(definition: &Definition, at: Timestamp) -> i64 {
    definition.bucket.start_of(at.as_millisecond())
}

/// Values as one text. Lengths come first, so that no two lists of values write the same.
fn key(values: &[&str]) -> String {
    let mut key = String::with_capacity(values.iter().map(|value| value.len() + 4).sum());
    for value in values {
        write!(key, "{}:{value}", value.len()).expect("a text takes any text");
    }
    key
}

/// The parts of a histogram, then all that it has observed, their sum and their count.
fn histogram(bounds: &[f64]) -> Vec<Member> {
    let bounds = bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
    let parts = bounds.map(|bound| Member {
        ending: "_bucket",
        label: Some(("le", bound)),
    });
    let totals = ["_sum", "_count"].map(|ending| Member { ending, label: None });
    parts.chain(totals).collect()
}

fn labels(definition: &Definition, values: &[String], member: &Member) -> Labels {
    let name = format!("{}{}", definition.name, member.ending);
    let own = [(METRIC_NAME, name.as_str())].into_iter();
    let pairs = definition
        .labels
        .iter()
        .copied()
        .zip(values.iter().map(String::as_str));
    let label = member.label.iter().map(|(name, value)| (*name, value.as_str()));
    Labels::new(pairs.chain(own).chain(label)).expect("no definition has a label twice")
}
