//! Metrics with what is said about them.

use std::collections::BTreeMap;

use keirin_insight::{Wants, definition_of};
use keirin_model::series::MetricKind;
use keirin_store::Store;
use keirin_store::views::VisibleProjects;
use keirin_wire::api::{Metric, Wanted};

use crate::error::ApiError;

/// All metrics that there are series of in sight, by name.
pub(crate) async fn metrics(store: &Store, sight: &VisibleProjects) -> Result<Vec<Metric>, ApiError> {
    let described: BTreeMap<_, _> = store
        .described_metrics(sight)
        .await?
        .into_iter()
        .map(|metric| (metric.name.clone(), metric))
        .collect();
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    for found in store.metric_labels(sight).await? {
        let name = family(&found.metric, |name| {
            described
                .get(name)
                .is_some_and(|metric| metric.kind == MetricKind::Histogram)
        });
        let metric = metrics.entry(name.to_owned()).or_insert_with(|| {
            let definition = definition_of(name);
            let said = described.get(name).cloned().unwrap_or_default();
            Metric {
                name: name.to_owned(),
                kind: said.kind,
                unit: said.unit,
                help: said.help,
                bucket_seconds: definition.map(|definition| definition.bucket.milliseconds() / 1000),
                looks_back_seconds: definition.map(keirin_insight::Definition::looks_back_seconds),
                labels: Vec::new(),
                better: definition.map(|definition| match definition.wants {
                    Wants::More => Wanted::Higher,
                    Wants::Less => Wanted::Lower,
                    Wants::Neither => Wanted::Neither,
                }),
                example: definition
                    .map_or_else(|| example(name, said.kind), keirin_insight::Definition::example),
                facts: definition.map(|definition| definition.facts.stream().kind),
            }
        });
        for label in found.labels {
            if label != "le" && !metric.labels.contains(&label) {
                metric.labels.push(label);
            }
        }
    }
    let mut metrics: Vec<_> = metrics.into_values().collect();
    for metric in &mut metrics {
        metric.labels.sort();
    }
    Ok(metrics)
}

/// The histogram that a series is a part of, or the metric itself.
fn family(metric: &str, is_histogram: impl Fn(&str) -> bool) -> &str {
    ["_bucket", "_sum", "_count"]
        .iter()
        .filter_map(|ending| metric.strip_suffix(ending))
        .find(|family| is_histogram(family))
        .unwrap_or(metric)
}

/// A query to begin with, for a metric that comes from outside.
fn example(name: &str, kind: MetricKind) -> String {
    match kind {
        MetricKind::Counter => format!("rate({name}[5m])"),
        MetricKind::Histogram => format!("histogram_quantile(0.9, sum by (le) (rate({name}_bucket[5m])))"),
        MetricKind::Gauge | MetricKind::Summary | MetricKind::Unknown => name.to_owned(),
    }
}
