//! Commits that fail, and commits of which nobody knows: the engine begins anew, and nothing acknowledged is lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::join_all;
use keirin_controller::work::WorkError;
use keirin_controller::{
    CommitFailure, Journal, JournalError, MemoryJournal, StandaloneEngine, run_standalone,
};
use keirin_engine::{FlowRecord, RowChange, Rules, Snapshot};
use keirin_model::{AgentId, AttemptId, FlowId, Outcome, RunId, Status};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::fixture::{self, PROJECT, Worker, start, until_heard_of, with_agents};

/// What becomes of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Made,
    /// It is not made.
    Fails,
    /// It is made, and the answer is lost.
    Unknown,
    Deposed,
}

/// What becomes of a reading of the whole.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Good,
    Fails,
}

/// A journal in memory to which things happen.
struct Faulty {
    rows: MemoryJournal,
    fates: Mutex<Fates>,
}

#[derive(Default)]
struct Fates {
    commits: VecDeque<Fate>,
    readings: VecDeque<Reading>,
    readings_done: usize,
}

impl Faulty {
    fn new(rows: MemoryJournal, commits: impl IntoIterator<Item = Fate>) -> Arc<Self> {
        Arc::new(Self {
            rows,
            fates: Mutex::new(Fates {
                commits: commits.into_iter().collect(),
                ..Fates::default()
            }),
        })
    }

    fn readings(&self) -> usize {
        self.fates.lock().unwrap().readings_done
    }

    fn next(&self, fate: Fate) {
        self.fates.lock().unwrap().commits.push_back(fate);
    }
}

#[async_trait]
impl Journal for Faulty {
    async fn snapshot(&self) -> Result<Snapshot, JournalError> {
        let reading = {
            let mut fates = self.fates.lock().unwrap();
            fates.readings_done += 1;
            fates.readings.pop_front().unwrap_or(Reading::Good)
        };
        match reading {
            Reading::Good => self.rows.snapshot().await,
            Reading::Fails => Err(JournalError("the database starts up".into())),
        }
    }

    async fn flow_record(&self, flow: FlowId) -> Result<Option<FlowRecord>, JournalError> {
        self.rows.flow_record(flow).await
    }

    async fn flow_of_run(&self, run: RunId) -> Result<Option<FlowId>, JournalError> {
        self.rows.flow_of_run(run).await
    }

    async fn commit(&self, changes: &[RowChange]) -> Result<(), CommitFailure> {
        let fate = self
            .fates
            .lock()
            .unwrap()
            .commits
            .pop_front()
            .unwrap_or(Fate::Made);
        // Others get a turn meanwhile, as they do while a real database works.
        tokio::task::yield_now().await;
        match fate {
            Fate::Made => self.rows.commit(changes).await,
            Fate::Fails => Err(CommitFailure::Uncertain("the connection broke".into())),
            Fate::Unknown => {
                self.rows.commit(changes).await?;
                Err(CommitFailure::Uncertain("the answer was lost".into()))
            }
            Fate::Deposed => Err(CommitFailure::Deposed),
        }
    }
}

async fn alone(journal: &Arc<Faulty>) -> StandaloneEngine {
    run_standalone(
        Arc::clone(journal),
        fixture::directory(),
        fixture::clock(),
        Rules::default(),
    )
    .await
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_asked_is_told_when_the_commit_failed_and_can_ask_again() {
    let journal = Faulty::new(MemoryJournal::new(with_agents(1, 1)), [Fate::Fails]);
    let alone = alone(&journal).await;
    let refused = start(&alone.handle, PROJECT, fixture::plan(1)).await;
    assert!(matches!(refused, Err(WorkError::Unavailable(_))), "{refused:?}");
    assert!(journal.rows.read(|store| store.flows.is_empty()));
    let flow = start(&alone.handle, PROJECT, fixture::plan(1)).await.unwrap();
    assert_eq!(flow, FlowId(1), "what was not written is not counted");
    assert_eq!(journal.readings(), 2, "the engine began anew");
}

#[tokio::test(start_paused = true)]
async fn what_was_written_without_an_answer_is_known_afterwards() {
    let journal = Faulty::new(MemoryJournal::new(with_agents(1, 1)), [Fate::Unknown]);
    let alone = alone(&journal).await;
    let unknown = start(&alone.handle, PROJECT, fixture::plan(1)).await;
    assert!(matches!(unknown, Err(WorkError::Unavailable(_))), "{unknown:?}");
    let mut worker = Worker::new(AgentId(1), 1, &alone.handle);
    assert_eq!(worker.work().await, 1, "the flow is there, and its job runs");
    assert_eq!(
        journal.rows.read(|store| store.flows[&FlowId(1)].status),
        Status::Finished(Outcome::Success)
    );
}

#[tokio::test(start_paused = true)]
async fn claims_that_wait_are_answered_when_the_engine_begins_anew() {
    let journal = Faulty::new(MemoryJournal::new(with_agents(1, 1)), []);
    let alone = alone(&journal).await;
    let mut worker = Worker::new(AgentId(1), 1, &alone.handle);
    let (handle, claim) = (alone.handle.clone(), worker.next_claim());
    let claiming = tokio::spawn(async move { handle.claim(AgentId(1), claim).await });
    until_heard_of(&alone.handle, 1).await;
    journal.next(Fate::Fails);
    let began = tokio::time::Instant::now();
    drop(start(&alone.handle, PROJECT, fixture::plan(1)).await);
    let claimed = claiming.await.unwrap();
    assert!(claimed.is_err() || claimed.is_ok_and(|claimed| claimed.assignments.is_empty()));
    assert!(began.elapsed().is_zero(), "the agent can claim again at once");
}

#[tokio::test(start_paused = true)]
async fn an_assignment_whose_commit_is_unknown_reaches_no_agent_and_is_made_again() {
    let journal = Faulty::new(MemoryJournal::new(with_agents(1, 1)), [Fate::Made, Fate::Unknown]);
    let alone = alone(&journal).await;
    let flow = start(&alone.handle, PROJECT, fixture::plan(1)).await.unwrap();
    let mut worker = Worker::new(AgentId(1), 1, &alone.handle);
    assert_eq!(worker.work().await, 0, "nothing is told that may not be written");
    assert_eq!(worker.work().await, 1);
    let outcomes: Vec<Status> = journal
        .rows
        .read(|store| store.attempts.values().map(|attempt| attempt.status).collect());
    assert_eq!(
        outcomes,
        [
            Status::Finished(Outcome::Lost),
            Status::Finished(Outcome::Success)
        ],
        "the one that nobody ever got is lost"
    );
    assert_eq!(
        journal.rows.read(|store| store.flows[&flow].status),
        Status::Finished(Outcome::Success)
    );
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_read_is_read_until_it_can() {
    let journal = Faulty::new(MemoryJournal::new(with_agents(1, 1)), [Fate::Fails]);
    let alone = alone(&journal).await;
    journal.fates.lock().unwrap().readings = VecDeque::from([Reading::Fails; 3]);
    drop(start(&alone.handle, PROJECT, fixture::plan(1)).await);
    start(&alone.handle, PROJECT, fixture::plan(1)).await.unwrap();
    assert_eq!(journal.readings(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_was_deposed_stops_at_once_and_says_so() {
    let journal = Faulty::new(
        MemoryJournal::new(with_agents(1, 1)),
        [Fate::Made, Fate::Made, Fate::Deposed],
    );
    let alone = alone(&journal).await;
    start(&alone.handle, PROJECT, fixture::plan(1)).await.unwrap();
    let mut worker = Worker::new(AgentId(1), 1, &alone.handle);
    let claim = worker.next_claim();
    let attempt = alone.handle.claim(AgentId(1), claim).await.unwrap().assignments[0].attempt;
    assert!(alone.handle.live().get(attempt).unwrap().is_some());
    let refused = start(&alone.handle, PROJECT, fixture::plan(1)).await;
    assert!(matches!(refused, Err(WorkError::Unavailable(_))), "{refused:?}");
    let after = alone.handle.ask(|_| ()).await;
    assert!(matches!(after, Err(WorkError::Unavailable(_))), "{after:?}");
    let live = alone.handle.live().get(attempt);
    assert!(
        matches!(live, Err(WorkError::Unavailable(_))),
        "another server speaks for it now, and this one must not say that it is lost: {live:?}"
    );
    assert_eq!(journal.rows.read(|store| store.flows.len()), 1);
}

/// One in three commits goes wrong; what was acknowledged is there at the end all the same.
#[tokio::test(start_paused = true)]
async fn nothing_that_was_acknowledged_is_lost() {
    const FLOWS: usize = 12;
    for seed in 0..60 {
        let mut rng = StdRng::seed_from_u64(seed);
        let fates: Vec<Fate> = (0..40)
            .map(|_| match rng.random_range(0..6) {
                0 => Fate::Fails,
                1 => Fate::Unknown,
                _ => Fate::Made,
            })
            .collect();
        let journal = Faulty::new(MemoryJournal::new(with_agents(3, 2)), fates);
        let alone = alone(&journal).await;
        let workers: Vec<_> = (1..=3)
            .map(|id| {
                let handle = alone.handle.clone();
                tokio::spawn(async move {
                    let mut worker = Worker::new(AgentId(id), 2, &handle);
                    // Two answers in a row with nothing in them, so that one to a broken batch does not end the work.
                    let mut idle = 0;
                    while idle < 60 {
                        idle = if worker.work().await == 0 { idle + 1 } else { 0 };
                    }
                    worker.ended
                })
            })
            .collect();
        let starts = (0..FLOWS).map(|_| async {
            loop {
                match start(&alone.handle, PROJECT, fixture::plan(2)).await {
                    Ok(flow) => return flow,
                    Err(WorkError::Unavailable(_)) => tokio::task::yield_now().await,
                    Err(other) => panic!("seed {seed}: a start was answered with {other:?}"),
                }
            }
        });
        let flows: BTreeSet<FlowId> = join_all(starts).await.into_iter().collect();
        let ended: Vec<AttemptId> = join_all(workers)
            .await
            .into_iter()
            .flat_map(Result::unwrap)
            .collect();
        assert_eq!(
            flows.len(),
            FLOWS,
            "seed {seed}: each start got a flow of its own"
        );
        journal.rows.read(|store| {
            for flow in &flows {
                assert_eq!(
                    store.flows[flow].status,
                    Status::Finished(Outcome::Success),
                    "seed {seed}: flow {flow} was acknowledged"
                );
            }
            for attempt in &ended {
                assert_eq!(
                    store.attempts[attempt].status,
                    Status::Finished(Outcome::Success),
                    "seed {seed}: the end of attempt {attempt} was acknowledged"
                );
            }
            let open = store
                .flows
                .values()
                .filter(|flow| !flow.status.is_finished())
                .count();
            assert_eq!(
                open, 0,
                "seed {seed}: also what was written without an answer ends"
            );
            let mut good: BTreeMap<_, u32> = BTreeMap::new();
            for attempt in store.attempts.values() {
                let success = attempt.status == Status::Finished(Outcome::Success);
                *good.entry(attempt.job).or_default() += u32::from(success);
            }
            assert!(
                good.values().all(|count| *count == 1),
                "seed {seed}: each job succeeded once"
            );
        });
    }
}
