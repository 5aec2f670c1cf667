//! What has come of the calls of a server.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use keirin_model::histogram::{Histogram, MOMENT_BOUNDS};

/// The calls of a server since the program started.
#[derive(Debug, Clone, PartialEq)]
pub struct CallFigures {
    /// How many, by the status of the answer; `None` where none came.
    pub answers: BTreeMap<Option<u16>, u64>,
    /// How long it took until the head of the answer was there, or it was clear that none comes.
    pub durations: Histogram,
}

impl Default for CallFigures {
    fn default() -> Self {
        Self {
            answers: BTreeMap::new(),
            durations: Histogram::new(MOMENT_BOUNDS),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct SharedFigures(Mutex<CallFigures>);

impl SharedFigures {
    pub(crate) fn count(&self, status: Option<u16>, took: Duration) {
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *figures.answers.entry(status).or_default() += 1;
        figures.durations.observe(took);
    }

    pub(crate) fn get(&self) -> CallFigures {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
