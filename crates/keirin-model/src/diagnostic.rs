//! What is wrong in a workflow file, and where.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The workflow cannot be used.
    Error,
    /// The workflow can be used, but probably does not do what its author wants.
    Warning,
}

/// One thing that is wrong in a workflow file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnostic {
    /// The file's name as it was given.
    pub file: String,
    /// Counts from 1.
    pub line: u32,
    /// Where it starts in its line, in characters from 1.
    pub column: u32,
    /// The first column after it; in the same line, even when the fault goes on in the next one.
    pub end_column: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    #[schema(required)]
    pub suggestion: Option<String>,
}
