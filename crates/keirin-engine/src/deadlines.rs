//! What happens when nothing happens: the times at which the engine looks at something again.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use keirin_model::{AttemptId, RunId, ScheduleId};

/// Something to look at when its time has come. It may be looked at early or more than once: what is then true decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// All deadlines in the order of their times, each once.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    entries: BTreeSet<(Timestamp, Deadline)>,
    times: HashMap<Deadline, Timestamp>,
}

impl Deadlines {
    /// Looks at something at this time, or when it is looked at already if that is earlier.
    pub(crate) fn set(&mut self, at: Timestamp, deadline: Deadline) {
        let known = self.times.get(&deadline).copied();
        if known.is_none_or(|known| at < known) {
            self.clear(deadline);
            self.times.insert(deadline, at);
            self.entries.insert((at, deadline));
        }
    }

    /// There is nothing to look at any more.
    pub(crate) fn clear(&mut self, deadline: Deadline) {
        if let Some(at) = self.times.remove(&deadline) {
            self.entries.remove(&(at, deadline));
        }
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
        self.clear(deadline);
        Some(deadline)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_is_looked_at_once_and_at_the_earliest_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (one, two) = (Deadline::Run(RunId(1)), Deadline::Run(RunId(2)));
        let mut deadlines = Deadlines::default();
        deadlines.set(at(5), one);
        deadlines.set(at(3), one);
        deadlines.set(at(9), one);
        deadlines.set(at(4), two);
        deadlines.clear(two);
        assert_eq!(deadlines.next(), Some(at(3)));
        assert_eq!(deadlines.pop_due(at(2)), None);
        assert_eq!(deadlines.pop_due(at(10)), Some(one));
        assert_eq!(deadlines.pop_due(at(10)), None);
        assert!(deadlines.times.is_empty());
    }
}
