//! Stories with their ends written out: what was committed is read back, and what was refused left nothing.

use jiff::Timestamp;
use keirin_engine::{FlowRecord, LastIds, Move, RowChange, Snapshot};
use keirin_model::flow::{Exit, Step};
use keirin_model::{AttemptId, FlowId, JobId, Outcome, RunId, Status};

use super::{EngineStore, Refused, SampleRows};

fn begin() -> Timestamp {
    Timestamp::constant(1_760_000_000, 0)
}

/// A flow from its trigger to its end and on, changed in several commits and several times within one.
///
/// # Panics
/// The store does not do what it must.
pub async fn stories(store: &impl EngineStore) {
    let before = store.snapshot().await;
    let mut sample = SampleRows::after(&before, begin());
    let branch = store.seed().branches[0];
    let agent = store.seed().agents[0];

    // The engine makes a flow and, in the same breath, starts its only job.
    let (mut flow, mut runs, mut jobs, mut changes) = sample.flow_changes(branch, 1, 1);
    let mut attempt = sample.attempt(jobs[0].id, 1, agent);
    let at = sample.now();
    changes.extend([
        RowChange::MoveFlow(to(flow.id, Status::Waiting, Status::Running, at)),
        RowChange::MoveRun(to(runs[0].id, Status::Waiting, Status::Running, at)),
        RowChange::QueueJob {
            job: jobs[0].id,
            at,
            lost: 2,
        },
        RowChange::AddAttempt(attempt.clone()),
    ]);
    store.commit(&changes).await.expect("a new flow is taken");
    flow.status = Status::Running;
    runs[0].status = Status::Running;
    runs[0].started_at = Some(at);
    jobs[0].queued_at = Some(at);
    jobs[0].lost = 2;
    let record = |flow: &_, runs: &[_], jobs: &[_], attempt: &_| FlowRecord {
        flow: Clone::clone(flow),
        runs: runs.to_vec(),
        jobs: jobs.to_vec(),
        attempts: vec![Clone::clone(attempt)],
    };
    let snapshot = store.snapshot().await;
    assert_eq!(
        snapshot.flows.last(),
        Some(&record(&flow, &runs, &jobs, &attempt)),
        "what was committed is read back as it is"
    );
    assert_eq!(
        snapshot.last,
        LastIds {
            flow: flow.id,
            run: runs[0].id,
            job: jobs[0].id,
            attempt: attempt.id,
        }
    );
    assert_eq!(snapshot.flow_numbers.get(&flow.project), Some(&flow.number));

    // The agent starts it, a person wants it stopped, and the agent obeys: all within one commit.
    let (started, ended) = (sample.now(), sample.now());
    let cancelled = Status::Finished(Outcome::Cancelled);
    let exit = Exit {
        code: None,
        signal: Some(15),
    };
    let message = Some("stopped by a person".to_owned());
    store
        .commit(&[
            RowChange::MoveAttempt {
                moved: to(attempt.id, Status::Waiting, Status::Running, started),
                exit: Exit::default(),
                message: None,
            },
            RowChange::MoveJob(to(jobs[0].id, Status::Waiting, Status::Running, started)),
            RowChange::StartStep {
                attempt: attempt.id,
                index: 0,
                at: started,
            },
            RowChange::StopJob {
                job: jobs[0].id,
                outcome: Outcome::Cancelled,
            },
            RowChange::FinishStep {
                attempt: attempt.id,
                index: 0,
                outcome: Outcome::Cancelled,
                exit,
                message: None,
                at: ended,
            },
            RowChange::FinishStep {
                attempt: attempt.id,
                index: 1,
                outcome: Outcome::Skipped,
                exit: Exit::default(),
                message: message.clone(),
                at: ended,
            },
            RowChange::MoveAttempt {
                moved: to(attempt.id, Status::Running, cancelled, ended),
                exit,
                message: message.clone(),
            },
            RowChange::Acknowledge {
                attempt: attempt.id,
                sequence: 5,
            },
            RowChange::MoveJob(to(jobs[0].id, Status::Running, cancelled, ended)),
            RowChange::MoveRun(to(runs[0].id, Status::Running, cancelled, ended)),
            RowChange::MoveFlow(to(flow.id, Status::Running, cancelled, ended)),
        ])
        .await
        .expect("moves that follow one another are taken");
    attempt.status = cancelled;
    attempt.exit = exit;
    attempt.message.clone_from(&message);
    attempt.acknowledged = 5;
    attempt.started_at = Some(started);
    attempt.finished_at = Some(ended);
    jobs[0].status = cancelled;
    jobs[0].started_at = Some(started);
    jobs[0].finished_at = Some(ended);
    runs[0].status = cancelled;
    runs[0].finished_at = Some(ended);
    flow.status = cancelled;
    flow.finished_at = Some(ended);
    assert_eq!(
        store.flow_record(flow.id).await,
        Some(record(&flow, &runs, &jobs, &attempt)),
        "a finished flow can be read back to be reopened; a move has ended the wish to stop its job"
    );
    let snapshot = store.snapshot().await;
    assert!(
        snapshot.flows.iter().all(|record| record.flow.id != flow.id),
        "a finished flow is not among the unfinished"
    );
    assert_eq!(
        snapshot.last.flow, flow.id,
        "the ids of what is finished are not given out again"
    );
    let step = |index, outcome, exit, message, started_at| Step {
        attempt: attempt.id,
        index,
        outcome: Some(outcome),
        exit,
        message,
        started_at,
        finished_at: Some(ended),
    };
    assert_eq!(
        store.steps(attempt.id).await,
        [
            step(0, Outcome::Cancelled, exit, None, started),
            step(1, Outcome::Skipped, Exit::default(), message, ended),
        ],
        "a step that was skipped began and ended at once"
    );

    // A step that starts once more is no news, and its end can be told again.
    store
        .commit(&[
            RowChange::StartStep {
                attempt: attempt.id,
                index: 0,
                at: ended,
            },
            RowChange::FinishStep {
                attempt: attempt.id,
                index: 1,
                outcome: Outcome::Skipped,
                exit: Exit::default(),
                message: None,
                at: ended,
            },
        ])
        .await
        .expect("news of a step can come twice");
    assert_eq!(
        store.steps(attempt.id).await,
        [
            step(0, Outcome::Cancelled, exit, None, started),
            step(1, Outcome::Skipped, Exit::default(), None, ended),
        ]
    );

    // A person asks for it once more: everything opens again, and the next attempt is the one that counts.
    let again = sample.now();
    let second = sample.attempt(jobs[0].id, 2, agent);
    store
        .commit(&[
            RowChange::MoveFlow(to(flow.id, cancelled, Status::Running, again)),
            RowChange::MoveRun(to(runs[0].id, cancelled, Status::Manual, again)),
            RowChange::ReleaseRun {
                run: runs[0].id,
                released: true,
            },
            RowChange::MoveJob(to(jobs[0].id, cancelled, Status::Waiting, again)),
            RowChange::AddAttempt(second.clone()),
        ])
        .await
        .expect("a finished flow can be reopened");
    flow.status = Status::Running;
    flow.finished_at = None;
    runs[0].status = Status::Manual;
    runs[0].released = true;
    runs[0].started_at = None;
    runs[0].finished_at = None;
    jobs[0].status = Status::Waiting;
    jobs[0].queued_at = None;
    jobs[0].started_at = None;
    jobs[0].finished_at = None;
    assert_eq!(
        store.snapshot().await.flows.last(),
        Some(&record(&flow, &runs, &jobs, &second)),
        "a move back to waiting forgets the times"
    );

    // A schedule has fired.
    let schedule = store.seed().schedules[0];
    let due = sample.now();
    store
        .commit(&[RowChange::ScheduleDone { schedule, due }])
        .await
        .expect("a due time is taken down");
    let snapshot = store.snapshot().await;
    let read = snapshot.schedules.iter().find(|read| read.id == schedule);
    assert_eq!(read.and_then(|read| read.last_due), Some(due));
}

/// Changes that do not fit what is there: each is refused, with everything that came with it.
///
/// # Panics
/// The store took one, or wrote a part of it.
pub async fn refusals(store: &impl EngineStore) {
    let before = store.snapshot().await;
    let mut sample = SampleRows::after(&before, begin());
    let branch = store.seed().branches[0];
    let (flow, runs, jobs, changes) = sample.flow_changes(branch, 2, 2);
    let attempt = sample.attempt(jobs[0].id, 1, store.seed().agents[0]);
    store.commit(&changes).await.expect("a new flow is taken");
    store
        .commit(&[RowChange::AddAttempt(attempt.clone())])
        .await
        .expect("a new attempt is taken");

    let at = sample.now();
    let good = || RowChange::MoveFlow(to(flow.id, Status::Waiting, Status::Running, at));
    let wrong_job = to(
        jobs[1].id,
        Status::Running,
        Status::Finished(Outcome::Success),
        at,
    );
    let wrong_run = to(runs[0].id, Status::Finished(Outcome::Failed), Status::Running, at);
    let twice = to(jobs[0].id, Status::Waiting, Status::Running, at);
    let nobody = 9_000_000_000;
    let unfit: Vec<(&str, Vec<RowChange>)> = vec![
        (
            "a flow that is there",
            vec![RowChange::AddFlow(Box::new(flow.clone()))],
        ),
        ("a run that is there", vec![RowChange::AddRun(runs[0].clone())]),
        ("a job that is there", vec![RowChange::AddJob(jobs[0].clone())]),
        (
            "an attempt that is there",
            vec![RowChange::AddAttempt(attempt.clone())],
        ),
        ("a job in another state", vec![RowChange::MoveJob(wrong_job)]),
        ("a run with another outcome", vec![RowChange::MoveRun(wrong_run)]),
        (
            "the same move twice",
            vec![RowChange::MoveJob(twice), RowChange::MoveJob(twice)],
        ),
        (
            "a flow that is not there",
            vec![RowChange::MoveFlow(to(
                FlowId(nobody),
                Status::Waiting,
                Status::Running,
                at,
            ))],
        ),
        (
            "a run that is not there",
            vec![RowChange::ReleaseRun {
                run: RunId(nobody),
                released: true,
            }],
        ),
        (
            "a job that is not there",
            vec![RowChange::StopJob {
                job: JobId(nobody),
                outcome: Outcome::Cancelled,
            }],
        ),
        (
            "an attempt that is not there",
            vec![RowChange::Acknowledge {
                attempt: AttemptId(nobody),
                sequence: 1,
            }],
        ),
    ];
    let unchanged = store.snapshot().await;
    for (what, changes) in unfit {
        let changes: Vec<_> = std::iter::once(good()).chain(changes).collect();
        assert_eq!(
            store.commit(&changes).await,
            Err(Refused::Conflict),
            "{what} is refused"
        );
        assert_same(&store.snapshot().await, &unchanged, what);
    }
    store
        .commit(&[good()])
        .await
        .expect("after a refusal the store goes on");
}

/// Compares piece by piece, so that a difference can be read.
pub(super) fn assert_same(read: &Snapshot, expected: &Snapshot, when: &str) {
    assert_eq!(read.last, expected.last, "the last ids: {when}");
    assert_eq!(
        read.flow_numbers, expected.flow_numbers,
        "the flow numbers: {when}"
    );
    assert_eq!(read.schedules, expected.schedules, "the schedules: {when}");
    assert_eq!(read.agents, expected.agents, "the agents: {when}");
    let ids =
        |snapshot: &Snapshot| -> Vec<_> { snapshot.flows.iter().map(|record| record.flow.id).collect() };
    assert_eq!(ids(read), ids(expected), "which flows are unfinished: {when}");
    for (read, expected) in read.flows.iter().zip(&expected.flows) {
        assert_eq!(read, expected, "flow {}: {when}", expected.flow.id);
    }
}

fn to<Id>(id: Id, from: Status, to: Status, at: Timestamp) -> Move<Id> {
    Move { id, from, to, at }
}
