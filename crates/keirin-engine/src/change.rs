//! What the engine wants written: changes of rows, applied all together or not at all.

use jiff::Timestamp;
use keirin_model::flow::{Attempt, Exit, Flow, Job, Run};
use keirin_model::{AttemptId, FlowId, JobId, Outcome, RunId, ScheduleId, Status};

/// One change of one row. A store applies a list of them in order, in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum RowChange {
    /// A new flow.
    AddFlow(Box<Flow>),
    /// A new run.
    AddRun(Run),
    /// A new job.
    AddJob(Job),
    /// A new attempt.
    AddAttempt(Attempt),
    /// A flow goes from one status to another.
    MoveFlow(Move<FlowId>),
    /// A run goes from one status to another.
    MoveRun(Move<RunId>),
    /// Whether a person has started a run of a stage with a manual start.
    ReleaseRun {
        /// Which.
        run: RunId,
        /// Whether it may start.
        released: bool,
    },
    /// A job goes from one status to another. Any move ends a wish to stop it.
    MoveJob(Move<JobId>),
    /// A waiting job can be given to an agent from now on.
    QueueJob {
        /// Which.
        job: JobId,
        /// Since when.
        at: Timestamp,
        /// How many of its attempts have been lost since it was last asked for.
        lost: u32,
    },
    /// A running job is to stop and will get this outcome.
    StopJob {
        /// Which.
        job: JobId,
        /// The outcome that it will get.
        outcome: Outcome,
    },
    /// An attempt goes from one status to another.
    MoveAttempt {
        /// Which, from where to where.
        moved: Move<AttemptId>,
        /// How its process ended.
        exit: Exit,
        /// What happened, where the outcome alone does not say it.
        message: Option<String>,
    },
    /// The agent's events up to this one have been taken in.
    Acknowledge {
        /// Which attempt.
        attempt: AttemptId,
        /// The highest sequence number taken in.
        sequence: u64,
    },
    /// A step began; once more is no change.
    StartStep {
        /// Of which attempt.
        attempt: AttemptId,
        /// Its place in the job's plan.
        index: usize,
        /// When.
        at: Timestamp,
    },
    /// A step ended. One that was skipped has not begun: it begins and ends at once.
    FinishStep {
        /// Of which attempt.
        attempt: AttemptId,
        /// Its place in the job's plan.
        index: usize,
        /// How.
        outcome: Outcome,
        /// How its process ended.
        exit: Exit,
        /// What happened, where the outcome alone does not say it.
        message: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A due time of a schedule has been dealt with.
    ScheduleDone {
        /// Which.
        schedule: ScheduleId,
        /// The due time.
        due: Timestamp,
    },
}

/// A guarded change of status: it holds only where the row is still in the status that the engine knows.
///
/// What it does to the row's times is the same for every noun: to `Running` sets `started_at` and clears
/// `finished_at`; to `Finished` sets `finished_at`; to `Waiting` or `Manual` clears `queued_at`, `started_at` and
/// `finished_at`, where the row has them. A flow that goes from `Finished` back to `Running` has no `started_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move<Id> {
    /// Which row.
    pub id: Id,
    /// The status that it has until now.
    pub from: Status,
    /// The status that it gets.
    pub to: Status,
    /// When.
    pub at: Timestamp,
}
