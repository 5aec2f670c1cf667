//! Old logs go, and take their objects with them.

use jiff::{Timestamp, ToSpan};
use keirin_logs::LogError;

use crate::house::{House, NOTHING_INLINE, all, chunk, now, numbered};

#[tokio::test]
async fn logs_that_were_closed_long_ago_are_removed() {
    let house = House::with(NOTHING_INLINE).await;
    let (old, young, open) = (house.log().await, house.log().await, house.log().await);
    for log in [old, young, open] {
        house.logs.append(log, 0, chunk(0..5)).await.unwrap();
    }
    house.logs.close(old, now()).await.unwrap();
    house.logs.close(young, now() + 2.hours()).await.unwrap();
    let expired = house.logs.expired(now() + 1.hour(), 10).await.unwrap();
    assert_eq!(expired, [old]);
    house.logs.remove(&[old, open]).await.unwrap();
    assert!(matches!(
        house.logs.summary(old).await,
        Err(LogError::NotFound(_))
    ));
    assert_eq!(all(&house.logs, old).await, []);
    for log in [young, open] {
        assert_eq!(all(&house.logs, log).await, numbered(0..5));
    }
    assert_eq!(house.keys().await.len(), 2);
}

#[tokio::test]
async fn the_sweep_leaves_what_is_not_of_logs() {
    let house = House::with(NOTHING_INLINE).await;
    let log = house.log().await;
    house.logs.append(log, 0, chunk(0..5)).await.unwrap();
    let kept = ["artifacts/1", "logs-of-others/1"];
    for key in kept.iter().chain(&["logs/1/0-orphan"]) {
        house
            .objects
            .put(&key.parse().unwrap(), b"x".to_vec().into())
            .await
            .unwrap();
    }
    assert_eq!(house.logs.sweep_orphans(Timestamp::MAX).await.unwrap(), 1);
    assert_eq!(house.keys().await.len(), 3);
    assert_eq!(all(&house.logs, log).await, numbered(0..5));
}
