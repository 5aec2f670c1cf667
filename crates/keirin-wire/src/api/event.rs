//! What browsers and other programs are told when something changes, over `/api/v1/events`.

use jiff::Timestamp;
use keirin_model::{AgentId, FlowId, JobId, Outcome, ProjectId, RunId, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something changed. Each comes as one server-sent event whose `id` is a position to resume from, whose `event` is the
/// kind and whose `data` is this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// What changed.
    pub kind: EventKind,
    /// When.
    pub time: Timestamp,
    /// The project's id; `null` for what belongs to none.
    #[schema(required)]
    pub project_id: Option<ProjectId>,
    /// The project's name.
    #[schema(required)]
    pub project: Option<String>,
    /// The flow.
    #[schema(required)]
    pub flow: Option<FlowId>,
    /// The run.
    #[schema(required)]
    pub run: Option<RunId>,
    /// The job.
    #[schema(required)]
    pub job: Option<JobId>,
    /// The agent.
    #[schema(required)]
    pub agent: Option<AgentId>,
    /// Where the changed thing stands now.
    #[schema(required)]
    pub state: Option<State>,
    /// How it ended.
    #[schema(required)]
    pub outcome: Option<Outcome>,
}

impl Event {
    /// An event of this kind that names nothing yet.
    pub const fn new(kind: EventKind, time: Timestamp) -> Self {
        Self {
            kind,
            time,
            project_id: None,
            project: None,
            flow: None,
            run: None,
            job: None,
            agent: None,
            state: None,
            outcome: None,
        }
    }
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[derive(strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum EventKind {
    /// A project or its settings.
    Project,
    /// A flow's state.
    Flow,
    /// A run's state.
    Run,
    /// A job's state, its attempts or its steps.
    Job,
    /// An agent's state.
    Agent,
    /// More than can be told: whoever listens reads everything anew.
    Reset,
}
