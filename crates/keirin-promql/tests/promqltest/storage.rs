//! The series that a script has loaded.

use std::collections::BTreeMap;

use keirin_model::series::{Labels, METRIC_NAME};
use keirin_promql::{CompiledMatchers, Samples, Selection, Series, SeriesSource, SeriesSourceError};

use crate::notation::Point;
use crate::script::Load;

/// Compiled expressions may take this much, as in the crate's own limits.
const REGEX_BYTES: usize = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Storage {
    floats: BTreeMap<Labels, BTreeMap<i64, f64>>,
    /// The times at which there are native histograms.
    native: BTreeMap<Labels, Vec<i64>>,
}

impl Storage {
    pub(crate) fn load(&mut self, load: &Load) {
        // The last definition of a series within one command holds.
        let series: BTreeMap<&Labels, &Vec<Point>> = load
            .series
            .iter()
            .map(|(labels, points)| (labels, points))
            .collect();
        for (labels, points) in series {
            for (index, point) in points.iter().enumerate() {
                let time_ms = load.step_ms * i64::try_from(index).expect("a small script");
                match point {
                    Point::Missing => {}
                    Point::Float(value) => {
                        self.floats
                            .entry(labels.clone())
                            .or_default()
                            .insert(time_ms, *value);
                        if let Some(made) = load.with_native.then(|| native_of(labels)).flatten() {
                            self.native.entry(made).or_default().push(time_ms);
                        }
                    }
                    Point::Native => self.native.entry(labels.clone()).or_default().push(time_ms),
                }
            }
        }
    }

    /// Whether a selection would find native histograms.
    pub(crate) fn has_native(&self, selection: &Selection) -> bool {
        let Ok(matchers) = CompiledMatchers::new(&selection.matchers, REGEX_BYTES) else {
            return false;
        };
        let within = |time_ms: &i64| *time_ms > selection.from_ms && *time_ms <= selection.until_ms;
        self.native
            .iter()
            .any(|(labels, times)| matchers.accept(labels) && times.iter().any(within))
    }
}

/// The native histogram that is made of a series of a classic one.
fn native_of(labels: &Labels) -> Option<Labels> {
    let name = ["_bucket", "_count", "_sum"]
        .iter()
        .find_map(|suffix| labels.metric().strip_suffix(suffix))?;
    Some(labels.with("le", "").with(METRIC_NAME, name))
}

impl SeriesSource for Storage {
    fn select(&self, selection: &Selection) -> Result<Vec<Series>, SeriesSourceError> {
        let matchers = CompiledMatchers::new(&selection.matchers, REGEX_BYTES)
            .map_err(|error| SeriesSourceError(error.to_string()))?;
        let matching = self.floats.iter().filter(|(labels, _)| matchers.accept(labels));
        // Exactly what was asked for: a query that needs more would show here.
        let series = matching.map(|(labels, samples)| {
            let asked = samples
                .iter()
                .filter(|(time_ms, _)| **time_ms > selection.from_ms && **time_ms <= selection.until_ms);
            let (times, values) = asked.map(|(time_ms, value)| (*time_ms, *value)).unzip();
            Series {
                labels: labels.clone(),
                samples: Samples::new(times, values).expect("times rise in a map"),
            }
        });
        Ok(series.collect())
    }
}
