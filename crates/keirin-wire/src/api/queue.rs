//! Jobs that wait, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::job::JobSummary;

/// A waiting job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueEntry {
    /// The job.
    pub job: JobSummary,
    /// Why it waits, in a sentence.
    pub reason: String,
    /// How many jobs of projects that the caller may see go before it, plus one; `null` where its turn does not depend on
    /// others.
    #[schema(required)]
    pub place: Option<u32>,
    /// What would let it run now, in a sentence.
    #[schema(required)]
    pub fix: Option<String>,
}
