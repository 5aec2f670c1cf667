//! What one plan may cost: a matrix can make much of little, and a plan must be small and quick whatever the file says.

use crate::problem::{Problem, Span};

/// Bytes of all texts of a plan.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// What each value costs beside its text.
const BYTES_OF_A_VALUE: usize = 32;
/// What all expressions of a plan may cost, in the unit of `Expression::work`.
const MOST_WORK: usize = 10_000_000;

/// What has been spent so far.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    bytes: usize,
    work: usize,
    is_spent: bool,
}

impl Budget {
    /// Whether nothing more can be planned.
    pub(crate) fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// Counts a text; an error the first time that it is too much.
    pub(crate) fn charge_text(&mut self, text: &str, span: Span) -> Result<(), Problem> {
        self.bytes = self.bytes.saturating_add(text.len() + BYTES_OF_A_VALUE);
        if self.bytes <= MOST_BYTES {
            return Ok(());
        }
        let problem = Problem::error(span, format!("the plan becomes larger than {MOST_BYTES} bytes"));
        self.spend(
            problem.help("move long scripts into files of the repository, or take fewer values in matrices"),
        )
    }

    /// Counts the work of expressions; an error the first time that it is too much.
    pub(crate) fn charge_work(&mut self, work: usize, span: Span) -> Result<(), Problem> {
        self.work = self.work.saturating_add(work);
        if self.work <= MOST_WORK {
            return Ok(());
        }
        let problem = Problem::error(span, "the expressions of the plan take too much work");
        self.spend(
            problem.help("use fewer `matches`, `exists`, `all` and `filter`, or fewer values in matrices"),
        )
    }

    fn spend(&mut self, problem: Problem) -> Result<(), Problem> {
        if self.is_spent {
            return Ok(());
        }
        self.is_spent = true;
        Err(problem)
    }
}
