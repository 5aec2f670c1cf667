//! The stream of events: nothing is skipped, whatever commits in which order.

use keirin_engine::{Move, RowChange};
use keirin_model::Status;
use keirin_store::Store;
use keirin_store::engine::{Event, EventBatch, EventKind, Position};
use keirin_testkit::contract::{EngineStore, SampleRows};
use keirin_testkit::{TestDatabase, database};
use sqlx::{Connection, PgConnection};

use crate::fixture::{led, now};

/// Reads on until nothing is left unsettled: other tests' transactions on the same server hold a reader back.
async fn settled(store: &Store, mut position: Position) -> Vec<Event> {
    let mut read = Vec::new();
    loop {
        let EventBatch::After { events, unsettled } = store.events_after(position, 100).await.unwrap() else {
            panic!("{position} is gone");
        };
        position = events.last().map_or(position, |event| event.position);
        let more = !events.is_empty();
        read.extend(events);
        if !unsettled && !more {
            return read;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_commit_tells_what_it_changed() {
    let database = database().await;
    let led = led(database.store()).await;
    let mut sample = SampleRows::after(&led.snapshot().await, now());
    let (flow, runs, jobs, changes) = sample.flow_changes(led.seed.branches[0], 1, 1);
    let position = led.store.commit(led.lease.epoch, &changes).await.unwrap();

    let events = settled(&led.store, Position::START).await;
    assert_eq!(events.len(), 1);
    assert_eq!(Some(events[0].position), position);
    let mut items: Vec<_> = events[0]
        .items
        .iter()
        .map(|item| (item.kind, item.id.clone(), item.flow, item.project))
        .collect();
    items.sort_by_key(|(_, id, ..)| id.parse::<i64>().unwrap());
    assert_eq!(
        items,
        [
            (EventKind::Flow, flow.id.to_string(), flow.id, flow.project),
            (EventKind::Run, runs[0].id.to_string(), flow.id, flow.project),
            (EventKind::Job, jobs[0].id.to_string(), flow.id, flow.project),
        ]
    );

    // A change that shows nowhere tells nothing.
    let done = RowChange::ScheduleDone {
        schedule: led.seed.schedules[0],
        due: now(),
    };
    assert_eq!(led.store.commit(led.lease.epoch, &[done]).await.unwrap(), None);
    // What the text of a position says is enough to go on from it.
    let again: Position = events[0].position.to_string().parse().unwrap();
    assert_eq!(settled(&led.store, again).await, []);
}

#[tokio::test]
async fn a_commit_that_changes_very_much_names_only_the_flows() {
    let database = database().await;
    let led = led(database.store()).await;
    let mut sample = SampleRows::after(&led.snapshot().await, now());
    let (flow, _, _, changes) = sample.flow_changes(led.seed.branches[0], 10, 110);
    led.store.commit(led.lease.epoch, &changes).await.unwrap();
    let events = settled(&led.store, Position::START).await;
    assert_eq!(events[0].items.len(), 1);
    assert_eq!(events[0].items[0].kind, EventKind::All);
    assert_eq!(events[0].items[0].id, flow.id.to_string());
}

async fn append(connection: &mut PgConnection) {
    sqlx::query("insert into events (items) values ('[]')")
        .execute(connection)
        .await
        .unwrap();
}

/// Two writers, one of which got its transaction id first and its number last.
async fn interleaved(database: &TestDatabase) -> (PgConnection, PgConnection) {
    let mut early = database.connection().await;
    let mut late = database.connection().await;
    for writer in [&mut early, &mut late] {
        sqlx::query("begin").execute(&mut *writer).await.unwrap();
        sqlx::query("select pg_current_xact_id()")
            .execute(&mut *writer)
            .await
            .unwrap();
    }
    append(&mut late).await;
    append(&mut early).await;
    (early, late)
}

#[tokio::test]
async fn two_interleaved_transactions_lose_no_position() {
    for early_commits_first in [true, false] {
        let database = database().await;
        let store = database.store();
        let (mut early, mut late) = interleaved(&database).await;
        let (first, second) = if early_commits_first {
            (&mut early, &mut late)
        } else {
            (&mut late, &mut early)
        };

        sqlx::query("commit").execute(first).await.unwrap();
        // What a reader gets now, before the other writer is done, is where it goes on from later.
        let EventBatch::After { events, .. } = store.events_after(Position::START, 10).await.unwrap() else {
            panic!("the start is never gone");
        };
        let position = events.last().map_or(Position::START, |event| event.position);
        sqlx::query("commit").execute(second).await.unwrap();

        let later = settled(&store, position).await;
        assert_eq!(
            events.len() + later.len(),
            2,
            "each event is read once; the early one commits first: {early_commits_first}"
        );
        early.close().await.unwrap();
        late.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_is_told_that_there_is_something_it_cannot_read_yet() {
    let database = database().await;
    let store = database.store();
    let (early, mut late) = interleaved(&database).await;
    sqlx::query("commit").execute(&mut late).await.unwrap();
    let read = store.events_after(Position::START, 10).await.unwrap();
    assert_eq!(
        read,
        EventBatch::After {
            events: Vec::new(),
            unsettled: true
        }
    );
    drop(early);
    assert_eq!(
        settled(&store, Position::START).await.len(),
        1,
        "the other one was rolled back"
    );
}

#[tokio::test]
async fn a_reader_that_fell_too_far_behind_is_told_so() {
    let database = database().await;
    let led = led(database.store()).await;
    let mut sample = SampleRows::after(&led.snapshot().await, now());
    let (flow, _, _, changes) = sample.flow_changes(led.seed.branches[0], 1, 1);
    led.store.commit(led.lease.epoch, &changes).await.unwrap();
    let events = settled(&led.store, Position::START).await;
    let mut from = Status::Waiting;
    for _ in 0..3 {
        let to = if from == Status::Waiting {
            Status::Running
        } else {
            Status::Waiting
        };
        let moved = Move {
            id: flow.id,
            from,
            to,
            at: sample.now(),
        };
        led.store
            .commit(led.lease.epoch, &[RowChange::MoveFlow(moved)])
            .await
            .unwrap();
        from = to;
    }
    let all = settled(&led.store, Position::START).await;
    assert_eq!(all.len(), 4);
    let newest = all[3].position;
    assert_eq!(led.store.newest_position().await.unwrap(), newest);

    let far_away = jiff::Timestamp::MAX;
    assert_eq!(led.store.remove_events(far_away, 2).await.unwrap(), 2);
    assert_eq!(led.store.remove_events(far_away, 2).await.unwrap(), 1);
    assert_eq!(led.store.remove_events(far_away, 2).await.unwrap(), 0);
    assert_eq!(
        led.store.events_after(events[0].position, 10).await.unwrap(),
        EventBatch::Gone
    );
    assert_eq!(
        settled(&led.store, newest).await,
        [],
        "the newest is kept to stand on"
    );
    let restored: Position = "999999999-5".parse().unwrap();
    assert_eq!(
        led.store.events_after(restored, 10).await.unwrap(),
        EventBatch::Gone
    );
}
