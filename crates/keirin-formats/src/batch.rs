//! What comes in or goes out at once: samples by series, and what is known of their metrics.

use std::collections::HashMap;

use keirin_model::series::{Labels, MetricKind, Sample};

use crate::refusal::RefusedItems;

/// What a metric means, as whoever exposes it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Metadata {
    /// The metric's name. For a histogram or summary the family's, without `_bucket`, `_sum` or `_count`; for a counter
    /// the name of its samples, with `_total` where they have it.
    pub name: String,
    /// What its values mean.
    pub kind: MetricKind,
    /// In what it is measured ("seconds", "bytes"); empty where it is not said.
    pub unit: String,
    /// In words; empty where it is not said.
    pub help: String,
}

/// Samples of any number of series, and what is known of their metrics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Each series with its samples, in the order in which they came. A series may be there more than once.
    pub series: Vec<(Labels, Vec<Sample>)>,
    /// What was said of the metrics; a metric of which nothing was said is not there.
    pub metadata: Vec<Metadata>,
}

impl Batch {
    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.series.iter().map(|(_, samples)| samples.len()).sum()
    }

    /// Whether there is nothing to write: no sample and no metadata.
    pub fn is_empty(&self) -> bool {
        self.samples() == 0 && self.metadata.is_empty()
    }

    /// The same with each series once, where it stood first, its samples in the order of their arrival.
    #[must_use]
    pub fn grouped(self) -> Self {
        let mut places: HashMap<Labels, usize> = HashMap::with_capacity(self.series.len());
        let mut series: Vec<(Labels, Vec<Sample>)> = Vec::with_capacity(self.series.len());
        for (labels, mut samples) in self.series {
            let place = *places.entry(labels.clone()).or_insert(series.len());
            match series.get_mut(place) {
                Some((_, earlier)) => earlier.append(&mut samples),
                None => series.push((labels, samples)),
            }
        }
        Self {
            series,
            metadata: self.metadata,
        }
    }
}

/// What came in: all of it that could be read, and what could not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Received {
    /// What can be kept as far as its form says.
    pub batch: Batch,
    /// What its reader refused: each line or series alone, so that it takes nothing else with it.
    pub refused: RefusedItems,
}

impl From<Batch> for Received {
    fn from(batch: Batch) -> Self {
        Self {
            batch,
            refused: RefusedItems::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_that_came_twice_is_grouped_where_it_stood_first() {
        let labels = |name: &str| Labels::new([("__name__", name)]).expect("one label");
        let one = |name: &str, time_ms| (labels(name), vec![Sample::new(time_ms, 1.0)]);
        let batch = Batch {
            series: vec![one("a", 2), one("b", 1), one("a", 1)],
            metadata: Vec::new(),
        };
        assert_eq!(batch.samples(), 3);
        let grouped = batch.grouped();
        assert_eq!(
            grouped.series,
            [
                (labels("a"), vec![Sample::new(2, 1.0), Sample::new(1, 1.0)]),
                one("b", 1)
            ]
        );
        assert!(!grouped.is_empty());
        assert!(Batch::default().is_empty());
    }
}
