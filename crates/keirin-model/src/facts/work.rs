//! Facts of work: what has finished. A rerun finishes again and is another fact.

use jiff::Timestamp;

use crate::flow::FlowKind;
use crate::{AttemptId, FlowId, JobId, Outcome, RunId};

/// Where in the work something belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkPlace {
    /// The project's name.
    pub project: String,
    /// The branch's name.
    pub branch: String,
    /// What its flow was for.
    pub kind: FlowKind,
    /// Its flow.
    pub flow: FlowId,
}

/// A flow has finished.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowFact {
    /// Where it belongs.
    pub place: WorkPlace,
    /// The workflow.
    pub workflow: String,
    /// How it ended.
    pub outcome: Outcome,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it finished.
    pub finished_at: Timestamp,
}

/// A run has finished.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFact {
    /// Where it belongs.
    pub place: WorkPlace,
    /// The run.
    pub run: RunId,
    /// Its stage.
    pub stage: String,
    /// Where the stage deploys to.
    pub environment: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it started; none where it never did.
    pub started_at: Option<Timestamp>,
    /// When it finished.
    pub finished_at: Timestamp,
}

/// A job has finished.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFact {
    /// Where it belongs.
    pub place: WorkPlace,
    /// The job.
    pub job: JobId,
    /// Its stage.
    pub stage: String,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How many attempts it has had.
    pub attempts: u32,
    /// When it was last put into the queue; none where it never was.
    pub queued_at: Option<Timestamp>,
    /// When its last attempt started; none where none did.
    pub started_at: Option<Timestamp>,
    /// When it finished.
    pub finished_at: Timestamp,
}

/// An attempt has finished.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptFact {
    /// Where it belongs.
    pub place: WorkPlace,
    /// Its job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its stage.
    pub stage: String,
    /// Its job's name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// When it finished.
    pub finished_at: Timestamp,
    /// The test results that it has reported.
    pub tests: TestTally,
}

/// How many test cases went which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TestTally {
    /// See [`TestStatus`](crate::results::TestStatus).
    pub passed: u64,
    /// As above.
    pub failed: u64,
    /// As above.
    pub error: u64,
    /// As above.
    pub skipped: u64,
}

/// A run of a stage that deploys has finished.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentFact {
    /// The project's name.
    pub project: String,
    /// Where to.
    pub environment: String,
    /// How it ended.
    pub outcome: Outcome,
    /// When it finished.
    pub finished_at: Timestamp,
    /// When the deployed commit was put in; none where the commit's history is not among the facts.
    pub committed_at: Option<Timestamp>,
}
