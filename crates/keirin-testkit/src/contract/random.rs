//! Random changes, valid and not, made in a store and in a store in memory at once: both must end up the same.

use std::collections::BTreeSet;

use jiff::Timestamp;
use keirin_engine::memory::MemoryStore;
use keirin_engine::{Move, RowChange};
use keirin_model::flow::Exit;
use keirin_model::{AttemptId, FlowId, Outcome, Status};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use strum::VariantArray as _;

use super::stories::assert_same;
use super::{EngineStore, Refused, SampleRows, SeedRows};

/// Makes so many commits, drawn from this seed, and compares after each.
///
/// # Panics
/// The two stores differ; the message names the seed.
pub async fn random_changes(store: &impl EngineStore, seed: u64, commits: usize) {
    let before = store.snapshot().await;
    assert!(before.flows.is_empty(), "the store is empty at first");
    let mut drawn = Drawn {
        rng: StdRng::seed_from_u64(seed),
        sample: SampleRows::after(&before, Timestamp::constant(1_760_000_000, 0)),
        seed: store.seed(),
        expected: MemoryStore {
            agents: before
                .agents
                .iter()
                .map(|agent| (agent.id, agent.clone()))
                .collect(),
            schedules: before
                .schedules
                .iter()
                .map(|schedule| (schedule.id, schedule.clone()))
                .collect(),
            ..MemoryStore::default()
        },
    };
    for commit in 1..=commits {
        let when = format!("seed {seed}, commit {commit}");
        let changes = drawn.changes();
        let expected = drawn.expected.commit(&changes).map_err(|_| Refused::Conflict);
        let refused = store.commit(&changes).await;
        assert_eq!(refused, expected, "{when}: {changes:#?}");
        assert_same(&store.snapshot().await, &drawn.expected.snapshot(), &when);
        drawn.compare_details(store, &changes, &when).await;
    }
}

struct Drawn {
    rng: StdRng,
    sample: SampleRows,
    seed: SeedRows,
    expected: MemoryStore,
}

impl Drawn {
    /// The changes of one commit. They are drawn against a copy of the rows that moves with them, so that they fit
    /// one another; some commits get one that does not.
    fn changes(&mut self) -> Vec<RowChange> {
        let mut rows = self.expected.clone();
        let mut changes = Vec::new();
        for _ in 0..self.rng.random_range(1..12) {
            let more = self.happening(&rows);
            rows.commit(&more).expect("what is drawn fits the rows");
            changes.extend(more);
        }
        if self.rng.random_ratio(1, 6) {
            let place = self.rng.random_range(0..=changes.len());
            let unfit = self.unfit();
            changes.splice(place..place, unfit);
        }
        changes
    }

    fn happening(&mut self, rows: &MemoryStore) -> Vec<RowChange> {
        let at = self.sample.now();
        let kind = self.rng.random_range(0..12);
        let change = match kind {
            0 => None,
            1 | 2 => self.flow(rows).map(|id| {
                let to = self.status(false);
                RowChange::MoveFlow(moved(id, rows.flows[&id].status, to, at))
            }),
            3 => self.pick(rows.runs.keys()).map(|id| {
                let to = self.status(true);
                RowChange::MoveRun(moved(id, rows.runs[&id].status, to, at))
            }),
            4 => self.pick(rows.runs.keys()).map(|run| RowChange::ReleaseRun {
                run,
                released: self.rng.random(),
            }),
            5 | 6 => self.pick(rows.jobs.keys()).map(|id| {
                let to = self.status(true);
                RowChange::MoveJob(moved(id, rows.jobs[&id].status, to, at))
            }),
            7 => self.pick(rows.jobs.keys()).map(|job| {
                if self.rng.random() {
                    RowChange::QueueJob {
                        job,
                        at,
                        lost: self.rng.random_range(0..4),
                    }
                } else {
                    RowChange::StopJob {
                        job,
                        outcome: self.outcome(),
                    }
                }
            }),
            8 => self.pick(rows.jobs.keys()).map(|job| {
                let earlier = rows.attempts.values().filter(|attempt| attempt.job == job);
                let number = earlier.map(|attempt| attempt.number).max().unwrap_or(0) + 1;
                let agent = self
                    .pick(self.seed.agents.clone().iter())
                    .expect("there are agents");
                RowChange::AddAttempt(self.sample.attempt(job, number, agent))
            }),
            9 => self.attempt(rows).map(|id| {
                let from = rows.attempts[&id].status;
                let to = match from {
                    Status::Waiting if self.rng.random() => Status::Running,
                    _ => Status::Finished(self.outcome()),
                };
                RowChange::MoveAttempt {
                    moved: moved(id, from, to, at),
                    exit: self.exit(),
                    message: self.message(),
                }
            }),
            10 => self.attempt(rows).map(|attempt| {
                let index = self.rng.random_range(0..3);
                if self.rng.random() {
                    RowChange::StartStep { attempt, index, at }
                } else {
                    RowChange::FinishStep {
                        attempt,
                        index,
                        outcome: self.outcome(),
                        exit: self.exit(),
                        message: self.message(),
                        at,
                    }
                }
            }),
            _ => self.attempt(rows).map(|attempt| {
                if self.rng.random() {
                    RowChange::Acknowledge {
                        attempt,
                        sequence: self.rng.random_range(0..1000),
                    }
                } else {
                    let schedule = self.pick(self.seed.schedules.clone().iter());
                    RowChange::ScheduleDone {
                        schedule: schedule.expect("there is a schedule"),
                        due: at,
                    }
                }
            }),
        };
        // Where there is nothing yet to which this could happen, a flow is made.
        change.map_or_else(|| self.new_flow(), |change| vec![change])
    }

    fn new_flow(&mut self) -> Vec<RowChange> {
        let branch = self.seed.branches.choose(&mut self.rng).copied();
        let (stages, jobs) = (self.rng.random_range(1..4), self.rng.random_range(1..4));
        self.sample
            .flow_changes(branch.expect("there are branches"), stages, jobs)
            .3
    }

    /// A change that contradicts what is there now, whatever else is in the commit.
    fn unfit(&mut self) -> Vec<RowChange> {
        let at = self.sample.now();
        match self.rng.random_range(0..3) {
            0 => vec![RowChange::MoveFlow(moved(
                FlowId(i64::MAX),
                Status::Waiting,
                Status::Running,
                at,
            ))],
            1 => {
                let mut changes = self.new_flow();
                changes.push(changes[0].clone());
                changes
            }
            _ => vec![RowChange::Acknowledge {
                attempt: AttemptId(i64::MAX),
                sequence: 1,
            }],
        }
    }

    /// Compares what a snapshot does not show: the steps of the attempts that were touched, and finished flows.
    async fn compare_details(&self, store: &impl EngineStore, changes: &[RowChange], when: &str) {
        let mut attempts = BTreeSet::new();
        let mut flows = BTreeSet::new();
        for change in changes {
            match change {
                RowChange::StartStep { attempt, .. } | RowChange::FinishStep { attempt, .. } => {
                    attempts.insert(*attempt);
                }
                RowChange::MoveFlow(moved) => {
                    flows.insert(moved.id);
                }
                _ => {}
            }
        }
        for attempt in attempts {
            let steps = self.expected.steps.range((attempt, 0)..=(attempt, usize::MAX));
            let expected: Vec<_> = steps.map(|(_, step)| step.clone()).collect();
            assert_eq!(
                store.steps(attempt).await,
                expected,
                "steps of attempt {attempt}: {when}"
            );
        }
        for flow in flows {
            assert_eq!(
                store.flow_record(flow).await,
                self.expected.flow_record(flow),
                "flow {flow}: {when}"
            );
        }
    }

    fn pick<'a, Id: Copy + 'a>(&mut self, ids: impl Iterator<Item = &'a Id>) -> Option<Id> {
        let ids: Vec<_> = ids.copied().collect();
        ids.choose(&mut self.rng).copied()
    }

    fn flow(&mut self, rows: &MemoryStore) -> Option<FlowId> {
        self.pick(rows.flows.keys())
    }

    /// An attempt that is not over.
    fn attempt(&mut self, rows: &MemoryStore) -> Option<AttemptId> {
        let live = rows
            .attempts
            .iter()
            .filter(|(_, attempt)| !attempt.status.is_finished());
        let ids: Vec<_> = live.map(|(id, _)| *id).collect();
        ids.choose(&mut self.rng).copied()
    }

    fn status(&mut self, can_be_manual: bool) -> Status {
        match self.rng.random_range(0..5) {
            0 => Status::Waiting,
            1 if can_be_manual => Status::Manual,
            1 | 2 => Status::Running,
            _ => Status::Finished(self.outcome()),
        }
    }

    fn outcome(&mut self) -> Outcome {
        Outcome::VARIANTS
            .choose(&mut self.rng)
            .copied()
            .expect("there are outcomes")
    }

    fn exit(&mut self) -> Exit {
        match self.rng.random_range(0..3) {
            0 => Exit::default(),
            1 => Exit {
                code: Some(self.rng.random_range(0..256)),
                signal: None,
            },
            _ => Exit {
                code: None,
                signal: Some(9),
            },
        }
    }

    fn message(&mut self) -> Option<String> {
        self.rng
            .random::<bool>()
            .then(|| "it's \"so\"\n\\ and ü".to_owned())
    }
}

fn moved<Id>(id: Id, from: Status, to: Status, at: Timestamp) -> Move<Id> {
    Move { id, from, to, at }
}
