//! Jobs, the attempts at them and their steps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keirin_model::plan::Requirements;
use keirin_model::{AgentId, AttemptId, FlowId, JobId, Outcome, RunId, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::log::LogSummary;
use super::results::TestCounts;
use super::retention::FlowRetention;

/// A job with its attempts and the steps of the newest one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The job's key with its matrix values, as in `test (stable)`.
    pub name: String,
    /// The key in the workflow file, shared by all points of its matrix.
    pub key: String,
    /// The values of its point of the matrix.
    pub matrix: BTreeMap<String, String>,
    /// The project's name.
    pub project: String,
    /// The branch's name.
    pub branch: String,
    /// The flow.
    pub flow: FlowId,
    /// The flow's number in its project.
    pub flow_number: i64,
    /// The run.
    pub run: RunId,
    /// The stage's name.
    pub stage: String,
    /// Names of jobs of the same stage that must end well before this one starts.
    pub needs: Vec<String>,
    /// What an agent must offer.
    pub requirements: Requirements,
    /// Higher goes first.
    pub priority: i32,
    /// How long an attempt may take, in seconds.
    pub timeout_seconds: i64,
    /// Where it stands.
    pub state: State,
    /// How it ended; `null` until it has.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// Whether its agent has been told to stop it.
    pub stopping: bool,
    /// Why it waits, in a sentence; `null` unless it waits.
    #[schema(required)]
    pub waiting_reason: Option<String>,
    /// When it could have been given to an agent.
    #[schema(required)]
    pub queued_at: Option<Timestamp>,
    /// When its newest attempt started.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// When it last finished.
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
    /// All attempts at it, oldest first.
    pub attempts: Vec<Attempt>,
    /// All steps of its plan, with what the newest attempt made of them.
    pub steps: Vec<Step>,
    /// Its test results in short; `null` where none were collected.
    #[schema(required)]
    pub tests: Option<TestCounts>,
    /// How many files it left.
    pub artifacts: i64,
    /// What of its flow stays, and what has gone.
    pub retention: FlowRetention,
    /// The log of its newest attempt; `null` where there is none yet, or none any more.
    #[schema(required)]
    pub log: Option<LogSummary>,
}

/// A job as a row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobSummary {
    /// Its id.
    pub id: JobId,
    /// The job's key with its matrix values.
    pub name: String,
    /// The project's name.
    pub project: String,
    /// The branch's name.
    pub branch: String,
    /// The flow.
    pub flow: FlowId,
    /// The flow's number in its project.
    pub flow_number: i64,
    /// The run.
    pub run: RunId,
    /// The stage's name.
    pub stage: String,
    /// Where it stands.
    pub state: State,
    /// How it ended; `null` until it has.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// Why it waits, in a sentence; `null` unless it waits.
    #[schema(required)]
    pub waiting_reason: Option<String>,
    /// When it could have been given to an agent.
    #[schema(required)]
    pub queued_at: Option<Timestamp>,
    /// When its newest attempt started.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// When it last finished.
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
}

/// One try at a job by one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// Counts up within its job, from 1.
    pub number: u32,
    /// The agent's name.
    pub agent: String,
    /// The agent's id.
    pub agent_id: AgentId,
    /// Where it stands.
    pub state: State,
    /// How it ended; `null` until it has.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// The exit code of the process that decided its outcome.
    #[schema(required)]
    pub exit_code: Option<i32>,
    /// The signal that ended that process.
    #[schema(required)]
    pub signal: Option<i32>,
    /// What happened, where the outcome alone does not say it.
    #[schema(required)]
    pub message: Option<String>,
    /// When the agent started it.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// When it finished.
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
}

/// One step of the newest attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Its place in the plan, from 0.
    pub index: usize,
    /// The tool's name.
    pub tool: String,
    /// What people read.
    pub name: String,
    /// Where it stands.
    pub state: State,
    /// How it ended; `null` until it has.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// When it started.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
    /// The exit code of its process.
    #[schema(required)]
    pub exit_code: Option<i32>,
    /// The signal that ended its process.
    #[schema(required)]
    pub signal: Option<i32>,
    /// What happened, where the outcome alone does not say it.
    #[schema(required)]
    pub message: Option<String>,
}
