//! When a query is evaluated.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::limits::QueryLimits;

/// The times at which a query is evaluated, in milliseconds since 1970: one, or many with equal steps between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationTimes {
    /// The first.
    pub start_ms: i64,
    /// The last is at or before this.
    pub end_ms: i64,
    /// From one to the next; 0 for an instant query.
    pub step_ms: i64,
}

impl EvaluationTimes {
    /// One moment.
    pub const fn instant(time_ms: i64) -> Self {
        Self {
            start_ms: time_ms,
            end_ms: time_ms,
            step_ms: 0,
        }
    }

    /// From the start to the end, both inclusive.
    pub const fn range(start_ms: i64, end_ms: i64, step_ms: i64) -> Self {
        Self {
            start_ms,
            end_ms,
            step_ms,
        }
    }

    /// Whether it is one moment, for which the answer is a vector and no matrix.
    pub const fn is_instant(self) -> bool {
        self.step_ms == 0
    }
}

/// What evaluating depends on beside the query and the series.
#[derive(Debug, Clone)]
pub struct Options {
    /// How far back a sample is taken as the present value, in milliseconds. The sample at the far edge is not.
    pub lookback_ms: i64,
    /// The step of a subquery that names none, in milliseconds.
    pub subquery_step_ms: i64,
    /// How much the query may ask for.
    pub limits: QueryLimits,
    /// Ends the evaluation from outside.
    pub interrupt: Interrupt,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lookback_ms: 5 * 60 * 1000,
            subquery_step_ms: 60 * 1000,
            limits: QueryLimits::default(),
            interrupt: Interrupt::default(),
        }
    }
}

/// Ends an evaluation that goes on elsewhere: nobody waits for it any more, or not for so long. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Has the evaluation end with [`EvaluateError::Interrupted`](crate::EvaluateError::Interrupted), before the next series
    /// of a range, or the next expression.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Times beyond this are refused, so that adding ranges and offsets to a time can never overflow.
pub(crate) const FARTHEST_MS: i64 = i64::MAX / 4;

/// The times of one evaluation; those of a subquery differ from those of the query around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) start_ms: i64,
    /// At least 1.
    pub(crate) step_ms: i64,
    pub(crate) count: usize,
}

impl Steps {
    pub(crate) fn of(start_ms: i64, end_ms: i64, step_ms: i64) -> Self {
        let step_ms = step_ms.max(1);
        let count = if end_ms < start_ms {
            0
        } else {
            usize::try_from((end_ms - start_ms) / step_ms + 1).unwrap_or(usize::MAX)
        };
        Self {
            start_ms,
            step_ms,
            count,
        }
    }

    /// The first step alone.
    pub(crate) const fn first(self) -> Self {
        Self { count: 1, ..self }
    }

    pub(crate) fn time(self, index: usize) -> i64 {
        self.start_ms + self.step_ms * i64::try_from(index).unwrap_or(i64::MAX / self.step_ms)
    }

    /// The time of the last step, which may lie before the end that was asked for.
    pub(crate) fn last_ms(self) -> i64 {
        self.time(self.count.saturating_sub(1))
    }

    /// The steps at which a subquery is evaluated: multiples of its step, whatever the time of the query.
    pub(crate) fn of_subquery(self, from_ms: i64, until_ms: i64, step_ms: i64) -> Self {
        let mut start_ms = step_ms * (from_ms / step_ms);
        if start_ms <= from_ms {
            start_ms += step_ms;
        }
        Self::of(start_ms, until_ms, step_ms)
    }
}
