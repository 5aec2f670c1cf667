//! Which series are there, so that the end of one that is not any more can be marked.

use std::collections::HashSet;

use keirin_model::series::{Labels, Sample};

/// Series that are there.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LiveSeries(HashSet<Labels>);

impl LiveSeries {
    pub(crate) fn insert(&mut self, labels: Labels) {
        self.0.insert(labels);
    }

    /// Those of either: where it is not known which is true.
    #[must_use]
    pub(crate) fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The ends of those that were there and are not there now.
    pub(crate) fn ended<'a>(
        &'a self,
        now: &'a Self,
        time_ms: i64,
    ) -> impl Iterator<Item = (Labels, Vec<Sample>)> + 'a {
        let ended = self.0.difference(&now.0).cloned();
        ended.map(move |labels| (labels, vec![Sample::stale(time_ms)]))
    }
}

impl FromIterator<Labels> for LiveSeries {
    fn from_iter<I: IntoIterator<Item = Labels>>(series: I) -> Self {
        Self(series.into_iter().collect())
    }
}
