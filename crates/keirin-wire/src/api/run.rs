//! Runs: one stage in one flow.

use jiff::Timestamp;
use keirin_model::plan::Start;
use keirin_model::{FlowId, Outcome, RunId, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::job::Job;
use super::results::TestCounts;
use super::retention::FlowRetention;

/// A run with its jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The flow.
    pub flow: FlowId,
    /// The flow's number in its project.
    pub flow_number: i64,
    /// The project's name.
    pub project: String,
    /// The branch's name.
    pub branch: String,
    /// The stage's name.
    pub stage: String,
    /// Stages that must end well before this one starts.
    pub needs: Vec<String>,
    /// What starts it once its needs are done.
    pub start: Start,
    /// The environment it deploys to.
    #[schema(required)]
    pub environment: Option<String>,
    /// Whether only one run of this stage (or environment) may be under way in the project.
    pub exclusive: bool,
    /// How long it may take, in seconds; `null` where nothing bounds it.
    #[schema(required)]
    pub timeout_seconds: Option<i64>,
    /// Where it stands.
    pub state: State,
    /// How it ended; `null` until it has.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// When its first job could start.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// When it last finished.
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
    /// The test results of all its jobs; `null` where none were collected.
    #[schema(required)]
    pub tests: Option<TestCounts>,
    /// What of its flow stays, and what has gone.
    pub retention: FlowRetention,
    /// Its jobs in the order of the workflow file.
    pub jobs: Vec<Job>,
}

/// A run as a cell of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// The stage's name.
    pub stage: String,
    /// Where it stands.
    pub state: State,
    /// How it ended; `null` until it has.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// When its first job could start.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// When it last finished.
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
    /// The test results of all its jobs; `null` where none were collected.
    #[schema(required)]
    pub tests: Option<TestCounts>,
}
