//! Old logs go, and take their objects with them.

use jiff::{Timestamp, ToSpan};
use keirin_logs::LogError;

use crate::fixture::{Fixture, NOTHING_INLINE, all, chunk, now, numbered};

#[tokio::test]
async fn logs_that_were_closed_long_ago_are_removed() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    let (old, young, open) = (fixture.log().await, fixture.log().await, fixture.log().await);
    for log in [old, young, open] {
        fixture.logs.append(log, 0, chunk(0..5)).await.unwrap();
    }
    fixture.logs.close(old, now()).await.unwrap();
    fixture.logs.close(young, now() + 2.hours()).await.unwrap();
    let expired = fixture.logs.expired(now() + 1.hour(), 10).await.unwrap();
    assert_eq!(expired, [old]);
    fixture.logs.remove(&[old, open]).await.unwrap();
    assert!(matches!(
        fixture.logs.summary(old).await,
        Err(LogError::NotFound(_))
    ));
    assert_eq!(all(&fixture.logs, old).await, []);
    for log in [young, open] {
        assert_eq!(all(&fixture.logs, log).await, numbered(0..5));
    }
    assert_eq!(fixture.keys().await.len(), 2);
}

#[tokio::test]
async fn the_sweep_leaves_what_is_not_of_logs() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    let log = fixture.log().await;
    fixture.logs.append(log, 0, chunk(0..5)).await.unwrap();
    let kept = ["artifacts/1", "logs-of-others/1"];
    for key in kept.iter().chain(&["logs/1/0-orphan"]) {
        fixture
            .objects
            .put(&key.parse().unwrap(), b"x".to_vec().into())
            .await
            .unwrap();
    }
    assert_eq!(fixture.logs.sweep_orphans(Timestamp::MAX).await.unwrap(), 1);
    assert_eq!(fixture.keys().await.len(), 3);
    assert_eq!(all(&fixture.logs, log).await, numbered(0..5));
}
