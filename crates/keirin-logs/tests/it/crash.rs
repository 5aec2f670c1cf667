//! The server dies between an object and its row, or between a row and its acknowledgement.

use keirin_logs::{LogError, LogSettings};
use keirin_model::LogStreamId;
use keirin_objects::ObjectKey;
use sqlx::{Connection, PgConnection};

use crate::fixture::{Fixture, NOTHING_INLINE, all, chunk, numbered};

/// Runs a server that sends lines 5 to 9 and gets stuck at the row, and kills it there.
async fn die_before_the_row(fixture: &Fixture, log: LogStreamId, lock: &mut PgConnection) {
    let mut transaction = lock.begin().await.unwrap();
    sqlx::query("select from log_streams where id = $1 for update")
        .bind(log.0)
        .execute(&mut *transaction)
        .await
        .unwrap();
    let server = fixture.another_server().await;
    let sending = tokio::spawn(async move { server.append(log, 5, chunk(5..10)).await });
    let mut watch = fixture.database.connection().await;
    loop {
        let stuck: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity where datname = current_database()
                and wait_event_type = 'Lock' and query like '%insert into log_chunks%')",
        )
        .fetch_one(&mut watch)
        .await
        .unwrap();
        if stuck {
            break;
        }
    }
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
            and wait_event_type = 'Lock'",
    )
    .execute(&mut watch)
    .await
    .unwrap();
    let died = sending.await.unwrap().unwrap_err();
    assert!(matches!(died, LogError::Store(_)), "{died}");
    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn an_object_whose_row_never_came_is_known_to_nobody_and_the_log_is_whole() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    let log = fixture.log().await;
    fixture.logs.append(log, 0, chunk(0..5)).await.unwrap();
    let mut lock = fixture.database.connection().await;
    die_before_the_row(&fixture, log, &mut lock).await;
    assert_eq!(fixture.keys().await.len(), 2);
    assert_eq!(all(&fixture.logs, log).await, numbered(0..5));
    // The agent sends it again.
    assert_eq!(fixture.logs.append(log, 5, chunk(5..10)).await.unwrap(), 10);
    assert_eq!(fixture.keys().await.len(), 3);
    assert_eq!(fixture.unknown_objects().await.len(), 1);
    assert_eq!(all(&fixture.logs, log).await, numbered(0..10));
}

#[tokio::test]
async fn a_server_that_failed_to_commit_knows_the_end_of_the_log_again() {
    let fixture = Fixture::with(LogSettings::default()).await;
    let log = fixture.log().await;
    fixture.logs.append(log, 0, chunk(0..5)).await.unwrap();
    let mut other = fixture.database.connection().await;
    sqlx::query("alter table log_chunks rename to elsewhere")
        .execute(&mut other)
        .await
        .unwrap();
    let failed = fixture.logs.append(log, 5, chunk(5..7)).await.unwrap_err();
    assert!(matches!(failed, LogError::Store(_)), "{failed}");
    sqlx::query("alter table elsewhere rename to log_chunks")
        .execute(&mut other)
        .await
        .unwrap();
    assert_eq!(fixture.logs.append(log, 5, chunk(5..9)).await.unwrap(), 9);
    assert_eq!(all(&fixture.logs, log).await, numbered(0..9));
}

#[tokio::test]
async fn a_storage_that_takes_nothing_loses_nothing() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    let log = fixture.log().await;
    // No folder can be made where a file stands.
    let in_the_way = ObjectKey::parse("logs").unwrap();
    fixture
        .objects
        .put(&in_the_way, b"x".to_vec().into())
        .await
        .unwrap();
    let failed = fixture.logs.append(log, 0, chunk(0..5)).await.unwrap_err();
    assert!(matches!(failed, LogError::Objects(_)), "{failed}");
    assert_eq!(fixture.logs.summary(log).await.unwrap().lines, 0);
    fixture.objects.delete(&in_the_way).await.unwrap();
    assert_eq!(fixture.logs.append(log, 0, chunk(0..5)).await.unwrap(), 5);
    assert_eq!(all(&fixture.logs, log).await, numbered(0..5));
}

#[tokio::test]
async fn a_broken_or_missing_object_is_named_and_the_rest_is_readable() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    let log = fixture.log().await;
    for first in [0, 5, 10] {
        fixture
            .logs
            .append(log, first, chunk(first..first + 5))
            .await
            .unwrap();
    }
    let keys = fixture.keys().await;
    let key = keys.iter().find(|key| key.contains("/5-")).unwrap();
    let key = ObjectKey::parse(key).unwrap();
    fixture
        .objects
        .put(&key, b"rotten".to_vec().into())
        .await
        .unwrap();
    let error = fixture.logs.read(log, 0..15).await.unwrap_err();
    let place = format!("lines 5 to 9 of log `{log}` are broken in the storage: ");
    assert!(error.to_string().starts_with(&place), "{error}");
    fixture.objects.delete(&key).await.unwrap();
    let error = fixture.logs.read(log, 0..15).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("line 5 of log `{log}` is missing in the storage")
    );
    assert_eq!(fixture.logs.read(log, 10..15).await.unwrap(), numbered(10..15));
    assert_eq!(fixture.logs.append(log, 15, chunk(15..16)).await.unwrap(), 16);
}
