//! Figures, not checks: run with `--ignored --nocapture`, in a release build, on a server whose commits are durable.

use std::time::{Duration, Instant};

use keirin_engine::{Move, RowChange};
use keirin_model::flow::Exit;
use keirin_model::{Outcome, Status};
use keirin_postgres::{Cluster, ClusterOptions};
use keirin_store::Store;
use keirin_testkit::contract::{EngineStore, SampleRows};

use crate::fixture::{Led, led, now};

async fn durable() -> (tempfile::TempDir, Cluster, Led) {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start_or_join(ClusterOptions::new(folder.path()))
        .await
        .unwrap();
    let store = Store::connect_with(cluster.connect_options()).await.unwrap();
    store.migrate().await.unwrap();
    let led = led(store).await;
    (folder, cluster, led)
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let begin = Instant::now();
    let done = work.await;
    (begin.elapsed(), done)
}

/// All that is committed for flows of one job of two steps, from trigger to end, as a busy engine does it: each commit
/// has so many of them, each at another point of its life.
async fn lifecycles(led: &Led, together: usize, rounds: usize) -> f64 {
    let mut sample = SampleRows::after(&led.snapshot().await, now());
    let mut total = Duration::ZERO;
    for _ in 0..rounds {
        let mut stages: [Vec<RowChange>; 4] = Default::default();
        for _ in 0..together {
            let (flow, runs, jobs, added) = sample.flow_changes(led.seed.branches[0], 1, 1);
            let attempt = sample.attempt(jobs[0].id, 1, led.seed.agents[0]);
            let at = sample.now();
            let success = Status::Finished(Outcome::Success);
            macro_rules! moved {
                ($id:expr, $from:expr, $to:expr) => {
                    Move {
                        id: $id,
                        from: $from,
                        to: $to,
                        at,
                    }
                };
            }
            let finish_step = |index| RowChange::FinishStep {
                attempt: attempt.id,
                index,
                outcome: Outcome::Success,
                exit: Exit {
                    code: Some(0),
                    signal: None,
                },
                message: None,
                at,
            };
            let start_step = |index| RowChange::StartStep {
                attempt: attempt.id,
                index,
                at,
            };
            let move_attempt = |from, to| RowChange::MoveAttempt {
                moved: moved!(attempt.id, from, to),
                exit: Exit::default(),
                message: None,
            };
            stages[0].extend(added);
            stages[0].extend([
                RowChange::MoveFlow(moved!(flow.id, Status::Waiting, Status::Running)),
                RowChange::MoveRun(moved!(runs[0].id, Status::Waiting, Status::Running)),
                RowChange::QueueJob {
                    job: jobs[0].id,
                    at,
                    lost: 0,
                },
                RowChange::AddAttempt(attempt.clone()),
            ]);
            stages[1].extend([
                move_attempt(Status::Waiting, Status::Running),
                RowChange::MoveJob(moved!(jobs[0].id, Status::Waiting, Status::Running)),
                start_step(0),
            ]);
            stages[2].extend([finish_step(0), start_step(1)]);
            stages[3].extend([
                finish_step(1),
                RowChange::Acknowledge {
                    attempt: attempt.id,
                    sequence: 6,
                },
                move_attempt(Status::Running, success),
                RowChange::MoveJob(moved!(jobs[0].id, Status::Running, success)),
                RowChange::MoveRun(moved!(runs[0].id, Status::Running, success)),
                RowChange::MoveFlow(moved!(flow.id, Status::Running, success)),
            ]);
        }
        for changes in stages {
            total += timed(led.commit(&changes)).await.0;
        }
    }
    (together * rounds) as f64 / total.as_secs_f64()
}

#[tokio::test]
#[ignore = "measures"]
async fn lifecycles_a_second() {
    let (_folder, cluster, led) = durable().await;
    for (together, rounds) in [(1, 200), (10, 100), (50, 60), (200, 30), (1000, 10)] {
        let figure = lifecycles(&led, together, rounds).await;
        println!("{together} together: {figure:.0} job lifecycles a second");
    }
    led.store.close().await;
    cluster.stop().await.unwrap();
}

#[tokio::test]
#[ignore = "measures"]
async fn snapshot_of_a_hundred_thousand_jobs() {
    let (_folder, cluster, led) = durable().await;
    let mut sample = SampleRows::after(&led.snapshot().await, now());
    for (flows, jobs) in [(100, 1000), (10_000, 10)] {
        let mut committed = Duration::ZERO;
        for _ in 0..10 {
            let mut changes = Vec::new();
            let mut moves = Vec::new();
            for _ in 0..flows / 10 {
                let (flow, _, _, added) = sample.flow_changes(led.seed.branches[0], 1, jobs);
                changes.extend(added);
                moves.push(flow.id);
            }
            committed += timed(led.commit(&changes)).await.0;
        }
        println!("{flows} flows of {jobs} jobs: committed in {committed:.2?}");
        for _ in 0..2 {
            let (elapsed, snapshot) = timed(led.snapshot()).await;
            let count: usize = snapshot.flows.iter().map(|record| record.jobs.len()).sum();
            println!(
                "snapshot of {count} jobs in {} flows: {elapsed:.2?}",
                snapshot.flows.len()
            );
        }
        let finish: Vec<_> = led
            .snapshot()
            .await
            .flows
            .iter()
            .map(|record| {
                RowChange::MoveFlow(Move {
                    id: record.flow.id,
                    from: Status::Waiting,
                    to: Status::Finished(Outcome::Skipped),
                    at: now(),
                })
            })
            .collect();
        led.commit(&finish).await.unwrap();
    }
    led.store.close().await;
    cluster.stop().await.unwrap();
}
