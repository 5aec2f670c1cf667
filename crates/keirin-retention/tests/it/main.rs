//! What goes away, from the wish to the last row and object, and what must never go.
// The age of an object is by the clock of its storage.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod expiry;
mod fixture;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keirin_background::{JobFailure, NextRun};
use keirin_retention::{ObjectOwner, OwnershipError, RemovalCounts};
use keirin_store::audit::AuditFilter;
use keirin_store::engine::{EventBatch, Position};

use fixture::Fixture;

#[tokio::test]
async fn what_a_deleted_project_leaves_goes_in_pieces_and_nothing_of_others() {
    let fixture = Fixture::at(Timestamp::now()).await;
    fixture.retention.claim_if_unowned("this").await.unwrap();
    let (gone, stays) = (
        fixture.project("gone", 250).await,
        fixture.project("stays", 3).await,
    );
    let of_others = fixture.rows(stays).await;
    let objects_of = |project: keirin_model::ProjectId| {
        [1, 2, 3].map(|flow| format!("artifacts/{}", project.0 * 1000 + flow))
    };
    for key in [objects_of(gone), objects_of(stays)].concat() {
        fixture.put(&key).await;
    }

    fixture.store.delete_project(gone).await.unwrap();
    assert_eq!(fixture.rows(gone).await["flows"], 250, "they go later");
    let visible = fixture.retention.storage_use().await.unwrap();
    assert!(
        visible
            .iter()
            .all(|item| item.project.as_deref() == Some("stays")),
        "and nobody sees them"
    );
    // The name is free, and what another project of this name does is not taken for what the first one left.
    let another = fixture.project("gone", 3).await;
    let of_another = fixture.rows(another).await;

    let job = fixture.begin("clear_deleted_project").await;
    assert_eq!(job.key, format!("gone ({gone})"));
    assert_eq!(fixture.work(&job).await, Ok(NextRun::Done));
    assert_eq!(fixture.rows(gone).await, BTreeMap::new());
    assert_eq!(fixture.rows(another).await, of_another);
    assert_eq!(fixture.rows(stays).await, of_others);
    let told = fixture.store.background_job(job.id).await.unwrap();
    assert_eq!(told.progress.as_deref(), Some("facts left"));
    // A server that ended just before it could say so does it again.
    assert_eq!(fixture.work(&job).await, Ok(NextRun::Done));

    assert_eq!(fixture.store.count_objects_to_remove().await.unwrap(), 500);
    assert_eq!(fixture.round("remove_objects").await, Ok(NextRun::Done));
    assert_eq!(fixture.keys().await, objects_of(stays));
    assert_eq!(fixture.store.count_objects_to_remove().await.unwrap(), 0);
    let counts = RemovalCounts {
        removed: 500,
        orphans: 0,
    };
    assert_eq!(fixture.retention.counts(), counts);
}

#[tokio::test]
async fn nothing_is_removed_for_a_database_that_only_looks_at_the_objects_of_another() {
    let original = Fixture::at(Timestamp::now()).await;
    original.retention.claim_if_unowned("original").await.unwrap();
    original.retention.claim_if_unowned("drawn anew").await.unwrap();
    original.put("artifacts/needed").await;
    let copy = original.another().await;
    assert!(matches!(
        copy.retention.claim_if_unowned("copy").await,
        Err(OwnershipError::Another)
    ));
    assert_eq!(copy.retention.owner().await.unwrap(), ObjectOwner::Another);
    copy.store
        .discard_objects(&["artifacts/needed".to_owned()])
        .await
        .unwrap();
    for kind in ["remove_objects", "sweep_objects"] {
        let Err(JobFailure::Passing(message)) = copy.round(kind).await else {
            panic!("{kind} goes on");
        };
        assert!(message.contains("keirin admin storage claim"), "{message}");
    }
    assert_eq!(original.keys().await, ["artifacts/needed"]);
    assert_eq!(original.retention.owner().await.unwrap(), ObjectOwner::This);

    copy.retention.claim("copy").await.unwrap();
    assert_eq!(copy.round("remove_objects").await, Ok(NextRun::Done));
    assert_eq!(original.retention.owner().await.unwrap(), ObjectOwner::Another);
    assert_eq!(original.keys().await, [""; 0]);
}

#[tokio::test]
async fn what_a_crash_left_without_a_row_is_swept_after_a_day() {
    let fixture = Fixture::at(Timestamp::now()).await;
    fixture.retention.claim_if_unowned("this").await.unwrap();
    let project = fixture.project("shop", 1).await;
    let known = [
        format!("artifacts/{}001", project.0),
        format!("logs/{}001", project.0),
    ];
    let orphans = ["artifacts/orphan", "logs/1/orphan"];
    let elsewhere = tempfile::TempDir::new().unwrap();
    std::fs::write(elsewhere.path().join("precious"), "x").unwrap();
    let others = ["elsewhere/orphan", "logs-of-others/1"];
    for key in known.iter().map(String::as_str).chain(orphans).chain(others) {
        fixture.put(key).await;
    }
    assert_eq!(fixture.round("sweep_objects").await, Ok(NextRun::Done));
    assert_eq!(fixture.keys().await.len(), 6, "their rows may be on their way");

    let later = Fixture::at(Timestamp::now() + SignedDuration::from_hours(25)).await;
    later.retention.claim_if_unowned("this").await.unwrap();
    let project = later.project("shop", 1).await;
    let known = [
        format!("artifacts/{}001", project.0),
        format!("logs/{}001", project.0),
    ];
    later
        .store
        .discard_objects(&["logs/on-its-way".to_owned()])
        .await
        .unwrap();
    for key in known
        .iter()
        .map(String::as_str)
        .chain(orphans)
        .chain(others)
        .chain(["logs/on-its-way"])
    {
        later.put(key).await;
    }
    // Somebody has put a link there.
    later.link(elsewhere.path(), "artifacts/link");
    assert_eq!(later.round("sweep_objects").await, Ok(NextRun::Done));
    let mut rest: Vec<&str> = known
        .iter()
        .map(String::as_str)
        .chain(others)
        .chain(["logs/on-its-way"])
        .collect();
    rest.sort_unstable();
    let mut keys = later.keys().await;
    keys.retain(|key| key != "artifacts/link/precious");
    assert_eq!(keys, rest);
    assert!(elsewhere.path().join("precious").exists());
    assert_eq!(later.retention.counts().orphans, 2);
}

#[tokio::test]
async fn a_restored_database_takes_no_objects_that_were_there_before_it() {
    let restored = Fixture::at(Timestamp::now()).await;
    // As a restore leaves it: with an id of its own, and objects that do not say whose they are, as of a version before.
    restored.store.ensure_object_owner("restored").await.unwrap();
    restored.put("artifacts/of-the-original").await;
    let refused = restored.retention.claim_if_unowned("unused").await;
    assert!(matches!(refused, Err(OwnershipError::Nobody)), "{refused:?}");
    let Err(JobFailure::Passing(message)) = restored.round("sweep_objects").await else {
        panic!("it goes on");
    };
    assert!(message.contains("does not say whose they are"), "{message}");
    // A server that was only brought to this version has no id yet, and the objects are its own.
    let same = restored.another().await;
    same.retention.claim_if_unowned("same").await.unwrap();
    assert_eq!(same.retention.owner().await.unwrap(), ObjectOwner::This);
}

#[tokio::test]
async fn events_go_after_a_week_but_for_the_one_that_a_reader_may_stand_on() {
    let fixture = Fixture::at(Timestamp::now()).await;
    fixture
        .execute(
            "insert into events (at, items)
               select now() - case when number <= 6000 then interval '8 days' else interval '6 days' end, '[]'
               from generate_series(1, 6003) as number",
        )
        .await;
    fixture.database.settled().await;
    let newest = fixture.store.newest_position().await.unwrap();
    assert_eq!(fixture.round("remove_events").await, Ok(NextRun::Done));
    assert_eq!(fixture.retention.events_removed(), 5999);
    // Whoever had read all but the last three reads on from there.
    let stood_on = Position {
        number: newest.number - 3,
        ..newest
    };
    let EventBatch::After { events, .. } = fixture.store.events_after(stood_on, 10).await.unwrap() else {
        panic!("the newest of the old ones is gone");
    };
    assert_eq!(events.len(), 3);
    assert_eq!(fixture.round("remove_events").await, Ok(NextRun::Done));
    assert_eq!(fixture.retention.events_removed(), 5999);
}

#[tokio::test]
async fn the_audit_log_keeps_its_entries_as_long_as_it_is_told_to() {
    let fixture = Fixture::at(Timestamp::now()).await;
    fixture
        .execute(
            "insert into audit_log (at, request, operation)
               select now() - case when number <= 6000 then interval '25 hours' else interval '23 hours' end, '', 'users_change'
               from generate_series(1, 6003) as number",
        )
        .await;
    assert_eq!(fixture.round("remove_audit_entries").await, Ok(NextRun::Done));
    assert_eq!(fixture.retention.audit_entries_removed(), 6000);
    let left = AuditFilter {
        limit: 10,
        ..AuditFilter::default()
    };
    assert_eq!(fixture.store.audit_log(left).await.unwrap().len(), 3);
}

#[tokio::test]
async fn objects_that_cannot_be_removed_keep_no_others() {
    let fixture = Fixture::at(Timestamp::now()).await;
    fixture.retention.claim_if_unowned("this").await.unwrap();
    fixture.put("artifacts/1").await;
    let keys = ["no key at all", "artifacts/1"].map(str::to_owned);
    fixture.store.discard_objects(&keys[..1]).await.unwrap();
    fixture.store.discard_objects(&keys[1..]).await.unwrap();
    let Err(JobFailure::Passing(message)) = fixture.round("remove_objects").await else {
        panic!("it goes well");
    };
    assert!(
        message.starts_with("1 of the objects cannot be removed, no key at all among them"),
        "{message}"
    );
    assert_eq!(fixture.keys().await, [""; 0]);
    assert_eq!(fixture.store.count_objects_to_remove().await.unwrap(), 1);
}
