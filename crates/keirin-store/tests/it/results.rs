//! What jobs leave: kept files and test results, as long as their attempt is live.

use keirin_engine::{Move, RowChange};
use keirin_model::flow::Exit;
use keirin_model::results::{TestResult, TestStatus};
use keirin_model::{AttemptId, FlowId, Outcome, RunId, Status};
use keirin_store::Position;
use keirin_store::artifacts::NewArtifact;
use keirin_store::logs::LogSource;
use keirin_testkit::contract::{EngineStore, SampleRows};
use keirin_testkit::database;
use strum::VariantArray as _;

use crate::fixture::{Led, led, now};

/// A flow with one job and an attempt at it.
async fn running(led: &Led) -> (FlowId, keirin_model::JobId, AttemptId) {
    let mut sample = SampleRows::after(&led.snapshot().await, now());
    let (flow, _, jobs, mut changes) = sample.flow_changes(led.seed.branches[0], 1, 1);
    let attempt = sample.attempt(jobs[0].id, 1, led.seed.agents[0]);
    changes.push(RowChange::AddAttempt(attempt.clone()));
    led.commit(&changes).await.unwrap();
    (flow.id, jobs[0].id, attempt.id)
}

async fn lose(led: &Led, attempt: AttemptId) {
    let moved = Move {
        id: attempt,
        from: Status::Waiting,
        to: Status::Finished(Outcome::Lost),
        at: now(),
    };
    led.commit(&[RowChange::MoveAttempt {
        moved,
        exit: Exit::default(),
        message: None,
    }])
    .await
    .unwrap();
}

/// A server that has just lost the lead knows nothing of what another one gives out: only the database says what is over.
#[tokio::test]
async fn a_log_is_to_be_closed_once_the_database_says_that_its_attempt_is_over() {
    let database = database().await;
    let led = led(database.store()).await;
    let (flow, job, attempt) = running(&led).await;
    let source = LogSource::Attempt {
        project: led.seed.branches[0].0,
        flow,
        run: RunId(1),
        job,
        attempt,
        agent: led.seed.agents[0],
    };
    let log = led.store.open_log(&source, now()).await.unwrap().id;
    let to_close = || led.store.open_logs_of_finished_attempts();
    assert_eq!(to_close().await.unwrap(), []);
    lose(&led, attempt).await;
    assert_eq!(to_close().await.unwrap(), [log]);
    led.store.close_log(log, now(), 0).await.unwrap();
    assert_eq!(to_close().await.unwrap(), []);
}

fn file(attempt: AttemptId, path: &'static str, object: &'static str) -> NewArtifact<'static> {
    NewArtifact {
        attempt,
        path,
        size: 5,
        sha256: [7; 32],
        executable: false,
        object,
    }
}

#[tokio::test]
async fn a_file_is_kept_while_its_attempt_is_live() {
    let database = database().await;
    let led = led(database.store()).await;
    let (flow, job, first) = running(&led).await;
    let id = led
        .store
        .keep_artifact(&file(first, "dist/a", "object 1"), now())
        .await
        .unwrap();
    let again = led
        .store
        .keep_artifact(&file(first, "dist/a", "object 2"), now())
        .await
        .unwrap();
    assert_eq!(
        id, again,
        "a file that is sent again takes the place of the first"
    );
    let kept = led.store.artifact(id.unwrap()).await.unwrap();
    assert_eq!(
        (kept.object.as_str(), kept.sha256.as_str()),
        ("object 2", "07".repeat(32).as_str())
    );
    assert_eq!(led.store.objects_to_remove(10, &[]).await.unwrap(), ["object 1"]);

    lose(&led, first).await;
    assert_eq!(
        led.store
            .keep_artifact(&file(first, "dist/b", "object 3"), now())
            .await
            .unwrap(),
        None
    );
    assert_eq!(led.store.artifacts(flow).await.unwrap().len(), 1);
    // With another attempt, what the first one left does not count any more.
    let second = SampleRows::after(&led.snapshot().await, now()).attempt(job, 2, led.seed.agents[0]);
    led.commit(&[RowChange::AddAttempt(second.clone())])
        .await
        .unwrap();
    led.store
        .keep_artifact(&file(second.id, "dist/c", "object 4"), now())
        .await
        .unwrap();
    let paths: Vec<_> = led
        .store
        .artifacts(flow)
        .await
        .unwrap()
        .into_iter()
        .map(|file| file.path)
        .collect();
    assert_eq!(paths, ["dist/c"]);
}

#[tokio::test]
async fn fifty_thousand_test_results_are_kept_and_a_second_report_replaces_them() {
    let database = database().await;
    let led = led(database.store()).await;
    let (_, _, attempt) = running(&led).await;
    let result = |index: usize| TestResult {
        suite: format!("suite {}", index % 100),
        name: format!("case {index}"),
        status: TestStatus::VARIANTS[index % 4],
        duration_seconds: index.is_multiple_of(2).then_some(0.25),
        message: (index % 4 == 1).then(|| "expected\0 this".to_owned()),
    };
    let results: Vec<_> = (0..50_000).map(result).collect();
    assert!(led.store.keep_test_results(attempt, 3, &results).await.unwrap());
    assert!(
        led.store
            .keep_test_results(attempt, 4, &results[..10])
            .await
            .unwrap()
    );
    assert!(
        led.store
            .keep_test_results(attempt, 3, &results[..8])
            .await
            .unwrap()
    );
    let page = led.store.test_results(attempt, 0, 12).await.unwrap();
    let rest = led.store.test_results(attempt, page[11].0, 12).await.unwrap();
    assert_eq!((page.len(), rest.len()), (12, 6));
    let (_, failed) = &page[1];
    assert_eq!(failed.message.as_deref(), Some("expected\u{fffd} this"));

    lose(&led, attempt).await;
    assert!(!led.store.keep_test_results(attempt, 3, &results).await.unwrap());
    let kept = led.store.test_results(attempt, 0, 50_000).await.unwrap();
    assert_eq!(kept.len(), 18);

    // The fact has the counts itself, and does not change when the results go.
    let mut connection = database.connection().await;
    sqlx::query("delete from test_results")
        .execute(&mut connection)
        .await
        .unwrap();
    database.settled().await;
    let facts = led
        .store
        .attempt_facts_after(Position::START, 10)
        .await
        .unwrap()
        .facts;
    let tests = &facts[0].1.tests;
    assert_eq!(
        (tests.passed, tests.failed, tests.error, tests.skipped),
        (5, 5, 4, 4)
    );
}
