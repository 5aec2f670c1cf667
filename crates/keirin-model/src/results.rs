//! What test reports say.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::status::{UnknownWord, words};

/// How one test case went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestResult {
    /// The suite or class.
    pub suite: String,
    /// The test case.
    pub name: String,
    /// How it went.
    pub status: TestStatus,
    /// How long it took, in seconds, where the report says so.
    pub duration_seconds: Option<f64>,
    /// Why it failed or was skipped, cut to a bounded length.
    pub message: Option<String>,
}

words! { "test status",
    /// How one test case went.
    TestStatus {
        /// It passed.
        Passed = "passed",
        /// What it checks does not hold.
        Failed = "failed",
        /// It broke before it could tell.
        Error = "error",
        /// It was not run.
        Skipped = "skipped",
    }
}
