//! What the background jobs of each kind have come to since the server started.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use keirin_model::histogram::{Histogram, LONG_BOUNDS};

/// How a run of a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[derive(strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
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

/// The figures of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct KindFigures {
    /// How many runs ended, by how.
    pub ended: BTreeMap<RunEnd, u64>,
    /// How long they took.
    pub durations: Histogram,
    /// How long after they were due the latest began, in seconds.
    pub lag_seconds: f64,
}

impl Default for KindFigures {
    fn default() -> Self {
        Self {
            ended: BTreeMap::new(),
            durations: Histogram::new(LONG_BOUNDS),
            lag_seconds: 0.0,
        }
    }
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
        self.with(kind, |figures| {
            *figures.ended.entry(ended).or_default() += 1;
            figures.durations.observe(took);
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
