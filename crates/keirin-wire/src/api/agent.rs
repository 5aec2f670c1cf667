//! Agents as people see them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keirin_model::plan::Executor;
use keirin_model::{AgentId, FlowId, JobId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A program that runs jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Unique.
    pub name: String,
    /// Where it stands.
    pub state: AgentState,
    /// Groups besides `all`.
    pub groups: BTreeSet<String>,
    /// What it can do.
    pub labels: BTreeSet<String>,
    /// Executors that it offers.
    pub executors: BTreeSet<Executor>,
    /// How many jobs it runs at once.
    pub slots: u32,
    /// How many jobs it runs now.
    pub running: u32,
    /// Those jobs, as far as the caller may see them.
    pub jobs: Vec<RunningJob>,
    /// Keirin's version on it.
    pub version: String,
    /// Operating system, processor, and the like.
    pub host: BTreeMap<String, String>,
    /// When it made itself known.
    pub created_at: Timestamp,
    /// When the server last heard of it.
    #[schema(required)]
    pub seen_at: Option<Timestamp>,
}

/// Where an agent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// A person has to let it in.
    Unauthorised,
    /// A person has taken it out of service.
    Disabled,
    /// It asks for work.
    Online,
    /// It has been silent for longer than a lease lasts.
    Offline,
}

/// Agents that were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedAgents {
    /// How many.
    pub removed: u64,
}

/// A job on an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunningJob {
    /// Its id.
    pub id: JobId,
    /// Its name.
    pub name: String,
    /// The project's name.
    pub project: String,
    /// The flow.
    pub flow: FlowId,
    /// The flow's number in its project.
    pub flow_number: i64,
    /// When it started; `null` while the agent prepares it.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
}

/// Changes an agent: what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ChangeAgent {
    /// `true` lets it in.
    #[serde(default)]
    pub authorised: Option<bool>,
    /// `true` takes it out of service: it gets no more jobs, and those that run go on.
    #[serde(default)]
    pub disabled: Option<bool>,
    /// How many jobs it runs at once.
    #[serde(default)]
    pub slots: Option<u32>,
    /// Groups besides `all`.
    #[serde(default)]
    pub groups: Option<BTreeSet<String>>,
}
