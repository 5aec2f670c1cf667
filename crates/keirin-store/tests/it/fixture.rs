//! What tests of the engine's rows stand on: two projects, two agents and a schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keirin_engine::{FlowRecord, RowChange, Snapshot};
use keirin_model::flow::Step;
use keirin_model::plan::Executor;
use keirin_model::trigger::TimedTrigger;
use keirin_model::{AgentId, AttemptId, BranchId, FlowId, ProjectId};
use keirin_store::agents::NewAgent;
use keirin_store::engine::{CommitError, LeaderLease};
use keirin_store::projects::{NamedRepository, NewProject};
use keirin_store::{Store, StoreError};
use keirin_testkit::contract::{EngineStore, Refused, SeedRows};

pub(crate) fn now() -> Timestamp {
    Timestamp::constant(1_760_000_000, 0)
}

pub(crate) const TERM: Duration = Duration::from_secs(3600);

/// A leader's store with something to work on.
pub(crate) struct Led {
    pub(crate) store: Store,
    pub(crate) lease: LeaderLease,
    pub(crate) seed: SeedRows,
}

pub(crate) async fn project(store: &Store, name: &str) -> (ProjectId, BranchId) {
    let new = NewProject {
        name,
        repository: NamedRepository {
            address: "https://example.org/repository.git",
            by_admin: false,
        },
        workflow_file: None,
        public: false,
        default_branch: "main",
    };
    let (project, branch) = store.create_project(&new, now()).await.unwrap();
    (project.id, branch.id)
}

pub(crate) async fn agent(store: &Store, name: &str) -> AgentId {
    let new = NewAgent {
        name,
        secret_hash: name.as_bytes(),
        groups: &BTreeSet::from(["fast".to_owned()]),
        labels: &BTreeSet::from(["linux".to_owned()]),
        executors: &BTreeSet::from([Executor::Bare, Executor::Docker]),
        slots: 4,
        authorised: true,
        host: &BTreeMap::new(),
        version: "0.1.0",
        registered_from: None,
    };
    store.register_agent(&new, now()).await.unwrap().id
}

pub(crate) async fn led(store: Store) -> Led {
    let branches = vec![project(&store, "first").await, project(&store, "second").await];
    let agents = vec![agent(&store, "one").await, agent(&store, "two").await];
    let trigger = TimedTrigger::Interval {
        every: SignedDuration::from_mins(10),
    };
    let schedules = store
        .replace_schedules(branches[0].1, "default", &[trigger], now())
        .await
        .unwrap();
    let lease = store
        .try_lead("test", TERM)
        .await
        .unwrap()
        .expect("nobody else leads");
    Led {
        store,
        lease,
        seed: SeedRows {
            branches,
            agents,
            schedules: schedules.iter().map(|schedule| schedule.id).collect(),
        },
    }
}

impl EngineStore for Led {
    async fn commit(&self, changes: &[RowChange]) -> Result<(), Refused> {
        match self.store.commit(self.lease.epoch, changes).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict { .. }) => Err(Refused::Conflict),
            Err(error) => Err(Refused::Failure(format!("{error:?}"))),
        }
    }

    async fn snapshot(&self) -> Snapshot {
        self.store.snapshot().await.unwrap()
    }

    async fn flow_record(&self, flow: FlowId) -> Option<FlowRecord> {
        match self.store.flow_record(flow).await {
            Ok(record) => Some(record),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    async fn steps(&self, attempt: AttemptId) -> Vec<Step> {
        self.store.steps(attempt).await.unwrap()
    }

    fn seed(&self) -> SeedRows {
        self.seed.clone()
    }
}
