//! The store in memory keeps the promises that the database keeps.

use std::cell::RefCell;

use keirin_engine::memory::MemoryStore;
use keirin_engine::{FlowRecord, RowChange, Snapshot};
use keirin_model::flow::Step;
use keirin_model::trigger::{Schedule, TimedTrigger};
use keirin_model::{AgentId, AttemptId, BranchId, FlowId, ProjectId, ScheduleId};
use keirin_testkit::contract::{EngineStore, Refused, SeedRows, random_changes, refusals, stories};

use crate::fixture;

struct InMemory(RefCell<MemoryStore>);

impl InMemory {
    fn new() -> Self {
        let mut store = fixture::with_agents(2, 4);
        let schedule = Schedule {
            id: ScheduleId(1),
            project: ProjectId(1),
            branch: BranchId(1),
            workflow: "default".to_owned(),
            trigger: TimedTrigger::Date { at: fixture::BEGIN },
            since: fixture::BEGIN,
            last_due: None,
        };
        store.schedules.insert(schedule.id, schedule);
        Self(RefCell::new(store))
    }
}

impl EngineStore for InMemory {
    async fn commit(&self, changes: &[RowChange]) -> Result<(), Refused> {
        let committed = self.0.borrow_mut().commit(changes);
        committed.map_err(|_| Refused::Conflict)
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
        SeedRows {
            branches: vec![(ProjectId(1), BranchId(1)), (ProjectId(2), BranchId(2))],
            agents: vec![AgentId(1), AgentId(2)],
            schedules: vec![ScheduleId(1)],
        }
    }
}

#[tokio::test]
async fn what_was_committed_is_read_back() {
    stories(&InMemory::new()).await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_all_that_came_with_it() {
    refusals(&InMemory::new()).await;
}

#[tokio::test]
async fn random_changes_end_as_they_should() {
    for seed in 0..20 {
        random_changes(&InMemory::new(), seed, 40).await;
    }
}
