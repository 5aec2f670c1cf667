//! Where a piece of work stands, and how it ended.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::UnknownWord;

/// Where a flow, run, job or attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<State>, parse_err_ty = UnknownWord)]
pub enum State {
    /// It will start by itself when it can.
    Waiting,
    /// It starts when a person says so.
    Manual,
    /// It is under way.
    Running,
    /// It is over; its outcome says how it went.
    Finished,
}

/// How a piece of work ended. Ordered by weight: of several jobs, the heaviest outcome is the run's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<Outcome>, parse_err_ty = UnknownWord)]
pub enum Outcome {
    /// It was not needed or could not start.
    Skipped,
    /// It did what it should.
    Success,
    /// A person or a newer flow stopped it.
    Cancelled,
    /// Its agent fell silent.
    Lost,
    /// It took longer than allowed.
    TimedOut,
    /// It ran and said that it failed.
    Failed,
}

/// State and outcome as one value, so that only a finished piece of work has an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// See [`State::Waiting`].
    Waiting,
    /// See [`State::Manual`].
    Manual,
    /// See [`State::Running`].
    Running,
    /// See [`State::Finished`].
    Finished(Outcome),
}

impl Status {
    /// The state without the outcome.
    pub const fn state(self) -> State {
        match self {
            Self::Waiting => State::Waiting,
            Self::Manual => State::Manual,
            Self::Running => State::Running,
            Self::Finished(_) => State::Finished,
        }
    }

    /// The outcome of what is finished.
    pub const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Finished(outcome) => Some(outcome),
            Self::Waiting | Self::Manual | Self::Running => None,
        }
    }

    /// Whether it is over.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Finished(_))
    }

    /// Puts the two halves together again, as they stand in a database row; `None` where they contradict each other.
    pub const fn from_parts(state: State, outcome: Option<Outcome>) -> Option<Self> {
        match (state, outcome) {
            (State::Waiting, None) => Some(Self::Waiting),
            (State::Manual, None) => Some(Self::Manual),
            (State::Running, None) => Some(Self::Running),
            (State::Finished, Some(outcome)) => Some(Self::Finished(outcome)),
            _ => None,
        }
    }
}

impl Outcome {
    /// Whether what needs this piece of work may go on.
    pub const fn lets_others_start(self) -> bool {
        matches!(self, Self::Success)
    }

    /// The outcome of a whole from the outcomes of its parts: the heaviest; nothing at all is skipped.
    pub fn of_all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::Skipped)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn words_survive_the_way_to_the_database_and_back() {
        for state in State::VARIANTS {
            assert_eq!(state.into_str().parse::<State>().unwrap(), *state);
            assert_eq!(serde_json::to_value(state).unwrap(), state.into_str());
        }
        for outcome in Outcome::VARIANTS {
            assert_eq!(outcome.into_str().parse::<Outcome>().unwrap(), *outcome);
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.into_str());
        }
        assert!("done".parse::<State>().is_err());
    }

    #[test]
    fn only_what_is_finished_has_an_outcome() {
        assert_eq!(Status::from_parts(State::Running, Some(Outcome::Success)), None);
        assert_eq!(Status::from_parts(State::Finished, None), None);
        let status = Status::Finished(Outcome::Lost);
        assert_eq!(Status::from_parts(status.state(), status.outcome()), Some(status));
    }

    #[test]
    fn the_heaviest_outcome_is_the_whole() {
        assert_eq!(
            Outcome::of_all([Outcome::Success, Outcome::Failed, Outcome::Skipped]),
            Outcome::Failed
        );
        assert_eq!(
            Outcome::of_all([Outcome::Success, Outcome::Skipped]),
            Outcome::Success
        );
        assert_eq!(Outcome::of_all([]), Outcome::Skipped);
    }
}
