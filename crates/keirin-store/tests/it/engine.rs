//! The engine's rows: the contract that every store keeps, and what only a database can do.

use keirin_engine::{Move, RowChange};
use keirin_model::{FlowId, JobId, Outcome, RunId, Status};
use keirin_store::StoreError;
use keirin_store::engine::CommitError;
use keirin_testkit::contract::{self, EngineStore, SampleRows};
use keirin_testkit::{TestDatabase, database};
use sqlx::AssertSqlSafe;

use crate::fixture::{led, now};

#[tokio::test]
async fn what_is_committed_is_read_back() {
    let database = database().await;
    contract::stories(&led(database.store()).await).await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_whole() {
    let database = database().await;
    contract::refusals(&led(database.store()).await).await;
}

#[tokio::test]
async fn random_changes_leave_what_they_leave_in_memory() {
    for seed in 1..=8 {
        let database = database().await;
        contract::random_changes(&led(database.store()).await, seed, 40).await;
    }
}

#[tokio::test]
async fn a_part_without_its_whole_is_refused() {
    let database = database().await;
    let led = led(database.store()).await;
    let mut sample = SampleRows::after(&led.snapshot().await, now());
    let nobody = 9_000_000;
    let orphans = [
        RowChange::AddRun(sample.run(FlowId(nobody), 0)),
        RowChange::AddJob(sample.job(RunId(nobody), 0)),
        RowChange::AddAttempt(sample.attempt(JobId(nobody), 1, led.seed.agents[0])),
        RowChange::StartStep {
            attempt: keirin_model::AttemptId(nobody),
            index: 0,
            at: now(),
        },
    ];
    for orphan in orphans {
        let refused = led
            .store
            .commit(led.lease.epoch, std::slice::from_ref(&orphan))
            .await;
        assert!(
            matches!(refused, Err(CommitError::Conflict { .. })),
            "{orphan:?} gives {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_flow_of_a_project_that_is_gone_is_refused() {
    let database = database().await;
    let led = led(database.store()).await;
    let (_, _, _, changes) =
        SampleRows::after(&led.snapshot().await, now()).flow_changes(led.seed.branches[1], 1, 1);
    led.store.delete_project(led.seed.branches[1].0).await.unwrap();
    let refused = led.store.commit(led.lease.epoch, &changes).await;
    assert!(
        matches!(refused, Err(CommitError::Conflict { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn texts_that_the_database_cannot_hold_do_not_stop_the_engine() {
    let database = database().await;
    let led = led(database.store()).await;
    let mut sample = SampleRows::after(&led.snapshot().await, now());
    let (flow, _, jobs, mut changes) = sample.flow_changes(led.seed.branches[0], 1, 1);
    let RowChange::AddFlow(added) = &mut changes[0] else {
        panic!("the first change adds the flow")
    };
    added.params.insert(
        "text".to_owned(),
        keirin_model::flow::ParamValue::Text("a\0b".to_owned()),
    );
    let attempt = sample.attempt(jobs[0].id, 1, led.seed.agents[0]);
    changes.push(RowChange::AddAttempt(attempt.clone()));
    changes.push(RowChange::MoveAttempt {
        moved: Move {
            id: attempt.id,
            from: Status::Waiting,
            to: Status::Finished(Outcome::Failed),
            at: now(),
        },
        exit: keirin_model::flow::Exit::default(),
        message: Some("a\0b".to_owned()),
    });
    led.store.commit(led.lease.epoch, &changes).await.unwrap();
    let record = led.store.flow_record(flow.id).await.unwrap();
    assert_eq!(record.attempts[0].message.as_deref(), Some("a\u{fffd}b"));
}

#[tokio::test]
async fn ids_are_not_given_out_again_when_history_is_gone() {
    let database = database().await;
    let led = led(database.store()).await;
    let mut sample = SampleRows::after(&led.snapshot().await, now());
    let (flow, _, _, changes) = sample.flow_changes(led.seed.branches[1], 1, 1);
    led.store.commit(led.lease.epoch, &changes).await.unwrap();
    let before = led.snapshot().await.last;

    let unfinished = led.store.delete_project(led.seed.branches[1].0).await;
    assert_eq!(
        unfinished.unwrap_err().to_string(),
        "1 flows of the project are not finished; cancel them first"
    );
    let finish = RowChange::MoveFlow(Move {
        id: flow.id,
        from: Status::Waiting,
        to: Status::Finished(Outcome::Skipped),
        at: now(),
    });
    led.store.commit(led.lease.epoch, &[finish]).await.unwrap();
    led.store.delete_project(led.seed.branches[1].0).await.unwrap();
    assert!(led.store.flow_record(flow.id).await.is_err());
    // Its row is still there for a while, and cannot begin again.
    let begin_again = RowChange::MoveFlow(Move {
        id: flow.id,
        from: Status::Finished(Outcome::Skipped),
        to: Status::Waiting,
        at: now(),
    });
    let refused = led.store.commit(led.lease.epoch, &[begin_again]).await;
    assert!(
        matches!(refused, Err(CommitError::Conflict { .. })),
        "{refused:?}"
    );
    assert_eq!(led.snapshot().await.last, before);
}

/// Makes every commit of an engine wait: while it writes, or while it commits.
async fn wait_when(database: &TestDatabase, timing: &str) {
    let statements = format!(
        "create function wait() returns trigger language plpgsql as
           $$ begin perform pg_sleep(600); return null; end $$;
         create constraint trigger wait after insert on events {timing} for each row execute function wait()"
    );
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut database.connection().await)
        .await
        .unwrap();
}

/// Cuts the connection of whoever waits there, once somebody does.
async fn cut_whoever_waits(database: &TestDatabase) {
    let mut connection = database.connection().await;
    loop {
        let cut: Option<bool> = sqlx::query_scalar(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and wait_event = 'PgSleep'",
        )
        .fetch_optional(&mut connection)
        .await
        .unwrap();
        if cut.is_some() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_while_committing_leaves_it_unknown() {
    for (timing, is_known) in [("", true), ("deferrable initially deferred", false)] {
        let database = database().await;
        let led = led(database.store()).await;
        let (_, _, _, changes) =
            SampleRows::after(&led.snapshot().await, now()).flow_changes(led.seed.branches[0], 1, 1);
        wait_when(&database, timing).await;
        let (store, epoch) = (led.store.clone(), led.lease.epoch);
        let commit = tokio::spawn(async move { store.commit(epoch, &changes).await });
        cut_whoever_waits(&database).await;
        let lost = commit.await.unwrap().unwrap_err();
        match lost {
            CommitError::Store(StoreError::Unavailable(_)) => assert!(is_known, "while committing"),
            CommitError::Unknown(_) => assert!(!is_known, "before committing"),
            other => panic!("{other:?}"),
        }
        assert!(
            led.snapshot().await.flows.is_empty(),
            "the store goes on with another connection"
        );
    }
}
