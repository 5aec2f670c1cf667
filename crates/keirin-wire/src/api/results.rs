//! Test results.

use keirin_model::results::TestResult;
use keirin_model::{JobId, RunId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many test cases went which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestCounts {
    /// Those that passed.
    pub passed: i64,
    /// Those whose check does not hold.
    pub failed: i64,
    /// Those that broke before they could tell.
    pub errors: i64,
    /// Those that were not run.
    pub skipped: i64,
}

/// A result and whose it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobTestResult {
    /// The job.
    pub job: JobId,
    /// The job's name.
    pub job_name: String,
    /// The run.
    pub run: RunId,
    /// The stage's name.
    pub stage: String,
    /// The result.
    #[serde(flatten)]
    pub result: TestResult,
}

/// A page of results with the counts of all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestResults {
    /// Of all results, not of this page.
    pub counts: TestCounts,
    /// Failed ones first.
    pub items: Vec<JobTestResult>,
    /// To be given as `cursor` to get the next page; `null` on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
