//! What takes how much room.

use keirin_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What takes how much room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageOverview {
    /// Whose the object storage is. Nothing is removed from one that belongs to another database.
    pub owner: StorageOwner,
    /// Objects that nothing points at any more and that wait to be removed.
    pub objects_to_remove: u64,
    /// What each project keeps, by name, and at last what belongs to none.
    pub projects: Vec<ProjectStorage>,
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

/// What a project keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectStorage {
    /// The project's name; `null` for what belongs to none: the logs of agents and services.
    #[schema(required)]
    pub project: Option<String>,
    /// Its flows.
    pub flows: u64,
    /// When the oldest of them was started.
    #[schema(required)]
    pub oldest_flow_at: Option<Timestamp>,
    /// Its artifacts.
    pub artifacts: u64,
    /// Their size, in bytes.
    pub artifact_bytes: u64,
    /// The size of its logs as they are kept, which is compressed, in bytes.
    pub log_bytes: u64,
    /// Its test results.
    pub test_results: u64,
}
