//! What the engine is told, what it answers, and what it wants told once its changes are safe.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use keirin_model::agent::Agent;
use keirin_model::diagnostic::Diagnostic;
use keirin_model::flow::{Cause, Change as Proposal, FlowKind, ParamValue};
use keirin_model::plan::Plan;
use keirin_model::trigger::Schedule;
use keirin_model::{AgentId, AttemptId, BranchId, FlowId, JobId, ProjectId, RunId, ScheduleId};
use keirin_wire::agent::Numbered;

use crate::change::RowChange;
use crate::snapshot::FlowRecord;

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineEvent {
    /// A flow will start in this project, and its plan depends on its number.
    ReserveNumber(ProjectId),
    /// The flow of a reserved number does not start.
    ReleaseNumber {
        /// Of which project.
        project: ProjectId,
        /// Which number.
        number: i64,
    },
    /// A flow is to start.
    StartFlow(Box<NewFlow>),
    /// Work is to stop.
    Cancel(CancelTarget),
    /// Jobs of a finished flow are to run again.
    Rerun {
        /// Which flow.
        flow: FlowId,
        /// Only those that did not succeed.
        failed_only: bool,
        /// The flow as the store has it, where the engine does not know it because it is finished.
        stored: Option<Box<FlowRecord>>,
    },
    /// A person starts a run of a stage with a manual start.
    StartRun {
        /// Which run.
        run: RunId,
        /// Its flow as the store has it, where the engine does not know it because it is finished.
        stored: Option<Box<FlowRecord>>,
    },
    /// An agent is new or has changed.
    AgentChanged(Agent),
    /// An agent is no more.
    AgentRemoved(AgentId),
    /// An agent asks for work.
    Claim(AgentClaim),
    /// The claim of this place in the session is over: it timed out, or its connection broke.
    ClaimOver {
        /// Whose.
        agent: AgentId,
        /// Of which session.
        session: u64,
        /// Which claim.
        sequence: u64,
    },
    /// An agent tells of an attempt.
    Report {
        /// Who tells.
        agent: AgentId,
        /// Of what.
        attempt: AttemptId,
        /// What happened, in order; empty to renew the lease.
        events: Vec<Numbered>,
    },
    /// The timed triggers of one workflow on one branch, in place of those known.
    Schedules {
        /// The branch.
        branch: BranchId,
        /// The workflow.
        workflow: String,
        /// All of them.
        schedules: Vec<Schedule>,
    },
    /// A due time came to nothing: there was no new commit, or the flow could not be prepared.
    NothingStarted {
        /// Which schedule.
        schedule: ScheduleId,
        /// Which due time.
        due: Timestamp,
    },
    /// Time has passed.
    Tick,
}

/// A flow that is to start.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFlow {
    /// The project.
    pub project: ProjectId,
    /// The number that was reserved for it; none where it gets the next one.
    pub number: Option<i64>,
    /// The branch.
    pub branch: BranchId,
    /// What it is for.
    pub kind: FlowKind,
    /// The commit.
    pub commit: Option<String>,
    /// The proposed change.
    pub change: Option<Proposal>,
    /// The parameters, defaults filled in.
    pub params: BTreeMap<String, ParamValue>,
    /// Why.
    pub cause: Cause,
    /// What it does; nothing where its workflow file is broken.
    pub plan: Arc<Plan>,
    /// What is wrong with its workflow file: a flow that has something here has failed from the start.
    pub diagnostics: Vec<Diagnostic>,
    /// The schedule and the due time that it answers.
    pub due: Option<(ScheduleId, Timestamp)>,
}

/// A claim with who makes it; see [`keirin_wire::agent::Claim`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentClaim {
    /// Who claims.
    pub agent: AgentId,
    /// Drawn when the agent's process started.
    pub session: u64,
    /// Counts the claims of the session.
    pub sequence: u64,
    /// How many more jobs it can take.
    pub free: u32,
    /// Every attempt that it holds.
    pub holding: Vec<AttemptId>,
}

/// What is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelTarget {
    /// A flow with all that is in it.
    Flow(FlowId),
    /// A run with its jobs.
    Run(RunId),
    /// One job.
    Job(JobId),
}

/// What is to be told, once the changes are committed. Telling twice or not at all does no harm: agents ask again, and
/// a schedule fires again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notification {
    /// An agent gets a job.
    Assign {
        /// Who.
        agent: AgentId,
        /// What.
        attempt: AttemptId,
    },
    /// An agent is to stop a job, or to forget one that is not its own.
    Stop {
        /// Who.
        agent: AgentId,
        /// What.
        attempt: AttemptId,
    },
    /// A schedule is due: a flow is to be prepared, and to come back as [`EngineEvent::StartFlow`] or as
    /// [`EngineEvent::NothingStarted`].
    Fire {
        /// Which.
        schedule: ScheduleId,
        /// The due time.
        due: Timestamp,
    },
}

/// What the one who sent an event gets back, once the changes are committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventReply {
    /// It is done.
    Done,
    /// The number that was reserved.
    Reserved(i64),
    /// Nothing was started: the flow's number is not one that this engine has reserved.
    NotReserved,
    /// The flow that was started.
    Started(FlowId),
    /// The claim counts, and waits for what [`Notification`] says of this agent: at once or later.
    Claimed,
    /// The claim was under way too long: a later one has been answered.
    OldClaim,
    /// The report counts.
    Reported {
        /// Every event up to this number has been taken in.
        acknowledged: u64,
        /// Whether the agent is to stop the job.
        stop: bool,
    },
}

/// Why an event changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The flow is unknown or finished.
    #[error("flow {0} is not under way")]
    NoSuchFlow(FlowId),
    /// The run is unknown or finished.
    #[error("stage run {0} is not under way")]
    NoSuchRun(RunId),
    /// The job is unknown or finished.
    #[error("job {0} is not under way")]
    NoSuchJob(JobId),
    /// The run does not wait for a person.
    #[error("stage run {0} does not wait to be started by hand")]
    NotManual(RunId),
    /// Only what is over can run again.
    #[error("flow {0} is still under way: wait for its end or cancel it first")]
    StillUnderWay(FlowId),
    /// There is nothing to run again.
    #[error("flow {0} has no finished job to run again")]
    NothingToRerun(FlowId),
    /// The due time has been dealt with already, or its schedule is gone.
    #[error("the due time {due} of schedule {schedule} is over")]
    DueTimeOver {
        /// Which schedule.
        schedule: ScheduleId,
        /// Which due time.
        due: Timestamp,
    },
    /// The agent is unknown.
    #[error("agent {0} is not registered")]
    NoSuchAgent(AgentId),
    /// The attempt is no longer this agent's.
    #[error("attempt {0} is no longer held by this agent")]
    LeaseLost(AttemptId),
    /// An event is missing before those that were sent.
    #[error("attempt {attempt} expects event {expected} next")]
    Gap {
        /// Of which attempt.
        attempt: AttemptId,
        /// The sequence number that comes next.
        expected: u64,
    },
}

/// What came of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// To be committed, all together.
    pub changes: Vec<RowChange>,
    /// To be told afterwards.
    pub notifications: Vec<Notification>,
    /// To be answered afterwards.
    pub answer: Result<EventReply, Refusal>,
}
