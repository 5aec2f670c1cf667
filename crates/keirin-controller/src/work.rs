//! What the HTTP layer asks of those who run the work: the seam to the controller.

use std::collections::BTreeMap;

use crate::figures::WorkFigures;
use async_trait::async_trait;
use futures::stream::BoxStream;
pub use keirin_engine::CancelTarget;
use keirin_model::access::Role;
use keirin_model::flow::Cause;
use keirin_model::{AgentId, AttemptId, FlowId, JobId, ProjectId, RunId};
use keirin_store::projects::ProjectChange;
use keirin_wire::agent::{Claim, Claimed, Report, Reported};
use keirin_wire::api::{Diagnostic, Event, Schedule, StartFlow, Workflow};

/// Runs the work. Every call returns when what it did is committed.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// Starts a flow for somebody who has this role in the project: finds the commit, reads the workflow there and plans it.
    async fn start_flow(
        &self,
        project: ProjectId,
        start: StartFlow,
        cause: Cause,
        role: Role,
    ) -> Result<FlowId, WorkError>;

    /// Stops what is under way.
    async fn cancel(&self, target: CancelTarget) -> Result<(), WorkError>;

    /// Runs jobs of a flow again: all, or those that did not succeed.
    async fn rerun(&self, flow: FlowId, failed_only: bool) -> Result<(), WorkError>;

    /// Starts a run of a stage with a manual start.
    async fn start_run(&self, run: RunId) -> Result<(), WorkError>;

    /// Why these jobs wait. One that does not wait is not in the answer. Of the jobs before one, those of the projects in
    /// `counted` are counted, all where `None`.
    async fn waiting(
        &self,
        jobs: &[JobId],
        counted: Option<&[ProjectId]>,
    ) -> Result<BTreeMap<JobId, Waiting>, WorkError>;

    /// The workflow files of a branch, faulty ones too; of the default branch where `None`. As they are now, or as they were at
    /// a commit.
    async fn workflows(
        &self,
        project: ProjectId,
        branch: Option<&str>,
        commit: Option<&str>,
    ) -> Result<Vec<Workflow>, WorkError>;

    /// The timed triggers of a project, with when each starts a flow next.
    async fn schedules(&self, project: ProjectId) -> Result<Vec<Schedule>, WorkError>;

    /// An agent asks for work. Answers when there is something to say, at the latest after `POLL_SECONDS`. The HTTP
    /// layer fills in the tokens of the assignments.
    async fn claim(&self, agent: AgentId, claim: Claim) -> Result<Claimed, WorkError>;

    /// An agent tells of an attempt.
    async fn report(&self, attempt: AttemptId, report: Report) -> Result<Reported, WorkError>;

    /// Where an attempt belongs that is still an agent's; `None` fences off everything else said of it. It is asked
    /// for each piece of log, so it should not reach for the database.
    async fn live_attempt(&self, attempt: AttemptId) -> Result<Option<Live>, WorkError>;

    /// An agent has registered, or a person has changed or removed it.
    async fn agent_changed(&self, agent: AgentId) -> Result<(), WorkError>;

    /// Changes a project, and looks at its repository where that is another. No look at the one before is taken down after it.
    /// A repository that may not be fetched changes nothing; one that cannot be read is among the project's notices.
    async fn change_project(&self, project: ProjectId, change: &ProjectChange<'_>) -> Result<(), WorkError>;

    /// A project has been made: fails where its repository cannot be read.
    async fn project_created(&self, project: ProjectId) -> Result<(), WorkError>;

    /// A project has been removed, or has another credential. A repository that cannot be read is among its notices.
    async fn project_changed(&self, project: ProjectId) -> Result<(), WorkError>;

    /// What changes from now on, or from just after this position on. Where so much has happened since that it is not
    /// known any more, the first event is of kind `Reset`. The stream ends when the server stops.
    async fn events(&self, after: Option<String>) -> Result<BoxStream<'static, EventEnvelope>, WorkError>;

    /// How long the work takes that this server has done since it started.
    fn figures(&self) -> WorkFigures;

    /// Whether this server can take work: `Err` says in a sentence why not.
    async fn ready(&self) -> Result<(), String>;
}

/// Why a job waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// In a sentence.
    pub reason: String,
    /// How many of the jobs that are counted go before it, plus one; `None` where its turn does not depend on others.
    pub place: Option<u32>,
    /// What would let it run now, in a sentence.
    pub fix: Option<String>,
}

/// Where a live attempt belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// The agent that holds it.
    pub agent: AgentId,
    /// The project.
    pub project: ProjectId,
    /// The flow.
    pub flow: FlowId,
    /// The run.
    pub run: RunId,
    /// The job.
    pub job: JobId,
    /// Counts the attempts at the job, from 1.
    pub number: u32,
}

/// An event with its position in the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct EventEnvelope {
    /// Where to go on from. Letters, digits and `-` only.
    pub position: String,
    /// What happened.
    pub event: Event,
}

/// Why the work could not be done.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// There is no such thing; the text is its name, as in ``branch `main` ``.
    #[error("there is no {0}")]
    NotFound(String),
    /// It contradicts what is there. A whole sentence.
    #[error("{0}")]
    Conflict(String),
    /// What was asked cannot be taken.
    #[error("{detail} {fix}")]
    Invalid {
        /// What is wrong, in a sentence.
        detail: String,
        /// What to do, in a sentence.
        fix: String,
        /// The faults of the workflow file, where it is that.
        diagnostics: Vec<Diagnostic>,
    },
    /// The repository has no such branch, or no commit yet.
    #[error("{detail} {fix}")]
    NoBranch {
        /// What is wrong, in a sentence.
        detail: String,
        /// What to do, in a sentence.
        fix: String,
    },
    /// The project's repository cannot be read as it is: its address, its host or the credential is wrong. That says
    /// nothing of what lies in it, and passes once somebody has mended it.
    #[error("{detail} {fix}")]
    Inaccessible {
        /// What is wrong, in a sentence.
        detail: String,
        /// What to do, in a sentence.
        fix: String,
    },
    /// The workflow lets only others start its flows by hand. A whole sentence.
    #[error("{0}")]
    Forbidden(String),
    /// The attempt is no longer this agent's.
    #[error("the attempt is no longer this agent's")]
    LeaseLost,
    /// Events are missing before those that were sent.
    #[error("event {expected} has to come first")]
    Gap {
        /// The sequence number that comes next.
        expected: u64,
    },
    /// It may work a little later: another server leads, the database restarts. A whole sentence.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of the server that people may know of, and that stays until somebody mends it. A whole sentence.
    #[error("{0}")]
    ServerFault(String),
    /// A fault of the server.
    #[error("{0}")]
    Internal(Box<dyn std::error::Error + Send + Sync>),
}
