//! How long the loop takes, for `/metrics`.

use keirin_model::histogram::{Histogram, MOMENT_BOUNDS, SharedHistogram};

/// How long what the engine's loop does has taken since the server started.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkFigures {
    /// One step of the engine: an event, and what follows from it.
    pub engine_step: Histogram,
    /// A commit of what the engine has decided.
    pub commit: Histogram,
    /// From when a job could start and an agent with room for it asked, whichever came later, until the agent was told.
    pub claim: Histogram,
}

impl Default for WorkFigures {
    fn default() -> Self {
        LoopFigures::default().get()
    }
}

/// The same while it is counted.
#[derive(Debug)]
pub(crate) struct LoopFigures {
    pub(crate) engine_step: SharedHistogram,
    pub(crate) commit: SharedHistogram,
    pub(crate) claim: SharedHistogram,
}

impl Default for LoopFigures {
    fn default() -> Self {
        let empty = || SharedHistogram::new(MOMENT_BOUNDS);
        Self {
            engine_step: empty(),
            commit: empty(),
            claim: empty(),
        }
    }
}

impl LoopFigures {
    pub(crate) fn get(&self) -> WorkFigures {
        WorkFigures {
            engine_step: self.engine_step.get(),
            commit: self.commit.get(),
            claim: self.claim.get(),
        }
    }
}
