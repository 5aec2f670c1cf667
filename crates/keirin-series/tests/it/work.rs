//! From work that finishes to the samples of it.

use jiff::SignedDuration;
use keirin_model::Outcome;
use keirin_series::storage::Storage;
use keirin_series::transforms::Transforms;
use keirin_store::Position;
use keirin_store::engine::EventBatch;
use keirin_testkit::database;
use sqlx::Connection as _;

use crate::fixture::{led, now, samples};

#[tokio::test]
async fn finished_flows_become_counts_by_the_hour() {
    let database = database().await;
    let led = led(database.store()).await;
    let storage = Storage::new(led.store.clone());
    let transforms = Transforms::new(storage.clone());
    let hours = |hours: i64| now() - SignedDuration::from_hours(hours);

    led.finished_flow(hours(3), Outcome::Success).await;
    led.finished_flow(hours(3), Outcome::Failed).await;
    database.settled().await;
    transforms.catch_up(now()).await.unwrap();
    led.finished_flow(hours(1), Outcome::Success).await;
    database.settled().await;
    transforms.catch_up(now()).await.unwrap();
    database.settled().await;
    let nothing = transforms.catch_up(now()).await.unwrap();
    assert_eq!(nothing.facts, 0);

    let of = |outcome| [("outcome", outcome)];
    let place = r#"branch="main", kind="ci", outcome"#;
    assert_eq!(
        samples(&storage, "keirin_flows_total", &of("success")).await,
        [
            format!(r#"keirin_flows_total{{{place}="success", project="shop"}} 2025-10-09T06:00:00Z 1"#),
            format!(r#"keirin_flows_total{{{place}="success", project="shop"}} 2025-10-09T07:00:00Z 0"#),
            format!(r#"keirin_flows_total{{{place}="success", project="shop"}} 2025-10-09T08:00:00Z 1"#),
            format!(r#"keirin_flows_total{{{place}="success", project="shop"}} 2025-10-09T09:00:00Z 0"#),
        ]
    );
    let failed = samples(&storage, "keirin_flows_total", &of("failed")).await;
    assert!(failed[0].ends_with("06:00:00Z 1"), "{failed:?}");
    assert_eq!(
        samples(&storage, "keirin_flows_total", &of("lost")).await.len(),
        4,
        "what has not happened is there as zero"
    );
    let queued = samples(&storage, "keirin_job_queue_duration_seconds_sum", &[]).await;
    assert!(queued[0].ends_with("06:00:00Z 4"), "{queued:?}");
    let took = samples(&storage, "keirin_flow_duration_seconds_sum", &[]).await;
    assert!(
        took[0].ends_with("06:00:00Z 12"),
        "only the flow that succeeded: {took:?}"
    );
}

#[tokio::test]
async fn facts_that_an_open_transaction_holds_back_are_to_be_looked_for_again() {
    let database = database().await;
    let led = led(database.store()).await;
    let transforms = Transforms::new(Storage::new(led.store.clone()));
    let mut connection = database.connection().await;
    let mut open = connection.begin().await.unwrap();
    let number = sqlx::query("select pg_current_xact_id()");
    number.execute(&mut *open).await.unwrap();
    led.finished_flow(now(), Outcome::Success).await;
    let progress = transforms.catch_up(now()).await.unwrap();
    assert_eq!((progress.facts, progress.is_held_back), (0, true));
    open.rollback().await.unwrap();
    database.settled().await;
    let progress = transforms.catch_up(now()).await.unwrap();
    assert!(progress.facts > 0 && !progress.is_held_back, "{progress:?}");
}

#[tokio::test]
async fn a_rerun_finishes_again_and_counts_again() {
    let database = database().await;
    let led = led(database.store()).await;
    let storage = Storage::new(led.store.clone());
    let transforms = Transforms::new(storage.clone());
    let at = now() - SignedDuration::from_mins(30);
    led.finished_flow(at, Outcome::Failed).await;
    led.finished_flow(at, Outcome::Failed).await;
    database.settled().await;
    transforms.catch_up(now()).await.unwrap();
    let failed = samples(&storage, "keirin_jobs_total", &[("outcome", "failed")]).await;
    assert!(failed[0].ends_with(" 2"), "{failed:?}");
}

#[tokio::test]
async fn two_servers_that_do_the_same_work_count_nothing_twice() {
    let database = database().await;
    let led = led(database.store()).await;
    for minute in 0..20 {
        led.finished_flow(now() - SignedDuration::from_mins(minute), Outcome::Success)
            .await;
    }
    let storage = Storage::new(led.store.clone());
    let one = Transforms::new(storage.clone());
    let other = Transforms::new(Storage::new(database.another_store().await));
    database.settled().await;
    let (first, second) = tokio::join!(one.catch_up(now()), other.catch_up(now()));
    // Whoever is overtaken says so, and goes on with what is left.
    for result in [first, second] {
        if result.is_err() {
            one.catch_up(now()).await.unwrap();
        }
    }
    let counted = samples(&storage, "keirin_flows_total", &[("outcome", "success")]).await;
    let sum: f64 = counted
        .iter()
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert!((sum - 20.0).abs() < f64::EPSILON, "{counted:?}");
}

#[tokio::test]
async fn a_project_that_is_removed_takes_its_facts_and_series_along() {
    let database = database().await;
    let led = led(database.store()).await;
    led.finished_flow(now() - SignedDuration::from_mins(5), Outcome::Success)
        .await;
    let storage = Storage::new(led.store.clone());
    let transforms = Transforms::new(storage.clone());
    database.settled().await;
    transforms.catch_up(now()).await.unwrap();
    assert!(!samples(&storage, "keirin_flows_total", &[]).await.is_empty());
    led.store.delete_project(led.branch.0).await.unwrap();
    assert!(samples(&storage, "keirin_flows_total", &[]).await.is_empty());
    let totals = led.store.series_totals().await.unwrap();
    assert_eq!(totals.series, 0);
    database.settled().await;
    transforms.catch_up(now()).await.unwrap();
}

/// Its position moves on past facts that are counted for nobody, so they would never be counted.
#[tokio::test]
async fn a_repository_that_is_made_while_facts_are_read_is_counted() {
    let database = database().await;
    let storage = Storage::new(database.store());
    let transforms = Transforms::new(storage.clone());
    let mut connection = database.connection().await;
    let mut import = connection.begin().await.unwrap();
    // Whoever reads commits waits here; whoever reads repositories does not.
    sqlx::raw_sql("lock table commit_facts in access exclusive mode")
        .execute(&mut *import)
        .await
        .unwrap();
    let reading = transforms.clone();
    let reading = tokio::spawn(async move { reading.catch_up(now()).await });
    let mut watching = database.connection().await;
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(&mut watching)
        .await
        .unwrap()
        == 0
    {}
    sqlx::raw_sql(
        "insert into repositories (id, name) overriding system value values (7, 'shop');
         insert into people (id, repository, name, email, bot) overriding system value
           values (7, 7, 'Ada', 'ada@example.org', false);
         insert into identities (id, repository, name, email, person) overriding system value
           values (7, 7, 'Ada', 'ada@example.org', 7);
         insert into commit_facts (repository, id, parents, author, committer, authored_at, committed_at, subject)
           values (7, '\\x01', '{}', 7, 7, '2025-10-09T08:00Z', '2025-10-09T08:00Z', 'Begin')",
    )
    .execute(&mut *import)
    .await
    .unwrap();
    import.commit().await.unwrap();
    reading.await.unwrap().unwrap();
    database.settled().await;
    transforms.catch_up(now()).await.unwrap();
    for metric in ["keirin_commits_total", "keirin_contributor_absence_factor"] {
        assert!(!samples(&storage, metric, &[]).await.is_empty(), "{metric}");
    }
}

#[tokio::test]
async fn a_restored_database_has_each_fact_counted_once_wherever_its_transaction_ids_stand() {
    // Whether those of the database that was backed up had come further than those of the new one.
    for ahead in [0, 1_000_000_000] {
        let database = database().await;
        let led = led(database.store()).await;
        led.finished_flow(now(), Outcome::Success).await;
        database.settled().await;
        let storage = Storage::new(led.store.clone());
        Transforms::new(storage.clone()).catch_up(now()).await.unwrap();
        let counted = samples(&storage, "keirin_flows_total", &[("outcome", "success")]).await;
        let further = sqlx::query("update positions set transaction = transaction + $1");
        let mut connection = database.connection().await;
        further.bind(ahead).execute(&mut connection).await.unwrap();
        let mut backup = Vec::new();
        led.store.backup(&mut backup).await.unwrap();

        let other = keirin_testkit::database().await;
        let store = other.store();
        store.restore(backup.as_slice(), false, "restored").await.unwrap();
        other.settled().await;
        let storage = Storage::new(store);
        Transforms::new(storage.clone()).catch_up(now()).await.unwrap();
        assert_eq!(
            samples(&storage, "keirin_flows_total", &[("outcome", "success")]).await,
            counted,
            "{ahead}"
        );
        let lags = storage.store().transform_lags().await.unwrap();
        assert!(lags.iter().all(|lag| lag.unread == 0), "{lags:?}");
    }
}

#[tokio::test]
async fn tables_that_were_copied_from_another_postgresql_are_read_on() {
    let database = database().await;
    let led = led(database.store()).await;
    led.finished_flow(now(), Outcome::Success).await;
    database.settled().await;
    let storage = Storage::new(led.store.clone());
    let transforms = Transforms::new(storage.clone());
    transforms.catch_up(now()).await.unwrap();
    let counted = || samples(&storage, "keirin_flows_total", &[("outcome", "success")]);
    let before = counted().await;
    // As `pg_dump` does, which keeps the ids of transactions that a new PostgreSQL has not come to yet.
    let mut connection = database.connection().await;
    for table in ["events", "flow_facts", "run_facts", "job_facts", "attempt_facts"] {
        let further = format!("update {table} set xid = (xid::text::bigint + 1000000000)::text::xid8");
        sqlx::raw_sql(sqlx::AssertSqlSafe(further))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    let further = "update positions set transaction = transaction + 1000000000";
    sqlx::raw_sql(further).execute(&mut connection).await.unwrap();

    led.store.migrate().await.unwrap();
    database.settled().await;
    transforms.catch_up(now()).await.unwrap();
    assert_eq!(counted().await, before);
    led.finished_flow(now(), Outcome::Success).await;
    database.settled().await;
    transforms.catch_up(now()).await.unwrap();
    assert!(counted().await[0].ends_with(" 2"), "{:?}", counted().await);
    let events = led.store.events_after(Position::START, 100).await.unwrap();
    let EventBatch::After { events, unsettled } = events else {
        panic!("{events:?}");
    };
    assert!(!events.is_empty() && !unsettled);
}
