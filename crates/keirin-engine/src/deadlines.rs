//! What happens when nothing happens: the times at which the engine looks at something again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use keirin_model::{AttemptId, RunId, ScheduleId};

/// Something to look at when its time has come. It may be looked at early or more than once: what is then true decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deadline {
    /// The agent may have fallen silent.
    Lease(AttemptId),
    /// The attempt may have taken too long.
    Attempt(AttemptId),
    /// The run may have taken too long.
    Run(RunId),
    /// The schedule may be due.
    Schedule(ScheduleId),
}

/// All deadlines in the order of their times.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    entries: BTreeSet<(Timestamp, Deadline)>,
}

impl Deadlines {
    pub(crate) fn set(&mut self, at: Timestamp, deadline: Deadline) {
        self.entries.insert((at, deadline));
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.entries.first().map(|(at, _)| *at)
    }

    /// Takes out one whose time has come.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Deadline> {
        let (at, deadline) = *self.entries.first()?;
        if at > now {
            return None;
        }
        self.entries.pop_first();
        Some(deadline)
    }
}
