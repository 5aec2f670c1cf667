//! From what the engine and the journal say to what the HTTP layer is answered.

use keirin_engine::Refusal;

use crate::journal::JournalError;
use crate::work::WorkError;

impl From<Refusal> for WorkError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::LeaseLost(_) => Self::LeaseLost,
            Refusal::Gap { expected, .. } => Self::Gap { expected },
            Refusal::NoSuchAgent(agent) => Self::NotFound(format!("agent {agent}")),
            Refusal::NoSuchFlow(_)
            | Refusal::NoSuchRun(_)
            | Refusal::NoSuchJob(_)
            | Refusal::NotManual(_)
            | Refusal::DueTimeOver { .. }
            | Refusal::StillUnderWay(_)
            | Refusal::NothingToRerun(_) => Self::Conflict(sentence(&refusal.to_string())),
        }
    }
}

impl From<JournalError> for WorkError {
    fn from(error: JournalError) -> Self {
        Self::Unavailable(sentence(&error.to_string()))
    }
}

/// A text as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{end}", first.unwrap_or_default(), characters.as_str())
}
