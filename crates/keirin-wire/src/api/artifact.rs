//! Files that jobs left.

use jiff::Timestamp;
use keirin_model::{ArtifactId, JobId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file that a job left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// Relative path with `/` between its parts.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Whether its owner may run it.
    pub executable: bool,
    /// The job.
    pub job: JobId,
    /// The job's name.
    pub job_name: String,
    /// The stage's name.
    pub stage: String,
    /// When it was kept.
    pub created_at: Timestamp,
}
