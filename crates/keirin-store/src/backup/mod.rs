//! The whole database as one stream of bytes, and back: every table as it is at one moment, written and read by
//! statements, so that no other program is needed.

mod catalog;
mod record;
mod restore;
mod write;

pub(crate) use catalog::migrations;
pub(crate) use restore::undo_unfinished_restore;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The layout of the stream; see [`record`].
const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupSummary {
    /// When it was taken, by the database's clock.
    pub taken_at: Timestamp,
    /// How many tables.
    pub tables: usize,
    /// How many rows of all tables together.
    pub rows: u64,
    /// How many rows of each table.
    rows_of: BTreeMap<String, u64>,
}

impl BackupSummary {
    fn new(taken_at: Timestamp, end: End) -> Self {
        Self {
            taken_at,
            tables: end.rows.len(),
            rows: end.rows.iter().map(|(_, rows)| rows).sum(),
            rows_of: end.rows.into_iter().collect(),
        }
    }

    /// How many rows of this table; none where the backup has no such table.
    pub fn rows_of(&self, table: &str) -> u64 {
        self.rows_of.get(table).copied().unwrap_or(0)
    }
}

/// Why a backup could not be taken or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The stream could not be read or written.
    #[error("the backup could not be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// The stream is something else.
    #[error("this is not a backup that keirin has made")]
    NotABackup,
    /// The stream ends too early, or its bytes have changed.
    #[error("the backup is damaged and nothing of it was restored: {0}")]
    Damaged(String),
    /// It was made by a later version.
    #[error("the backup was made by a newer version of keirin ({0}); restore it with that version")]
    Newer(String),
    /// There is something that it would replace.
    #[error(
        "the database is not empty, and restoring a backup replaces everything in it; restore into an empty data \
         folder or database, or say that it may be replaced"
    )]
    NotEmpty,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The first record: what the backup is of.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// The migrations that had been made.
    migrations: Vec<i64>,
    taken_at: Timestamp,
}

/// Comes before the rows of a table.
#[derive(Debug, Serialize, Deserialize)]
struct TableHead {
    table: String,
    columns: Vec<String>,
}

/// The last record: a stream without it ends too early.
#[derive(Debug, Default, Serialize, Deserialize)]
struct End {
    /// How many rows of each table, in order.
    rows: Vec<(String, u64)>,
    sequences: Vec<Sequence>,
}

/// Where the numbers of an identity column stand.
#[derive(Debug, Serialize, Deserialize)]
struct Sequence {
    table: String,
    column: String,
    last_value: i64,
}
