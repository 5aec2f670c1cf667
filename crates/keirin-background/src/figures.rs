//! What the background jobs of each kind have come to since the server started.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The upper bounds of the buckets of how long jobs took, in seconds; what took longer is in the last, without a bound.
pub const DURATION_BOUNDS: [f64; 9] = [0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0];

/// How a run of a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunEnd {
    /// It went well.
    Success,
    /// It failed and is tried again.
    Failed,
    /// It failed and waits for a person.
    Dead,
    /// A person ended it.
    Cancelled,
}

impl RunEnd {
    /// Every end.
    pub const ALL: [Self; 4] = [Self::Success, Self::Failed, Self::Dead, Self::Cancelled];

    /// The word for it, as the label `outcome` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The figures of one kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KindFigures {
    /// How many runs ended, by how.
    pub ended: BTreeMap<RunEnd, u64>,
    /// How many took so long at most, by the bounds in [`DURATION_BOUNDS`]; each counts in one bucket alone.
    pub durations: [u64; DURATION_BOUNDS.len() + 1],
    /// How long all took together, in seconds.
    pub duration_seconds: f64,
    /// How long after they were due the latest began, in seconds.
    pub lag_seconds: f64,
}

/// The figures of all kinds.
#[derive(Debug, Default)]
pub(crate) struct Figures(Mutex<BTreeMap<&'static str, KindFigures>>);

impl Figures {
    /// Has the kind among the figures before anything of it has run.
    pub(crate) fn know(&self, kind: &'static str) {
        self.with(kind, |_| {});
    }

    pub(crate) fn begun(&self, kind: &'static str, lag: Duration) {
        self.with(kind, |figures| figures.lag_seconds = lag.as_secs_f64());
    }

    pub(crate) fn ended(&self, kind: &'static str, ended: RunEnd, took: Duration) {
        let seconds = took.as_secs_f64();
        self.with(kind, |figures| {
            *figures.ended.entry(ended).or_default() += 1;
            let bucket = DURATION_BOUNDS
                .iter()
                .take_while(|bound| seconds > **bound)
                .count();
            figures.durations[bucket] += 1;
            figures.duration_seconds += seconds;
        });
    }

    pub(crate) fn all(&self) -> BTreeMap<&'static str, KindFigures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn with(&self, kind: &'static str, change: impl FnOnce(&mut KindFigures)) {
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(figures.entry(kind).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_counts_in_the_bucket_that_it_fits_in() {
        let figures = Figures::default();
        for seconds in [0.01, 0.011, 4000.0] {
            figures.ended("look", RunEnd::Success, Duration::from_secs_f64(seconds));
        }
        let look = &figures.all()["look"];
        assert_eq!(look.durations, [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(look.ended, BTreeMap::from([(RunEnd::Success, 3)]));
        assert!((look.duration_seconds - 4000.021).abs() < 1e-9);
    }
}
