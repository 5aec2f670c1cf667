//! What can go wrong between this program and another server.

use std::time::Duration;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The call cannot be made as it is configured. The text is a sentence.
    #[error("{0}")]
    Unusable(String),
    /// There is no answer, or not the whole.
    #[error("{address} cannot be reached: {reason}; check that it runs and that the address is right")]
    Unreachable {
        /// Without user and password.
        address: String,
        /// Why not.
        reason: String,
    },
    /// The server says no.
    #[error("{address} answers {status}: {}", shortened(said))]
    Refused {
        /// Without user and password.
        address: String,
        /// The HTTP status.
        status: u16,
        /// What it says, up to 4 KB of it, or what to do about it.
        said: String,
        /// How long it asks callers to wait.
        retry_after: Option<Duration>,
    },
    /// The answer is larger than may be.
    #[error("the answer of {address} is larger than the limit of {most_bytes} bytes")]
    TooLarge {
        /// Without user and password.
        address: String,
        /// What may be, in bytes after decompression.
        most_bytes: usize,
    },
    /// The answer is not what it should be.
    #[error("the answer of {address} cannot be read: {reason}")]
    Unreadable {
        /// Without user and password.
        address: String,
        /// Why not.
        reason: String,
    },
}

impl HttpError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            Self::Unusable(_) | Self::TooLarge { .. } | Self::Unreadable { .. } => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn shortened(said: &str) -> String {
    said.chars().take(300).collect()
}
