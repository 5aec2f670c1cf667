//! The first screen.

use jiff::Timestamp;
use keirin_model::JobId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::flow::FlowSummary;
use super::log::LogLine;

/// What the first screen shows, as far as the caller may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// Flows that run or wait, newest first, at most 20.
    pub running: Vec<RunningFlow>,
    /// The newest finished flows, at most 10.
    pub recent: Vec<FlowSummary>,
    /// How many there are of each noun.
    pub totals: Totals,
    /// Figures of the last 30 days with one point a day.
    pub figures: Vec<Figure>,
    /// The data pipeline: how fresh each part is.
    pub freshness: Vec<Freshness>,
}

/// A flow under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunningFlow {
    /// The flow.
    pub flow: FlowSummary,
    /// The job that wrote last.
    #[schema(required)]
    pub job: Option<JobId>,
    /// That job's name.
    #[schema(required)]
    pub job_name: Option<String>,
    /// The last line it wrote.
    #[schema(required)]
    pub last_line: Option<LogLine>,
}

/// How many there are of each noun.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// Projects that the caller may see.
    pub projects: i64,
    /// Flows under way.
    pub running_flows: i64,
    /// Jobs under way.
    pub running_jobs: i64,
    /// Jobs that wait for an agent.
    pub waiting_jobs: i64,
    /// Agents.
    pub agents: AgentTotals,
}

/// How many agents there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentTotals {
    /// All that are known.
    pub known: i64,
    /// Those that ask for work.
    pub online: i64,
    /// Those that a person has to let in.
    pub unauthorised: i64,
    /// Slots of those online.
    pub slots: i64,
}

/// One figure with its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figure {
    /// A word for programs, as in `success_ratio`.
    pub name: String,
    /// What people read.
    pub title: String,
    /// How it is worked out, in a sentence.
    pub definition: String,
    /// `ratio`, `seconds` or `count`.
    pub unit: String,
    /// Which way is better.
    pub better: Wanted,
    /// The newest value; `null` where there is no data.
    #[schema(required)]
    pub value: Option<f64>,
    /// The value of the 30 days before, to compare with; `null` where there is no data.
    #[schema(required)]
    pub before: Option<f64>,
    /// One value a day, oldest first.
    pub points: Vec<Point>,
}

/// Which way a figure should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither is better.
    Neither,
}

/// The value of a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// When the day began, in UTC.
    pub time: Timestamp,
    /// `null` where there is no data.
    #[schema(required)]
    pub value: Option<f64>,
}

/// How fresh one part of the data pipeline is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Freshness {
    /// `flows`, `jobs`, `log_lines`.
    pub name: String,
    /// How many came in the last day.
    pub count: i64,
    /// When the newest came; `null` where none came lately.
    #[schema(required)]
    pub newest_at: Option<Timestamp>,
}
