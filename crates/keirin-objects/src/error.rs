//! What can go wrong with an object, told apart by what to do about it.

use std::error::Error as _;
use std::io;

use crate::key::{InvalidKey, ObjectKey};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation on objects failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The text is no key.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// There is no such object.
    #[error("there is no object {key}")]
    NotFound {
        /// The key asked for.
        key: ObjectKey,
    },
    /// A range begins after the end of its object.
    #[error("a range of object {key} begins at byte {start}, and the object has {bytes} bytes")]
    OutsideObject {
        /// The key asked for.
        key: ObjectKey,
        /// Where the range begins.
        start: u64,
        /// Size of the object.
        bytes: u64,
    },
    /// The disk or the quota is used up. Nothing of the object was kept.
    #[error("the object storage is full; make room in it")]
    Full(#[source] Cause),
    /// A stream had more bytes than its limit allows. Nothing of the object was kept.
    #[error("the object would be larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit that was given.
        limit_bytes: u64,
    },
    /// The storage refuses the program: file permissions, or credentials.
    #[error("the object storage refuses access; check its permissions or credentials")]
    Denied(#[source] Cause),
    /// A folder cannot hold an object under a key that begins with another object's key.
    #[error("object {key} cannot stand beside an object whose key it continues, or that continues it")]
    Conflict {
        /// The key asked for.
        key: ObjectKey,
    },
    /// The bytes to be stored did not arrive whole. Nothing of the object was kept.
    #[error("the bytes of object {key} did not arrive whole")]
    Interrupted {
        /// The key that was being written.
        key: ObjectKey,
        /// What the stream said.
        source: Cause,
    },
    /// An object ends before the size that the storage names.
    #[error("object {key} ends too early: it was cut behind the storage's back")]
    Truncated {
        /// The key being read.
        key: ObjectKey,
    },
    /// The settings cannot work.
    #[error("the object storage cannot be used: {reason}")]
    Settings {
        /// What is wrong with them.
        reason: String,
    },
    /// The storage does not answer as it should; trying again may help.
    #[error("the object storage is unavailable")]
    Unavailable(#[source] Cause),
}

impl ObjectError {
    /// Whether the object simply is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Sorts a failure of the backend that happened on `key`.
    pub(crate) fn on(key: &ObjectKey, error: object_store::Error) -> Self {
        use object_store::Error as Backend;
        let key = key.clone();
        match error {
            Backend::NotFound { .. } => Self::NotFound { key },
            Backend::PermissionDenied { .. } | Backend::Unauthenticated { .. } => {
                Self::Denied(Box::new(error))
            }
            _ => match io_kind(&error) {
                Some(
                    io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists,
                ) => Self::Conflict { key },
                kind => Self::by_kind(kind, Box::new(error)),
            },
        }
    }

    /// The same for a write: what is missing then is the place, not the object.
    pub(crate) fn on_write(key: &ObjectKey, error: object_store::Error) -> Self {
        match Self::on(key, error) {
            Self::NotFound { .. } => Self::Settings {
                reason: "its bucket or folder does not exist; make it, or correct the settings".to_owned(),
            },
            other => other,
        }
    }

    /// Whether something was removed while it was looked at.
    pub(crate) fn is_vanished(error: &object_store::Error) -> bool {
        matches!(error, object_store::Error::NotFound { .. })
            || io_kind(error) == Some(io::ErrorKind::NotFound)
    }

    /// Sorts a failure of the backend that belongs to no single key.
    pub(crate) fn general(error: object_store::Error) -> Self {
        Self::by_kind(io_kind(&error), Box::new(error))
    }

    /// Sorts a failure of the file system.
    pub(crate) fn io(error: io::Error) -> Self {
        Self::by_kind(Some(error.kind()), Box::new(error))
    }

    fn by_kind(kind: Option<io::ErrorKind>, cause: Cause) -> Self {
        match kind {
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Self::Full(cause),
            Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => Self::Denied(cause),
            _ => Self::Unavailable(cause),
        }
    }
}

/// The operating system's word, wherever in the chain of causes it stands.
fn io_kind(error: &object_store::Error) -> Option<io::ErrorKind> {
    let mut cause = error.source();
    while let Some(here) = cause {
        if let Some(error) = here.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = here.source();
    }
    None
}
