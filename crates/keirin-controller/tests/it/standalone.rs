//! The loop over memory: batches, claims that wait, claims that are given up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use keirin_controller::work::WorkError;
use keirin_controller::{MemoryJournal, StandaloneEngine, run_standalone};
use keirin_engine::{CancelTarget, EngineEvent, Rules};
use keirin_model::access::Role;
use keirin_model::plan::Start;
use keirin_model::{AgentId, AttemptId, FlowId, Outcome, Status};
use keirin_wire::agent::POLL_SECONDS;

use crate::fixture::{self, PROJECT, Worker, agent, start, until_heard_of, whole_story, with_agents};

async fn alone(journal: &MemoryJournal) -> StandaloneEngine {
    run_standalone(
        Arc::new(journal.clone()),
        fixture::directory(),
        fixture::clock(),
        Rules::default(),
    )
    .await
    .unwrap()
}

fn status(journal: &MemoryJournal, flow: FlowId) -> Status {
    journal.read(|store| store.flows[&flow].status)
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_waits_is_answered_the_moment_a_job_comes() {
    let journal = MemoryJournal::new(with_agents(1, 1));
    let alone = alone(&journal).await;
    let mut worker = Worker::new(AgentId(1), 1, &alone.handle);
    let (handle, claim) = (alone.handle.clone(), worker.next_claim());
    let claiming = tokio::spawn(async move { handle.claim(AgentId(1), claim).await });
    until_heard_of(&alone.handle, 1).await;
    assert!(!claiming.is_finished());
    let began = tokio::time::Instant::now();
    start(&alone.handle, PROJECT, fixture::plan(1)).await.unwrap();
    let claimed = claiming.await.unwrap().unwrap();
    assert_eq!(claimed.assignments.len(), 1);
    assert_eq!(began.elapsed(), Duration::ZERO, "nothing waited for time to pass");
}

#[tokio::test(start_paused = true)]
async fn a_claim_for_which_there_is_nothing_is_answered_in_the_end() {
    let journal = MemoryJournal::new(with_agents(1, 1));
    let alone = alone(&journal).await;
    let began = tokio::time::Instant::now();
    let mut worker = Worker::new(AgentId(1), 1, &alone.handle);
    assert_eq!(worker.work().await, 0);
    assert_eq!(began.elapsed().as_secs(), POLL_SECONDS);
}

#[tokio::test(start_paused = true)]
async fn a_job_does_not_go_to_a_claim_that_was_given_up() {
    let journal = MemoryJournal::new(with_agents(2, 1));
    let alone = alone(&journal).await;
    let mut gone = Worker::new(AgentId(1), 1, &alone.handle);
    let mut claiming = Box::pin(alone.handle.claim(AgentId(1), gone.next_claim()));
    assert!(poll_once(&mut claiming).await.is_none());
    until_heard_of(&alone.handle, 1).await;
    drop(claiming);
    let flow = start(&alone.handle, PROJECT, fixture::plan(1)).await.unwrap();
    assert!(
        journal.read(|store| store.attempts.is_empty()),
        "the connection is gone"
    );
    let mut other = Worker::new(AgentId(2), 1, &alone.handle);
    assert_eq!(other.work().await, 1);
    assert_eq!(status(&journal, flow), Status::Finished(Outcome::Success));
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        let polled = std::pin::Pin::new(&mut *future).poll(context);
        std::task::Poll::Ready(match polled {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_claim_broke_off_at_the_last_moment_is_given_to_the_next() {
    let journal = MemoryJournal::new(with_agents(1, 1));
    let alone = alone(&journal).await;
    let flow = start(&alone.handle, PROJECT, fixture::plan(1)).await.unwrap();
    let mut worker = Worker::new(AgentId(1), 1, &alone.handle);
    let mut claiming = Box::pin(alone.handle.claim(AgentId(1), worker.next_claim()));
    assert!(poll_once(&mut claiming).await.is_none());
    until_heard_of(&alone.handle, 1).await;
    assert_eq!(journal.read(|store| store.attempts.len()), 1, "it was given");
    drop(claiming);
    assert_eq!(worker.work().await, 1);
    assert_eq!(
        journal.read(|store| store.attempts.len()),
        1,
        "and it is the same attempt"
    );
    assert_eq!(status(&journal, flow), Status::Finished(Outcome::Success));
}

#[tokio::test(start_paused = true)]
async fn two_claims_of_an_agent_at_once_are_one_answer() {
    let journal = MemoryJournal::new(with_agents(1, 2));
    let alone = alone(&journal).await;
    start(&alone.handle, PROJECT, fixture::plan(1)).await.unwrap();
    let mut worker = Worker::new(AgentId(1), 2, &alone.handle);
    let (first, second) = (worker.next_claim(), worker.next_claim());
    let (first, second) = tokio::join!(
        alone.handle.claim(AgentId(1), first),
        alone.handle.claim(AgentId(1), second)
    );
    assert!(first.unwrap().assignments.is_empty(), "the later claim counts");
    assert_eq!(second.unwrap().assignments.len(), 1);
    // The agent has heard of it by the second answer, and goes on.
    let attempt = journal.read(|store| *store.attempts.keys().next().unwrap());
    alone.handle.report(attempt, whole_story()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_arrives_together_is_committed_together() {
    const FLOWS: usize = 400;
    const AGENTS: i64 = 20;
    let journal = MemoryJournal::new(with_agents(AGENTS, 3));
    let alone = alone(&journal).await;
    let workers = (1..=AGENTS).map(|id| {
        let handle = alone.handle.clone();
        tokio::spawn(async move {
            let mut worker = Worker::new(AgentId(id), 3, &handle);
            // An answer with nothing in it means that there has been no work for as long as a claim waits.
            while worker.work().await > 0 {}
            worker.ended
        })
    });
    let workers: Vec<_> = workers.collect();
    let starts = (0..FLOWS).map(|_| start(&alone.handle, PROJECT, fixture::plan(3)));
    let flows: Vec<FlowId> = join_all(starts).await.into_iter().map(Result::unwrap).collect();
    let ended: Vec<AttemptId> = join_all(workers)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    assert_eq!(ended.len(), FLOWS * 3);
    let unique: BTreeSet<FlowId> = flows.iter().copied().collect();
    assert_eq!(unique.len(), FLOWS);
    for flow in flows {
        assert_eq!(status(&journal, flow), Status::Finished(Outcome::Success));
    }
    let numbers: BTreeSet<i64> = journal.read(|store| store.flows.values().map(|flow| flow.number).collect());
    assert_eq!(numbers, (1..=FLOWS as i64).collect());
    let commits = *alone.commits.borrow();
    assert!(
        commits < (FLOWS + FLOWS * 3) as u64,
        "{commits} commits for {FLOWS} starts and {} ends are no batches",
        FLOWS * 3
    );
    let held = alone.handle.live().get(ended[0]).unwrap();
    assert_eq!(held, None, "nobody holds anything");
}

#[tokio::test(start_paused = true)]
async fn finished_flows_are_read_back_to_go_on() {
    let journal = MemoryJournal::new(with_agents(1, 1));
    let alone = alone(&journal).await;
    let mut worker = Worker::new(AgentId(1), 1, &alone.handle);
    let mut plan = fixture::plan(1);
    let mut deploy = plan.stages[0].clone();
    deploy.name = "deploy".to_owned();
    deploy.start = Start::Manual { role: Role::Admin };
    plan.stages.push(deploy);
    let flow = start(&alone.handle, PROJECT, plan).await.unwrap();
    worker.work().await;
    let manual = journal.read(|store| store.runs.values().next_back().unwrap().id);
    assert_eq!(status(&journal, flow), Status::Finished(Outcome::Success));

    alone.handle.start_run(manual).await.unwrap();
    assert_eq!(status(&journal, flow), Status::Running);
    let twice = alone.handle.start_run(manual).await;
    assert!(matches!(twice, Err(WorkError::Conflict(_))), "{twice:?}");
    let early = alone.handle.rerun(flow, false).await;
    assert!(matches!(early, Err(WorkError::Conflict(_))), "{early:?}");
    worker.work().await;
    assert_eq!(status(&journal, flow), Status::Finished(Outcome::Success));

    alone.handle.rerun(flow, false).await.unwrap();
    assert_eq!(status(&journal, flow), Status::Running);
    alone.handle.cancel(CancelTarget::Flow(flow)).await.unwrap();
    assert_eq!(status(&journal, flow), Status::Finished(Outcome::Cancelled));
    let nobody = alone.handle.rerun(FlowId(999), true).await;
    assert!(nobody.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_not_known_is_told_so() {
    let journal = MemoryJournal::new(with_agents(0, 1));
    let alone = alone(&journal).await;
    let mut worker = Worker::new(AgentId(7), 1, &alone.handle);
    let claim = worker.next_claim();
    let refused = alone.handle.claim(AgentId(7), claim).await;
    assert!(matches!(refused, Err(WorkError::NotFound(_))), "{refused:?}");
    alone
        .handle
        .step(EngineEvent::AgentChanged(agent(7, 1)))
        .await
        .unwrap();
    start(&alone.handle, PROJECT, fixture::plan(1)).await.unwrap();
    assert_eq!(worker.work().await, 1);
}

#[tokio::test(start_paused = true)]
async fn time_limits_are_kept_with_nobody_talking() {
    let journal = MemoryJournal::new(with_agents(1, 1));
    let alone = alone(&journal).await;
    let mut plan = fixture::plan(1);
    plan.stages[0].jobs[0].retry.lost = 0;
    let flow = start(&alone.handle, PROJECT, plan).await.unwrap();
    let mut worker = Worker::new(AgentId(1), 1, &alone.handle);
    let claim = worker.next_claim();
    let claimed = alone.handle.claim(AgentId(1), claim).await.unwrap();
    let attempt = claimed.assignments[0].attempt;
    let mut started = whole_story();
    started.events.truncate(1);
    alone.handle.report(attempt, started).await.unwrap();
    let mut commits = alone.commits.clone();
    while status(&journal, flow) == Status::Running {
        commits.changed().await.unwrap();
    }
    assert_eq!(status(&journal, flow), Status::Finished(Outcome::Lost));
    let late = alone.handle.report(attempt, whole_story()).await;
    assert!(matches!(late, Err(WorkError::LeaseLost)), "{late:?}");
}
