//! Exit codes: what a script learns from a command.

use std::process::ExitCode;

use keirin_model::Outcome;

/// How the program ends. Scripts rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandExit {
    /// All went well.
    Success = 0,
    /// The work failed, or the command could not do what it was asked.
    Failed = 1,
    /// The command was called wrongly, or a file is not valid.
    Usage = 2,
    /// The work was cancelled.
    Cancelled = 3,
    /// The work took too long.
    TimedOut = 4,
    /// The agent was lost.
    Lost = 5,
    /// The server cannot be reached.
    Unreachable = 6,
}

impl CommandExit {
    /// The exit code that says how work ended.
    pub const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success | Outcome::Skipped => Self::Success,
            Outcome::Failed => Self::Failed,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Lost => Self::Lost,
        }
    }
}

impl From<CommandExit> for ExitCode {
    fn from(exit: CommandExit) -> Self {
        Self::from(exit as u8)
    }
}
