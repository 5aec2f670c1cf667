//! What has been counted since this program started: counters as Prometheus means them, for whoever scrapes Keirin.
//! They begin at zero with the program, and never fall while it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use keirin_formats::batch::{Batch, Metadata};
use keirin_insight::{Increment, Shape, definition_of};
use keirin_model::series::{Labels, MetricKind, Sample};

/// Counts of this program. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct SinceStart(Arc<Mutex<BTreeMap<Labels, f64>>>);

impl SinceStart {
    /// Adds what has just been counted.
    pub(super) fn add(&self, increments: &[Increment]) {
        // Each number is changed by one addition, so it is right also where somebody panicked.
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for increment in increments {
            let grown: f64 = increment.buckets.iter().map(|(_, value)| value).sum();
            *counts.entry(increment.labels.clone()).or_default() += grown;
        }
    }

    /// The counts as they are now, of the series that `seen` lets through.
    pub fn batch(&self, now: Timestamp, seen: impl Fn(&Labels) -> bool) -> Batch {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::default();
        for (labels, value) in counts.iter().filter(|(labels, _)| seen(labels)) {
            let Some(definition) = definition_of(labels.metric()) else {
                continue;
            };
            let described = batch
                .metadata
                .last()
                .is_some_and(|last: &Metadata| last.name == definition.name);
            if !described {
                batch.metadata.push(Metadata {
                    name: definition.name.to_owned(),
                    kind: match definition.shape {
                        Shape::Durations(_) => MetricKind::Histogram,
                        Shape::Count => MetricKind::Counter,
                        Shape::Level(_) => MetricKind::Gauge,
                    },
                    unit: definition.unit.to_owned(),
                    help: format!("{} Since the server started.", definition.meaning),
                });
            }
            batch
                .series
                .push((labels.clone(), vec![Sample::new(now.as_millisecond(), *value)]));
        }
        batch
    }
}
