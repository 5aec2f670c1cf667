//! Who has changed what.

use keirin_model::Timestamp;
use keirin_model::access::ChangeOutcome;
use keirin_wire::api::{AuditEntry, Page};
use reqwest::Method;
use serde::Serialize;

use crate::Result;
use crate::client::Client;

/// Which changes: those that fit everything that is given.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AuditQuery {
    /// By whoever had this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// About the project that had this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// This operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// With this outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ChangeOutcome>,
    /// Asked for at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Asked for before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl Client {
    /// A page of the audit log, the newest changes first.
    ///
    /// # Errors
    /// As every call.
    pub async fn audit_log(&self, which: &AuditQuery) -> Result<Page<AuditEntry>> {
        let call = self.call(Method::GET, "/api/v1/audit-log");
        call.query(which).receive().await
    }
}
