//! The whole database as a stream, and back.

use keirin_store::backup::BackupError;
use keirin_store::engine::{EventBatch, Position};
use keirin_store::{Store, StoreError};
use keirin_testkit::contract::{self, EngineStore};
use keirin_testkit::database;
use tokio::io::AsyncWriteExt as _;

use crate::fixture::{Led, TERM, led, project};

/// The id as an owner of objects that a restored database gets.
const OWNER: &str = "restored";

async fn taken(led: &Led) -> Vec<u8> {
    let mut bytes = Vec::new();
    let summary = led.store.backup(&mut bytes).await.unwrap();
    assert!(summary.rows > 20, "{summary:?}");
    bytes
}

async fn with_history(store: Store) -> Led {
    let led = led(store).await;
    contract::random_changes(&led, 11, 20).await;
    led.store
        .set_project_credential(led.seed.branches[0].0, Some(b"\x00\xff\\sealed\n\t"))
        .await
        .unwrap();
    led
}

#[tokio::test]
async fn what_was_backed_up_is_restored() {
    let database = database().await;
    let led = with_history(database.store()).await;
    // A number that was given out and is gone is not given out again.
    let (gone, _) = project(&led.store, "gone").await;
    led.store.delete_project(gone).await.unwrap();
    led.store.ensure_object_owner("original").await.unwrap();
    let bytes = taken(&led).await;

    let other = keirin_testkit::database().await;
    let store = other.store();
    let summary = store.restore(bytes.as_slice(), false, OWNER).await.unwrap();
    assert!(summary.rows > 20);
    assert_eq!(store.snapshot().await.unwrap(), led.snapshot().await);
    assert_eq!(
        store
            .repository_access(led.seed.branches[0].0)
            .await
            .unwrap()
            .credential
            .unwrap(),
        b"\x00\xff\\sealed\n\t"
    );
    // What the original owns is not the copy's.
    let owner = store.object_owner().await.unwrap();
    assert_eq!(owner.as_deref(), Some(OWNER));
    let (next, _) = project(&store, "next").await;
    assert!(next > gone, "{next} comes after {gone}");

    // The leader of before leads no more, and another can go on.
    assert_eq!(store.leader().await.unwrap(), None);
    let lease = store
        .try_lead("another", TERM)
        .await
        .unwrap()
        .expect("nobody leads");
    assert!(lease.epoch > led.lease.epoch);
    let old = led.store.newest_position().await.unwrap();
    if old != Position::START {
        assert_eq!(store.events_after(old, 1).await.unwrap(), EventBatch::Gone);
    }
    // A second server finds tables that need nothing done.
    other.another_store().await.migrate().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_in_use_is_replaced_only_when_told() {
    let database = database().await;
    let led = with_history(database.store()).await;
    let bytes = taken(&led).await;
    project(&led.store, "later").await;
    let refused = led.store.restore(bytes.as_slice(), false, OWNER).await;
    assert!(matches!(refused, Err(BackupError::NotEmpty)), "{refused:?}");
    led.store.project_by_name("later").await.unwrap();

    led.store.restore(bytes.as_slice(), true, OWNER).await.unwrap();
    let later = led.store.project_by_name("later").await;
    assert!(matches!(later, Err(StoreError::NotFound(_))), "{later:?}");
    led.store.project_by_name("first").await.unwrap();
}

#[tokio::test]
async fn a_damaged_backup_changes_nothing() {
    let database = database().await;
    let led = with_history(database.store()).await;
    let bytes = taken(&led).await;
    let before = led.snapshot().await;

    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 0x55;
    let mut without_end = bytes.clone();
    without_end.truncate(bytes.len() - 1);
    let damaged = [
        ("a changed byte", changed),
        ("no end", without_end),
        ("half of it", bytes[..middle].to_vec()),
        ("something else", b"something else that is long enough".to_vec()),
        ("nothing", Vec::new()),
    ];
    for (what, bytes) in damaged {
        let refused = led.store.restore(bytes.as_slice(), true, OWNER).await;
        assert!(
            matches!(refused, Err(BackupError::Damaged(_) | BackupError::NotABackup)),
            "{what}: {refused:?}"
        );
        assert_eq!(led.snapshot().await, before, "{what}");
    }
    led.store.restore(bytes.as_slice(), true, OWNER).await.unwrap();
    assert_eq!(led.snapshot().await, before);
}

#[tokio::test]
async fn a_restore_that_was_killed_is_undone_by_whoever_comes_next() {
    let database = database().await;
    let led = with_history(database.store()).await;
    let bytes = taken(&led).await;
    let before = led.snapshot().await;

    let (reader, mut writer) = tokio::io::duplex(64);
    let store = database.another_store().await;
    let restoring = tokio::spawn(async move { store.restore(reader, true, OWNER).await });
    // What it has taken of these bytes it has read within its work on the tables.
    writer.write_all(&bytes[..bytes.len() - 100]).await.unwrap();
    restoring.abort();
    assert!(restoring.await.unwrap_err().is_cancelled());

    let next = database.another_store().await;
    next.migrate().await.unwrap();
    assert_eq!(next.snapshot().await.unwrap(), before);
    // It can be done again.
    next.restore(bytes.as_slice(), true, OWNER).await.unwrap();
    assert_eq!(next.snapshot().await.unwrap(), before);
}
