//! Where series come from: other servers that are asked, and targets that are scraped.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A server that answers PromQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// The name that queries call it by; `keirin` is this server.
    pub name: String,
    /// Whether it is this server.
    pub kind: SourceKind,
    /// Where it is.
    #[schema(required)]
    pub url: Option<String>,
    /// Whether it answers.
    pub state: SourceState,
    /// Why it does not.
    #[schema(required)]
    pub error: Option<String>,
}

/// The kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// This server.
    Keirin,
    /// A server with Prometheus' HTTP API.
    Prometheus,
}

/// Whether a source answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// It does.
    Ok,
    /// It does not.
    Failed,
}

/// Something that is scraped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// The name of its job.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// How the last scrape went.
    pub state: TargetState,
    /// The labels that its samples get.
    pub labels: BTreeMap<String, String>,
    /// How often it is scraped.
    pub interval_seconds: f64,
    /// When it was last scraped.
    #[schema(required)]
    pub last_scrape_at: Option<Timestamp>,
    /// How long that took.
    #[schema(required)]
    pub duration_seconds: Option<f64>,
    /// How many samples it gave.
    #[schema(required)]
    pub samples: Option<u64>,
    /// Why it gave none.
    #[schema(required)]
    pub error: Option<String>,
}

/// How the last scrape went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// It answered.
    Up,
    /// It did not.
    Down,
    /// It has not been scraped yet.
    Unknown,
}
