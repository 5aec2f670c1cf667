//! What test reports say.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::UnknownWord;

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

/// How one test case went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<TestStatus>, parse_err_ty = UnknownWord)]
pub enum TestStatus {
    /// It passed.
    Passed,
    /// What it checks does not hold.
    Failed,
    /// It broke before it could tell.
    Error,
    /// It was not run.
    Skipped,
}
