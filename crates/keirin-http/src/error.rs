//! What can go wrong between this program and a server.

use std::error::Error;
use std::iter::successors;
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
    /// What broke while a call was made to this server.
    pub(crate) fn broken(address: &str, error: &reqwest::Error) -> Self {
        if error.is_builder() {
            return Self::Unusable(format!("{address} cannot be called: {}", innermost(error)));
        }
        let address = address.to_owned();
        if error.is_timeout() {
            let reason = "it did not answer in time".to_owned();
            return Self::Unreachable { address, reason };
        }
        let reason = innermost(error);
        // The library calls whatever goes wrong with a content its decoding, also a connection that breaks.
        if error.is_decode() && !is_of_connection(error) {
            Self::Unreadable { address, reason }
        } else {
            Self::Unreachable { address, reason }
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            Self::Unusable(_) | Self::TooLarge { .. } | Self::Unreadable { .. } => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn shortened(said: &str) -> String {
    said.chars().take(300).collect()
}

/// Whether something has happened to the connection, at whatever depth.
fn is_of_connection(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.is::<hyper::Error>())
}

/// The cause at the bottom: what stands above it repeats the address and says "error".
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// An error and what stands below it.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    successors(Some(error), |&cause| cause.source())
}
