//! Which series belong together in a text: the formats describe a metric once, and everything of it stands below.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};

use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};

use super::names::{is_plain_label, is_plain_metric, plain_label, plain_metric};
use crate::batch::{Batch, Metadata};

/// A metric with its newest samples.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) metadata: Metadata,
    /// Each series once, in the order in which it is written.
    pub(super) samples: Vec<(Labels, Sample)>,
}

/// The metrics of a batch by name. With `plain` names that need quotes are replaced.
pub(super) fn families(batch: &Batch, plain: bool) -> Vec<Family> {
    let described: HashMap<String, &Metadata> = batch
        .metadata
        .iter()
        .map(|metadata| (named(&metadata.name, plain), metadata))
        .collect();
    let kind_of = |name: &str| described.get(name).map(|metadata| metadata.kind);
    let samples: Vec<(Labels, Sample)> = batch
        .series
        .iter()
        .filter_map(|(labels, samples)| Some((labels, newest(samples)?)))
        .map(|(labels, sample)| {
            (
                if plain {
                    plain_labels(labels)
                } else {
                    labels.clone()
                },
                sample,
            )
        })
        .collect();

    // A metric that is described as a histogram or summary and has a series that neither can have is written without
    // its type, because with it the whole text would be refused.
    let misfits: HashSet<&str> = samples
        .iter()
        .map(|(labels, _)| labels)
        .filter(|labels| described.contains_key(labels.metric()) && part_of(labels, kind_of).is_none())
        .map(Labels::metric)
        .collect();

    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for (labels, sample) in &samples {
        let whole = part_of(labels, kind_of).filter(|name| !misfits.contains(name));
        let name = whole.unwrap_or_else(|| labels.metric());
        let metadata = || {
            let described = described.get(name).map(|metadata| (*metadata).clone());
            let mut metadata = described.unwrap_or_default();
            name.clone_into(&mut metadata.name);
            if misfits.contains(name) {
                metadata.kind = MetricKind::Unknown;
            }
            metadata
        };
        families
            .entry(name.to_owned())
            .or_insert_with(|| Family {
                metadata: metadata(),
                samples: Vec::new(),
            })
            .samples
            .push((labels.clone(), *sample));
    }
    let mut families: Vec<Family> = families.into_values().collect();
    for family in &mut families {
        family.put_in_order();
    }
    families
}

/// The last sample that is a value: an end that was marked has no place in a text.
fn newest(samples: &[Sample]) -> Option<Sample> {
    let newest = samples.iter().copied().max_by_key(|sample| sample.time_ms)?;
    (!newest.is_stale()).then_some(newest)
}

fn named(name: &str, plain: bool) -> String {
    if plain && !is_plain_metric(name) {
        plain_metric(name)
    } else {
        name.to_owned()
    }
}

fn plain_labels(labels: &Labels) -> Labels {
    let fits = |(name, value): (&str, &str)| match name {
        METRIC_NAME => is_plain_metric(value),
        _ => is_plain_label(name),
    };
    if labels.iter().all(fits) {
        return labels.clone();
    }
    let mut renamed = BTreeMap::new();
    for (name, value) in labels.iter() {
        let value = if name == METRIC_NAME {
            named(value, true)
        } else {
            value.to_owned()
        };
        let name = if is_plain_label(name) {
            name.to_owned()
        } else {
            plain_label(name)
        };
        // Of two that have become one, the first stays.
        renamed.entry(name).or_insert(value);
    }
    Labels::new(renamed).expect("a map has each name once")
}

/// The name of the metric that a series is a part of: its own, or that of the histogram or summary.
pub fn family_of(labels: &Labels, kind_of: impl Fn(&str) -> Option<MetricKind>) -> &str {
    part_of(labels, kind_of).unwrap_or_else(|| labels.metric())
}

/// The name of the described metric that a series is a part of, where it fits what the metric is.
fn part_of(labels: &Labels, kind_of: impl Fn(&str) -> Option<MetricKind>) -> Option<&str> {
    let name = labels.metric();
    let is_number = |label: &str| labels.get(label).parse::<f64>().is_ok();
    match kind_of(name) {
        Some(MetricKind::Counter | MetricKind::Gauge | MetricKind::Unknown) => return Some(name),
        Some(MetricKind::Summary) => return is_number("quantile").then_some(name),
        Some(MetricKind::Histogram) => return None,
        None => {}
    }
    let (whole, part) = name.rsplit_once('_')?;
    match (kind_of(whole)?, part) {
        (MetricKind::Histogram, "bucket") => is_number("le").then_some(whole),
        (MetricKind::Histogram | MetricKind::Summary, "sum" | "count") => Some(whole),
        _ => None,
    }
}

impl Family {
    /// Parts of one histogram or summary stand together: its buckets or quantiles by their bounds, its sum, its count.
    fn put_in_order(&mut self) {
        let bound = match self.metadata.kind {
            MetricKind::Histogram => "le",
            MetricKind::Summary => "quantile",
            _ => "",
        };
        let name = self.metadata.name.clone();
        let place = |labels: &Labels| {
            let part = match labels.metric().strip_prefix(&*name) {
                Some("_sum") => 1,
                Some("_count") => 2,
                _ => 0,
            };
            let limit: f64 = labels.get(bound).parse().unwrap_or(0.0);
            (
                labels.filtered(|label| label != METRIC_NAME && label != bound),
                part,
                limit,
            )
        };
        let by_place = |left: &(_, i32, f64), right: &(_, i32, f64)| -> Ordering {
            (&left.0, left.1)
                .cmp(&(&right.0, right.1))
                .then(left.2.total_cmp(&right.2))
        };
        let mut placed: Vec<_> = self
            .samples
            .drain(..)
            .map(|(labels, sample)| (place(&labels), labels, sample))
            .collect();
        // What is newest comes first among equals, and stays.
        placed.sort_by(|left, right| {
            by_place(&left.0, &right.0)
                .then_with(|| left.1.cmp(&right.1))
                .then(right.2.time_ms.cmp(&left.2.time_ms))
        });
        placed.dedup_by(|later, earlier| later.1 == earlier.1);
        self.samples = placed
            .into_iter()
            .map(|(_, labels, sample)| (labels, sample))
            .collect();
    }
}
