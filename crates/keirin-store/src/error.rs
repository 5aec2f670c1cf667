//! What can go wrong between the program and its database.

use sqlx::error::ErrorKind;
use sqlx::migrate::MigrateError;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such row.
    #[error("there is no {0}")]
    NotFound(String),
    /// What was asked contradicts what is there, such as a name that is taken. The text is a whole sentence.
    #[error("{0}")]
    Conflict(String),
    /// The database cannot be reached or does not take work at the moment; the same call may succeed later.
    #[error("the database cannot be reached: {0}; check that PostgreSQL runs and that its address is right")]
    Unavailable(#[source] sqlx::Error),
    /// A text that was given holds what PostgreSQL keeps in no text: the character with the number zero.
    #[error("no text may hold the character NUL")]
    Nul,
    /// A row holds what no version of this program writes.
    #[error("the database holds something that cannot be read: {0}")]
    Corrupt(String),
    /// The tables could not be brought to this version.
    #[error("the tables of the database could not be brought to this version: {0}")]
    Migrate(#[from] MigrateError),
    /// A statement failed for another reason.
    #[error("a statement failed in the database: {0}")]
    Statement(#[source] sqlx::Error),
}

impl StoreError {
    /// There is no `noun` of this id or name.
    pub fn not_found(noun: &str, key: impl std::fmt::Display) -> Self {
        Self::NotFound(format!("{noun} `{key}`"))
    }

    /// Turns the violation of a unique or foreign key into [`StoreError::Conflict`] with this sentence, and leaves
    /// every other error as it is.
    pub fn conflict_if_violated(error: sqlx::Error, sentence: impl FnOnce() -> String) -> Self {
        match error.as_database_error().map(|database| database.kind()) {
            Some(ErrorKind::UniqueViolation | ErrorKind::ForeignKeyViolation) => Self::Conflict(sentence()),
            _ => error.into(),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            sqlx::Error::Database(database) if says_unavailable(database.code().as_deref()) => {
                Self::Unavailable(error)
            }
            sqlx::Error::Database(database) if says_nul(database.code().as_deref()) => Self::Nul,
            sqlx::Error::RowNotFound => Self::NotFound("such row".to_owned()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt(error.to_string()),
            _ => Self::Statement(error),
        }
    }
}

/// Whether a SQLSTATE tells of the server's condition rather than of the statement: connection lost (08), too many
/// connections or out of resources (53), shutting down or starting up (57P).
pub(crate) fn says_unavailable(code: Option<&str>) -> bool {
    code.is_some_and(|code| code.starts_with("08") || code.starts_with("53") || code.starts_with("57P"))
}

/// Whether a SQLSTATE says that a text, or one within JSON, holds what cannot be kept.
fn says_nul(code: Option<&str>) -> bool {
    matches!(code, Some("22021" | "22P05"))
}
