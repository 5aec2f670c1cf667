//! What the engine may rely on, whichever store it works with: each store's tests run these stories.

mod random;
mod sample;
mod stories;

use std::future::Future;

use keirin_engine::{FlowRecord, RowChange, Snapshot};
use keirin_model::flow::Step;
use keirin_model::{AgentId, AttemptId, BranchId, FlowId, ProjectId, ScheduleId};

pub use random::random_changes;
pub use sample::SampleRows;
pub use stories::{refusals, stories};

/// A store of the engine's rows, empty but for [`SeedRows`].
pub trait EngineStore {
    /// Makes all changes, or none; an error says why none was made.
    fn commit(&self, changes: &[RowChange]) -> impl Future<Output = Result<(), Refused>>;

    /// All that is not finished.
    fn snapshot(&self) -> impl Future<Output = Snapshot>;

    /// A flow with all its parts, finished or not.
    fn flow_record(&self, flow: FlowId) -> impl Future<Output = Option<FlowRecord>>;

    /// The steps of an attempt, in the order of the plan.
    fn steps(&self, attempt: AttemptId) -> impl Future<Output = Vec<Step>>;

    /// What is there besides the engine's own rows.
    fn seed(&self) -> SeedRows;
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
pub struct SeedRows {
    /// Projects, each with a branch; two at least.
    pub branches: Vec<(ProjectId, BranchId)>,
    /// Agents; two at least.
    pub agents: Vec<AgentId>,
    /// Schedules; one at least.
    pub schedules: Vec<ScheduleId>,
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use jiff::{SignedDuration, Timestamp};
    use keirin_engine::memory::MemoryStore;
    use keirin_model::agent::Agent;
    use keirin_model::trigger::{Schedule, TimedTrigger};

    use super::*;

    /// The store in memory, which `exec` and the simulation work with.
    struct InMemory(RefCell<MemoryStore>, SeedRows);

    impl InMemory {
        fn new() -> Self {
            let seed = SeedRows {
                branches: vec![(ProjectId(1), BranchId(1)), (ProjectId(2), BranchId(2))],
                agents: vec![AgentId(1), AgentId(2)],
                schedules: vec![ScheduleId(1)],
            };
            let mut store = MemoryStore::default();
            for id in &seed.agents {
                store.put_agent(Agent {
                    id: *id,
                    name: id.to_string(),
                    groups: BTreeSet::new(),
                    labels: BTreeSet::new(),
                    executors: BTreeSet::new(),
                    slots: 1,
                    authorised: true,
                    disabled: false,
                });
            }
            let schedule = Schedule {
                id: ScheduleId(1),
                project: ProjectId(1),
                branch: BranchId(1),
                workflow: "default".to_owned(),
                trigger: TimedTrigger::Interval {
                    every: SignedDuration::from_mins(10),
                },
                since: Timestamp::UNIX_EPOCH,
                last_due: None,
            };
            store.schedules.insert(schedule.id, schedule);
            Self(RefCell::new(store), seed)
        }
    }

    impl EngineStore for InMemory {
        async fn commit(&self, changes: &[RowChange]) -> Result<(), Refused> {
            self.0.borrow_mut().commit(changes).map_err(|_| Refused::Conflict)
        }

        async fn snapshot(&self) -> Snapshot {
            self.0.borrow().snapshot()
        }

        async fn flow_record(&self, flow: FlowId) -> Option<FlowRecord> {
            self.0.borrow().flow_record(flow)
        }

        async fn steps(&self, attempt: AttemptId) -> Vec<Step> {
            let store = self.0.borrow();
            let steps = store.steps.range((attempt, 0)..=(attempt, usize::MAX));
            steps.map(|(_, step)| step.clone()).collect()
        }

        fn seed(&self) -> SeedRows {
            self.1.clone()
        }
    }

    #[tokio::test]
    async fn the_store_in_memory_keeps_the_contract() {
        stories(&InMemory::new()).await;
        refusals(&InMemory::new()).await;
    }
}
