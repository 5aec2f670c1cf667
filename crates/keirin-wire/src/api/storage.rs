//! What takes how much room.

use keirin_model::Timestamp;
use keirin_model::retention::RetainedKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What takes how much room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageOverview {
    /// Whose the object storage is. Nothing is removed from one that belongs to another database.
    pub owner: StorageOwner,
    /// Objects that nothing points at any more and that wait to be removed.
    pub objects_to_remove: u64,
    /// What each project keeps, by name and kind, and at last what belongs to none.
    pub items: Vec<StorageItem>,
}

/// Whose an object storage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StorageOwner {
    /// This database's.
    This,
    /// Another database's, of which this one may be a copy.
    Another,
    /// Nobody's yet.
    Nobody,
}

/// What a project keeps of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageItem {
    /// The project's name; `null` for what belongs to none: the logs of agents and services.
    #[schema(required)]
    pub project: Option<String>,
    /// What it is.
    pub kind: RetainedKind,
    /// How many there are.
    pub count: u64,
    /// Their size in bytes, logs as they are kept, which is compressed; `null` for what lies in tables of the database alone.
    #[schema(required)]
    pub bytes: Option<u64>,
    /// When the oldest of them began.
    #[schema(required)]
    pub oldest: Option<Timestamp>,
    /// When the next of them will have been kept long enough, which is in the past where it is about to go; `null` where none
    /// goes by itself.
    #[schema(required)]
    pub goes_next: Option<Timestamp>,
}
