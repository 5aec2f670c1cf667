//! Dashboards: Grafana's JSON, drawn by the page.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A dashboard in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DashboardSummary {
    /// Tells it from all others.
    pub uid: String,
    /// The project that it belongs to; `null` where it is the server's.
    #[schema(required)]
    pub project: Option<String>,
    /// Its title.
    pub title: String,
    /// The folder that it lies in; empty for none.
    pub folder: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Whether it comes with the program: it cannot be changed, but copied.
    pub provided: bool,
    /// When it was last changed.
    #[schema(required)]
    pub changed_at: Option<Timestamp>,
    /// Who changed it last.
    #[schema(required)]
    pub changed_by: Option<String>,
}

/// A dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dashboard {
    /// Tells it from all others.
    pub uid: String,
    /// The project that it belongs to; `null` where it is the server's.
    #[schema(required)]
    pub project: Option<String>,
    /// Its title.
    pub title: String,
    /// Whether it comes with the program: it cannot be changed, but copied.
    pub provided: bool,
    /// As Grafana's JSON.
    #[schema(value_type = Object)]
    pub dashboard: serde_json::Value,
}

/// A dashboard to be kept or looked through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DashboardContent {
    /// As Grafana's JSON, either as it is exported or as its API gives it.
    #[schema(value_type = Object)]
    pub dashboard: serde_json::Value,
}

impl DashboardContent {
    /// The dashboard itself: what Grafana's API gives holds it inside.
    pub fn into_inner(mut self) -> serde_json::Value {
        match self.dashboard.get_mut("dashboard") {
            Some(inner) if inner.is_object() => inner.take(),
            _ => self.dashboard,
        }
    }

    /// Its uid, where it has one that can be kept.
    pub fn uid(&self) -> Option<&str> {
        let dashboard = match self.dashboard.get("dashboard") {
            Some(inner) if inner.is_object() => inner,
            _ => &self.dashboard,
        };
        dashboard["uid"].as_str().filter(|uid| Self::is_uid(uid))
    }

    /// Whether a dashboard of this uid can be kept: as Grafana has it, up to 40 letters, digits, dashes and underscores.
    pub fn is_uid(text: &str) -> bool {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=40).contains(&text.len()) && text.bytes().all(is_known)
    }
}

/// What was found in a dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DashboardCheck {
    /// What cannot be kept, or not be drawn; errors first.
    pub problems: Vec<DashboardProblem>,
}

/// Something that is wrong with a dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DashboardProblem {
    /// Where, as in `panels[2].targets[0].expr`.
    pub path: String,
    /// What, and what to do.
    pub message: String,
    /// An error keeps it from being kept; of a warning the rest is drawn.
    pub severity: super::Severity,
}
