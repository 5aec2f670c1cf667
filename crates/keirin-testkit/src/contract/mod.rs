//! What the engine may rely on, whichever store it works with: each store's tests run these stories.

mod random;
mod sample;
mod stories;

use std::future::Future;

use keirin_engine::{Change, FlowRecord, Snapshot};
use keirin_model::flow::Step;
use keirin_model::{AgentId, AttemptId, BranchId, FlowId, ProjectId, ScheduleId};

pub use random::random_changes;
pub use sample::Sample;
pub use stories::{refusals, stories};

/// A store of the engine's rows, empty but for [`Ground`].
pub trait EngineStore {
    /// Makes all changes, or none; an error says why none was made.
    fn commit(&self, changes: &[Change]) -> impl Future<Output = Result<(), Refused>>;

    /// All that is not finished.
    fn snapshot(&self) -> impl Future<Output = Snapshot>;

    /// A flow with all its parts, finished or not.
    fn flow_record(&self, flow: FlowId) -> impl Future<Output = Option<FlowRecord>>;

    /// The steps of an attempt, in the order of the plan.
    fn steps(&self, attempt: AttemptId) -> impl Future<Output = Vec<Step>>;

    /// What is there besides the engine's own rows.
    fn ground(&self) -> Ground;
}

/// Why a commit was refused; nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A row was not as a change expects it.
    Conflict,
    /// The store failed.
    Failure(String),
}

/// What must be there before the engine writes anything.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Projects, each with a branch; two at least.
    pub branches: Vec<(ProjectId, BranchId)>,
    /// Agents; two at least.
    pub agents: Vec<AgentId>,
    /// Schedules; one at least.
    pub schedules: Vec<ScheduleId>,
}
