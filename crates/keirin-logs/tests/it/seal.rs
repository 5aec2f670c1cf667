//! Small chunks are merged, and no crash on the way costs a line.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use keirin_logs::LogSettings;
use keirin_model::LogStreamId;
use keirin_store::background_jobs::BackgroundJobFilter;

use crate::fixture::{Fixture, NOTHING_INLINE, all, chunk, now, numbered};

async fn closed_log(fixture: &Fixture) -> LogStreamId {
    let log = fixture.log().await;
    for first in (0..48).step_by(4) {
        fixture
            .logs
            .append(log, first, chunk(first..first + 4))
            .await
            .unwrap();
    }
    fixture.logs.close(log, now()).await.unwrap();
    log
}

#[tokio::test]
async fn a_closed_log_is_kept_in_few_pieces() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    let log = closed_log(&fixture).await;
    let sealed = fixture.logs.seal().await.unwrap();
    assert_eq!((sealed.sealed, sealed.failed.len()), (1, 0));
    assert_eq!(fixture.rows(log).await, (1, 1));
    assert_eq!(fixture.keys().await.len(), 1);
    assert_eq!(all(&fixture.logs, log).await, numbered(0..48));
    assert_eq!(fixture.logs.seal().await.unwrap().sealed, 0);
}

#[tokio::test]
async fn a_small_log_stays_in_the_database() {
    let fixture = Fixture::new().await;
    let log = closed_log(&fixture).await;
    fixture.logs.seal().await.unwrap();
    assert_eq!(fixture.rows(log).await, (1, 0));
    assert_eq!(fixture.keys().await.len(), 0);
    assert_eq!(all(&fixture.logs, log).await, numbered(0..48));
}

#[tokio::test]
async fn a_log_of_many_pieces_is_merged_while_it_grows() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    for first in 0..600 {
        fixture
            .logs
            .append(log, first, chunk(first..first + 1))
            .await
            .unwrap();
        if first == 300 {
            let jobs = fixture
                .database
                .store()
                .background_jobs(BackgroundJobFilter {
                    limit: 10,
                    ..Default::default()
                })
                .await;
            assert_eq!(jobs.unwrap()[0].kind, "seal_logs");
            assert_eq!(fixture.logs.seal().await.unwrap().sealed, 1);
            assert_eq!(fixture.rows(log).await.0, 1);
        }
    }
    assert_eq!(all(&fixture.logs, log).await, numbered(0..600));
    fixture.logs.close(log, now()).await.unwrap();
    assert_eq!(fixture.logs.seal().await.unwrap().sealed, 1);
    assert_eq!(fixture.rows(log).await.0, 1);
    assert_eq!(all(&fixture.logs, log).await, numbered(0..600));
}

#[tokio::test]
async fn dying_anywhere_while_merging_leaves_the_log_readable() {
    for settings in [
        NOTHING_INLINE,
        LogSettings {
            inline_bytes: 100,
            ..NOTHING_INLINE
        },
    ] {
        let fixture = Fixture::with(settings).await;
        let mut deaths = 0;
        let mut polls = 0;
        loop {
            // Every early moment, and then ever rarer ones: how often a task is polled depends on the machine, and may be
            // thousands of times.
            polls += 1 + polls / 8;
            let log = closed_log(&fixture).await;
            let finished = {
                let server = fixture.another_server().await;
                let mut sealing = pin!(server.seal());
                let mut left = polls;
                poll_fn(move |context| {
                    if left == 0 {
                        return Poll::Ready(false);
                    }
                    left -= 1;
                    sealing
                        .as_mut()
                        .poll(context)
                        .map(|sealed| sealed.unwrap().failed.is_empty())
                })
                .await
            };
            let server = fixture.another_server().await;
            assert_eq!(all(&server, log).await, numbered(0..48), "died at poll {polls}");
            // What died is done by the next server.
            server.seal().await.unwrap();
            assert_eq!(fixture.rows(log).await.0, 1);
            assert_eq!(all(&server, log).await, numbered(0..48));
            if finished {
                break;
            }
            deaths += 1;
        }
        // How often it waits depends on how soon the database answers: on a busy machine hardly ever.
        assert!(deaths > 0, "it never died");
        // A statement of a server that died may still be running; so this comes last.
        let unknown = fixture.unknown_objects().await;
        let mut connection = fixture.database.connection().await;
        let pointed: Vec<String> = sqlx::query_scalar(
            "select object from log_chunks where object is not null order by object collate \"C\"",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        let mut all = [unknown, pointed].concat();
        all.sort();
        assert_eq!(fixture.keys().await, all);
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_merged_holds_up_no_other() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    let broken = closed_log(&fixture).await;
    for key in fixture.keys().await {
        fixture
            .objects
            .put(&key.parse().unwrap(), b"rotten".to_vec().into())
            .await
            .unwrap();
    }
    let log = closed_log(&fixture).await;
    let sealed = fixture.logs.seal().await.unwrap();
    assert_eq!(sealed.sealed, 1);
    assert_eq!(
        sealed
            .failed
            .iter()
            .map(|(stream, _)| *stream)
            .collect::<Vec<_>>(),
        [broken]
    );
    assert_eq!(fixture.rows(log).await.0, 1);
    assert_eq!(fixture.rows(broken).await.0, 12);
}
