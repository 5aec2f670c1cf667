//! Why a call brought no answer.

use keirin_http::HttpError;
use keirin_wire::api::{Problem, QueryRefusal};

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing answered, the connection broke, or what stands before the server says that it does not answer.
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
    /// The server answers as Prometheus does that a query has no answer, and why.
    #[error("{0}")]
    Query(Box<QueryRefusal>),
    /// Something answered that is no server of ours, or one of another version.
    #[error("the answer from {address} cannot be read: {reason}")]
    Protocol {
        /// Where it came from.
        address: String,
        /// The status of the answer, where it came that far.
        status: Option<u16>,
        /// What is wrong with it.
        reason: String,
    },
    /// The client cannot make a call to this address, or with this token.
    #[error("{0}")]
    Unusable(String),
}

impl ClientError {
    /// Whether the same call may well go through a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem(problem) => is_transient(problem.status),
            Self::Protocol { status, .. } => status.is_some_and(is_transient),
            Self::Query(_) | Self::Unusable(_) => false,
        }
    }

    /// What the server said, where it said something.
    pub const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Unreachable { .. } | Self::Query(_) | Self::Protocol { .. } | Self::Unusable(_) => None,
        }
    }

    /// The problem's type, as in `lease-lost`; `None` where there is no problem document.
    pub fn kind(&self) -> Option<&str> {
        self.problem().map(|problem| problem.kind.as_str())
    }
}

impl From<HttpError> for ClientError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Unusable(reason) => Self::Unusable(reason),
            HttpError::Unreachable { address, reason } => Self::Unreachable { address, reason },
            HttpError::Refused {
                address,
                status,
                said,
                retry_after: _,
            } => Self::Protocol {
                address,
                status: Some(status),
                reason: said,
            },
            HttpError::TooLarge { address, most_bytes } => Self::Protocol {
                address,
                status: None,
                reason: format!("it is larger than {most_bytes} bytes"),
            },
            HttpError::Unreadable { address, reason } => Self::Protocol {
                address,
                status: None,
                reason,
            },
        }
    }
}

/// A fault of the server, or too many calls at once.
const fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502..=504)
}
