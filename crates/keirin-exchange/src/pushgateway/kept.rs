//! A group as it lies in the database.

use std::collections::BTreeMap;

use keirin_formats::batch::Metadata;
use keirin_model::series::{Labels, MetricKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::group::{Group, Pushed};

#[derive(Debug, Serialize, Deserialize)]
struct KeptGroup {
    labels: Labels,
    metrics: BTreeMap<String, KeptMetric>,
    pushed_ms: Option<i64>,
    failed_ms: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptMetric {
    described: Option<KeptDescription>,
    series: Vec<(Labels, String)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptDescription {
    name: String,
    kind: MetricKind,
    unit: String,
    help: String,
}

/// A group as a document. Values are texts, because JSON has neither infinity nor what is no number.
pub(super) fn to_json(group: &Group) -> Value {
    let metrics = group.metrics.iter().map(|(name, pushed)| {
        let kept = KeptMetric {
            described: pushed.metadata.clone().map(|metadata| KeptDescription {
                name: metadata.name,
                kind: metadata.kind,
                unit: metadata.unit,
                help: metadata.help,
            }),
            series: pushed
                .series
                .iter()
                .map(|(labels, value)| (labels.clone(), value.to_string()))
                .collect(),
        };
        (name.clone(), kept)
    });
    let kept = KeptGroup {
        labels: group.labels.clone(),
        metrics: metrics.collect(),
        pushed_ms: group.pushed_ms,
        failed_ms: group.failed_ms,
    };
    serde_json::to_value(kept).expect("texts and whole numbers have a form in JSON")
}

/// A group from its document.
///
/// # Errors
/// It is no group's.
pub(super) fn from_json(value: Value) -> Result<Group, serde_json::Error> {
    let kept: KeptGroup = serde_json::from_value(value)?;
    let mut metrics = BTreeMap::new();
    for (name, kept) in kept.metrics {
        let series = kept.series.into_iter().map(|(labels, value)| {
            let value = value.parse::<f64>().map_err(serde::de::Error::custom)?;
            Ok((labels, value))
        });
        let pushed = Pushed {
            metadata: kept.described.map(|described| Metadata {
                name: described.name,
                kind: described.kind,
                unit: described.unit,
                help: described.help,
            }),
            series: series.collect::<Result<_, serde_json::Error>>()?,
        };
        metrics.insert(name, pushed);
    }
    Ok(Group {
        labels: kept.labels,
        metrics,
        pushed_ms: kept.pushed_ms,
        failed_ms: kept.failed_ms,
    })
}

#[cfg(test)]
mod tests {
    use keirin_formats::pushgateway::grouping;
    use keirin_formats::text::{TextFormat, TextLimits, read};

    use super::super::group::{PushMethod, push};
    use super::*;

    #[test]
    fn a_group_is_the_same_after_it_lay_in_the_database() {
        let text = "# HELP size Of it.\n# TYPE size gauge\nsize 0.1\nsize{part=\"a\"} +Inf\nodd -Inf\n";
        let pushed = read(text.as_bytes(), TextFormat::PROMETHEUS, TextLimits::default()).unwrap();
        let labels = grouping("job/backup").unwrap();
        let (group, _, _) = push(None, &labels, PushMethod::Put, pushed, 1_000);
        let timed = read(b"size 1 5\n", TextFormat::PROMETHEUS, TextLimits::default()).unwrap();
        let (failed, _, _) = push(Some(&group), &labels, PushMethod::Put, timed, 2_000);
        for group in [group, failed] {
            assert_eq!(from_json(to_json(&group)).unwrap(), group);
        }
    }

    #[test]
    fn what_is_no_number_is_kept_as_that() {
        let text = read(b"size NaN\n", TextFormat::PROMETHEUS, TextLimits::default()).unwrap();
        let (group, _, _) = push(None, &grouping("job/a").unwrap(), PushMethod::Put, text, 0);
        let kept = from_json(to_json(&group)).unwrap();
        assert!(kept.metrics["size"].series[0].1.is_nan());
    }
}
