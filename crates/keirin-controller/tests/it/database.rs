//! The loop over a real database: what arrives together, and who may write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use keirin_controller::work::WorkError;
use keirin_controller::{StandaloneEngine, StoreJournal, run_standalone};
use keirin_engine::Rules;
use keirin_model::plan::Executor;
use keirin_model::{AgentId, AttemptId, BranchId, FlowId, Outcome, ProjectId, Status};
use keirin_store::Store;
use keirin_store::agents::NewAgent;
use keirin_store::engine::Epoch;
use keirin_store::projects::{NamedRepository, NewProject};

use crate::fixture::{self, Worker, start};

const TERM: Duration = Duration::from_secs(3600);

pub async fn project(store: &Store, name: &str, repository: &str) -> (ProjectId, BranchId) {
    let new = NewProject {
        name,
        repository: NamedRepository {
            address: repository,
            by_admin: true,
        },
        workflow_file: None,
        public: false,
        default_branch: "main",
    };
    let (project, branch) = store.create_project(&new, fixture::BEGIN).await.unwrap();
    (project.id, branch.id)
}

pub async fn agent(store: &Store, name: &str, slots: u32) -> AgentId {
    let new = NewAgent {
        name,
        secret_hash: name.as_bytes(),
        groups: &BTreeSet::new(),
        labels: &BTreeSet::new(),
        executors: &BTreeSet::from([Executor::Bare]),
        slots,
        authorised: true,
        host: &BTreeMap::new(),
        version: "0.1.0",
        registered_from: None,
    };
    store.register_agent(&new, fixture::BEGIN).await.unwrap().id
}

async fn alone(store: &Store, epoch: Epoch) -> StandaloneEngine {
    let journal = StoreJournal {
        store: store.clone(),
        epoch,
    };
    run_standalone(
        Arc::new(journal),
        fixture::directory(),
        Arc::new(Timestamp::now),
        Rules::default(),
    )
    .await
    .unwrap()
}

async fn epoch(store: &Store, holder: &str) -> Epoch {
    store.try_lead(holder, TERM).await.unwrap().unwrap().epoch
}

async fn status(store: &Store, flow: FlowId) -> Status {
    store.flow_record(flow).await.unwrap().flow.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_starts_claims_and_reports_at_once() {
    const FLOWS: usize = 60;
    const JOBS: usize = 4;
    let database = keirin_testkit::database().await;
    let store = database.store();
    let projects = [
        project(&store, "first", "https://example.org/first.git").await,
        project(&store, "second", "https://example.org/second.git").await,
    ];
    let mut agents = Vec::new();
    for number in 1..=8 {
        agents.push(agent(&store, &format!("agent-{number}"), 3).await);
    }
    let alone = alone(&store, epoch(&store, "test").await).await;
    let ended = Arc::new(tokio::sync::Semaphore::new(0));
    let workers: Vec<_> = agents
        .into_iter()
        .map(|id| {
            let (handle, ended) = (alone.handle.clone(), Arc::clone(&ended));
            tokio::spawn(async move {
                let mut worker = Worker::new(id, 3, &handle);
                loop {
                    let before = worker.ended.len();
                    worker.work().await;
                    ended.add_permits(worker.ended.len() - before);
                }
            })
        })
        .collect();
    let starts = (0..FLOWS).map(|number| start(&alone.handle, projects[number % 2], fixture::plan(JOBS)));
    let flows: Vec<FlowId> = join_all(starts).await.into_iter().map(Result::unwrap).collect();
    let all = u32::try_from(FLOWS * JOBS).unwrap();
    drop(ended.acquire_many(all).await.unwrap());
    workers.iter().for_each(tokio::task::JoinHandle::abort);
    for flow in flows {
        assert_eq!(status(&store, flow).await, Status::Finished(Outcome::Success));
    }
    assert!(store.snapshot().await.unwrap().flows.is_empty());
    let commits = *alone.commits.borrow();
    assert!(
        commits < (FLOWS + FLOWS * JOBS) as u64,
        "{commits} commits are no batches"
    );
}

#[tokio::test]
async fn a_deposed_leader_writes_nothing_and_its_successor_goes_on() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let project = project(&store, "first", "https://example.org/first.git").await;
    let agent = agent(&store, "one", 2).await;
    let lease = store.try_lead("first", TERM).await.unwrap().unwrap();
    let old = alone(&store, lease.epoch).await;
    let flow = start(&old.handle, project, fixture::plan(1)).await.unwrap();
    let mut worker = Worker::new(agent, 2, &old.handle);
    let claim = worker.next_claim();
    let attempt: AttemptId = old.handle.claim(agent, claim).await.unwrap().assignments[0].attempt;

    // Another server takes the lead, and the first does not know.
    store.release(&lease).await.unwrap();
    let other = database.another_store().await;
    let new = alone(&other, epoch(&other, "second").await).await;
    let refused = start(&old.handle, project, fixture::plan(1)).await;
    assert!(matches!(refused, Err(WorkError::Unavailable(_))), "{refused:?}");
    let gone = old.handle.ask(|_| ()).await;
    assert!(matches!(gone, Err(WorkError::Unavailable(_))), "{gone:?}");

    // The agent speaks to the new one, with the same attempt.
    new.handle.report(attempt, fixture::whole_story()).await.unwrap();
    assert_eq!(status(&store, flow).await, Status::Finished(Outcome::Success));
    let next = start(&new.handle, project, fixture::plan(1)).await.unwrap();
    assert_eq!(next.0, flow.0 + 1, "the deposed server's flow was never written");
}

#[tokio::test]
async fn an_engine_that_begins_anew_goes_on_with_what_the_database_has() {
    let database = keirin_testkit::database().await;
    let store = database.store();
    let project = project(&store, "first", "https://example.org/first.git").await;
    let id = agent(&store, "one", 1).await;
    let alone = alone(&store, epoch(&store, "test").await).await;
    let flow = start(&alone.handle, project, fixture::plan(1)).await.unwrap();
    let ghost = start(&alone.handle, (ProjectId(99), BranchId(99)), fixture::plan(1)).await;
    assert!(
        matches!(ghost, Err(WorkError::Unavailable(_))),
        "a project that is gone by now cannot have a flow: {ghost:?}"
    );
    let mut worker = Worker::new(id, 1, &alone.handle);
    assert_eq!(worker.work().await, 1);
    assert_eq!(status(&store, flow).await, Status::Finished(Outcome::Success));
}
