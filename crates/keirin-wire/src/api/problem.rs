//! What went wrong, and what to do (RFC 9457, `application/problem+json`).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use keirin_model::diagnostic::Diagnostic;

/// A problem document: the body of every answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A word for programs that stays the same between versions, as in `not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, and why.
    #[schema(required)]
    pub detail: Option<String>,
    /// What to do.
    #[schema(required)]
    pub fix: Option<String>,
    /// The faults of a workflow file or a query, where that is the problem.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.detail.as_deref().unwrap_or(&self.title))?;
        match &self.fix {
            Some(fix) => write!(formatter, " {fix}"),
            None => Ok(()),
        }
    }
}
