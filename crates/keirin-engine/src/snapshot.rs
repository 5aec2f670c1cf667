//! All that an engine is made from: what a store holds of unfinished work.

use std::collections::BTreeMap;

use keirin_model::agent::Agent;
use keirin_model::flow::{Attempt, Flow, Job, Run};
use keirin_model::trigger::Schedule;
use keirin_model::{AttemptId, FlowId, JobId, ProjectId, RunId};

/// What a store holds of unfinished work, read in one consistent view.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Every flow that is not finished.
    pub flows: Vec<FlowRecord>,
    /// Every agent, in service or not.
    pub agents: Vec<Agent>,
    /// Every timed trigger.
    pub schedules: Vec<Schedule>,
    /// The highest ids that have been given out.
    pub last: LastIds,
    /// The highest flow number of each project.
    pub flow_numbers: BTreeMap<ProjectId, i64>,
}

/// A flow with all its parts. Of the attempts, those that are not finished and the newest of each job are needed.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowRecord {
    /// The flow.
    pub flow: Flow,
    /// Its runs, in the order of the plan.
    pub runs: Vec<Run>,
    /// Their jobs.
    pub jobs: Vec<Job>,
    /// Their attempts.
    pub attempts: Vec<Attempt>,
}

/// The highest ids that have been given out; the engine counts on from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastIds {
    /// Of flows.
    pub flow: FlowId,
    /// Of runs.
    pub run: RunId,
    /// Of jobs.
    pub job: JobId,
    /// Of attempts.
    pub attempt: AttemptId,
}

impl Default for LastIds {
    fn default() -> Self {
        Self {
            flow: FlowId(0),
            run: RunId(0),
            job: JobId(0),
            attempt: AttemptId(0),
        }
    }
}
