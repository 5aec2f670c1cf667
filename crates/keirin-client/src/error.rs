//! Why a call brought no answer.

use keirin_wire::api::Problem;

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing answered, or the connection broke.
    #[error("the server at {address} cannot be reached: {reason}")]
    Unreachable {
        /// Where the server should be.
        address: String,
        /// What happened.
        reason: String,
    },
    /// The server answered that it will not, and why.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// Something answered that is no server of ours, or one of another version.
    #[error("the answer from {address} cannot be read: {reason}")]
    Protocol {
        /// Where it came from.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// Whether the same call may well go through a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem(problem) => matches!(problem.status, 429 | 500 | 502..=504),
            Self::Protocol { .. } => false,
        }
    }

    /// The problem's type, as in `lease-lost`; `None` where there is no problem document.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.kind),
            Self::Unreachable { .. } | Self::Protocol { .. } => None,
        }
    }
}
