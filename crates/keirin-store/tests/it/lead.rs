//! Who leads, and what somebody who does not lead any more can do: nothing.

use std::time::Duration;

use keirin_engine::RowChange;
use keirin_store::engine::CommitError;
use keirin_testkit::contract::{EngineStore, SampleRows};
use keirin_testkit::database;
use sqlx::Connection;

use crate::fixture::{TERM, led, now};

const OVER: Duration = Duration::ZERO;

#[tokio::test]
async fn one_leads_and_the_others_wait() {
    let database = database().await;
    let (first, second) = (database.store(), database.another_store().await);
    assert_eq!(first.leader().await.unwrap(), None);
    let lease = first
        .try_lead("first", TERM)
        .await
        .unwrap()
        .expect("nobody leads yet");
    assert_eq!(second.try_lead("second", TERM).await.unwrap(), None);
    assert!(first.renew(&lease, TERM).await.unwrap());
    let leader = second.leader().await.unwrap().expect("somebody leads");
    assert_eq!((leader.holder.as_str(), leader.in_term), ("first", true));

    // The first lets its term run out: it may still prolong it, until somebody else takes over.
    assert!(first.renew(&lease, OVER).await.unwrap());
    assert!(
        !second
            .leader()
            .await
            .unwrap()
            .expect("it still holds the lead")
            .in_term
    );
    assert!(first.renew(&lease, OVER).await.unwrap());
    let taken = second
        .try_lead("second", TERM)
        .await
        .unwrap()
        .expect("the term is over");
    assert!(taken.epoch > lease.epoch);
    assert!(!first.renew(&lease, TERM).await.unwrap());
}

#[tokio::test]
async fn a_deposed_leader_cannot_commit() {
    let database = database().await;
    let led = led(database.store()).await;
    let (_, _, _, changes) =
        SampleRows::after(&led.snapshot().await, now()).flow_changes(led.seed.branches[0], 1, 1);
    led.store.renew(&led.lease, OVER).await.unwrap();

    let another = database.another_store().await;
    let lease = another
        .try_lead("another", TERM)
        .await
        .unwrap()
        .expect("the term is over");
    let refused = led.store.commit(led.lease.epoch, &changes).await;
    assert!(matches!(refused, Err(CommitError::Deposed)), "{refused:?}");
    assert!(another.snapshot().await.unwrap().flows.is_empty());
    another.commit(lease.epoch, &changes).await.unwrap();
}

#[tokio::test]
async fn a_leader_that_is_deposed_in_the_midst_of_a_commit_writes_nothing() {
    let database = database().await;
    let led = led(database.store()).await;
    let (_, _, _, changes) =
        SampleRows::after(&led.snapshot().await, now()).flow_changes(led.seed.branches[0], 1, 1);

    // Another server is just taking the lead: its transaction holds the row that the commit must have.
    let mut other = database.connection().await;
    let mut taking = other.begin().await.unwrap();
    sqlx::query("update leader set epoch = epoch + 1, holder = 'another'")
        .execute(&mut *taking)
        .await
        .unwrap();
    let store = led.store.clone();
    let epoch = led.lease.epoch;
    let commit = tokio::spawn(async move { store.commit(epoch, &changes).await });
    wait_for_lock(&database).await;
    taking.commit().await.unwrap();
    let refused = commit.await.unwrap();
    assert!(matches!(refused, Err(CommitError::Deposed)), "{refused:?}");
    assert!(led.snapshot().await.flows.is_empty());
}

#[tokio::test]
async fn whoever_gives_the_lead_back_leaves_it_to_the_next() {
    let database = database().await;
    let (first, second) = (database.store(), database.another_store().await);
    let lease = first
        .try_lead("first", TERM)
        .await
        .unwrap()
        .expect("nobody leads yet");
    first.release(&lease).await.unwrap();
    assert_eq!(second.leader().await.unwrap(), None);
    assert!(
        !first.renew(&lease, TERM).await.unwrap(),
        "what was given back is gone"
    );
    let refused = first.commit(lease.epoch, &[] as &[RowChange]).await;
    assert!(matches!(refused, Err(CommitError::Deposed)), "{refused:?}");
    assert!(second.try_lead("second", TERM).await.unwrap().is_some());
}

/// Returns once somebody in this database waits for a lock.
async fn wait_for_lock(database: &keirin_testkit::TestDatabase) {
    let mut connection = database.connection().await;
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        if waiting > 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}
