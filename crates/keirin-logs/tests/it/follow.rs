//! People watch a log that is being written.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use keirin_logs::{LogError, LogPart};
use keirin_model::LogStreamId;
use keirin_wire::log::{Chunk, ChunkLine};
use tokio::sync::Barrier;

use crate::fixture::{Fixture, NOTHING_INLINE, chunk, flat, now, numbered, text_line};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn followers_get_each_line_once_wherever_they_begin() {
    for settings in [keirin_logs::LogSettings::default(), NOTHING_INLINE] {
        let fixture = Fixture::with(settings).await;
        let log = fixture.log().await;
        let barrier = Arc::new(Barrier::new(9));
        let mut followers = Vec::new();
        for number in 0..8 {
            let (logs, barrier) = (fixture.logs.clone(), Arc::clone(&barrier));
            followers.push(tokio::spawn(async move {
                // Half of them are there before the first line.
                if number % 2 == 0 {
                    barrier.wait().await;
                }
                let from = number * 7;
                let followed: Vec<LogPart> = match number % 2 {
                    0 => logs.follow(log, from).try_collect().await.unwrap(),
                    _ => {
                        let followed = logs.follow(log, from);
                        barrier.wait().await;
                        followed.try_collect().await.unwrap()
                    }
                };
                assert_eq!(flat(followed), numbered(from..200));
            }));
        }
        barrier.wait().await;
        for first in (0..200).step_by(4) {
            fixture
                .logs
                .append(log, first, chunk(first..first + 4))
                .await
                .unwrap();
            // Now and then a piece comes twice.
            if first % 12 == 0 {
                fixture
                    .logs
                    .append(log, first, chunk(first..first + 4))
                    .await
                    .unwrap();
            }
        }
        fixture.logs.close(log, now()).await.unwrap();
        for follower in followers {
            follower.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_line_is_seen_before_the_log_is_closed() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    let mut followed = fixture.logs.follow(log, 0);
    for first in [0, 2, 4] {
        fixture
            .logs
            .append(log, first, chunk(first..first + 2))
            .await
            .unwrap();
        let part = followed.next().await.unwrap().unwrap();
        assert_eq!(flat(vec![part]), numbered(first..first + 2));
    }
    fixture.logs.close(log, now()).await.unwrap();
    assert!(followed.next().await.is_none());
}

#[tokio::test]
async fn a_slow_follower_reads_what_is_no_longer_in_memory() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    let lines: Vec<ChunkLine> = (0..100)
        .map(|number| text_line(number, &format!("{number}").repeat(20_000)))
        .collect();
    let mut followed = fixture.logs.follow(log, 0);
    fixture
        .logs
        .append(log, 0, Chunk::encode(&lines[..1]).unwrap())
        .await
        .unwrap();
    let mut parts = vec![followed.next().await.unwrap().unwrap()];
    for number in 1..100 {
        let encoded = Chunk::encode(&lines[number..=number]).unwrap();
        fixture.logs.append(log, number as u64, encoded).await.unwrap();
    }
    fixture.logs.close(log, now()).await.unwrap();
    while fixture.logs.seal().await.unwrap().sealed > 0 {}
    parts.extend(followed.try_collect::<Vec<_>>().await.unwrap());
    let seen: Vec<ChunkLine> = flat(parts).into_iter().map(|(_, line)| line).collect();
    assert!(seen == lines, "the lines differ");
}

#[tokio::test]
async fn following_a_closed_log_is_reading_it() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    fixture.logs.append(log, 0, chunk(0..5)).await.unwrap();
    fixture.logs.close(log, now()).await.unwrap();
    let parts: Vec<LogPart> = fixture.logs.follow(log, 2).try_collect().await.unwrap();
    assert_eq!(flat(parts), numbered(2..5));
    let beyond: Vec<LogPart> = fixture.logs.follow(log, 90).try_collect().await.unwrap();
    assert!(beyond.is_empty());
    let nowhere = fixture.logs.follow(LogStreamId(4711), 0).next().await.unwrap();
    assert!(matches!(nowhere, Err(LogError::NotFound(_))));
}

#[tokio::test]
async fn an_empty_log_ends_when_it_is_closed() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    let followed = tokio::spawn(fixture.logs.follow(log, 0).try_collect::<Vec<_>>());
    fixture.logs.close(log, now()).await.unwrap();
    assert!(followed.await.unwrap().unwrap().is_empty());
}
