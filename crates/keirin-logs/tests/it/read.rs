//! Reading by number, and whole logs as text.

use futures::TryStreamExt;
use keirin_logs::LogTimestamps;
use keirin_wire::log::{Chunk, ChunkLine};
use proptest::prelude::*;

use crate::fixture::{Fixture, NOTHING_INLINE, chunk, line, now, numbered};

#[tokio::test]
async fn a_log_is_downloaded_as_it_was_written() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    fixture.logs.append(log, 0, chunk(0..2)).await.unwrap();
    fixture.logs.append(log, 2, chunk(2..3)).await.unwrap();
    let text = |times| fixture.logs.download(log, times).try_collect::<Vec<_>>();
    assert_eq!(
        text(LogTimestamps::Without).await.unwrap().concat(),
        b"line 0\nline 1\nline 2\n"
    );
    let with = String::from_utf8(text(LogTimestamps::With).await.unwrap().concat()).unwrap();
    let expected = "2023-11-14T22:13:20.000Z line 0\n2023-11-14T22:13:20.001Z line 1\n\
        2023-11-14T22:13:20.002Z line 2\n";
    assert_eq!(with, expected);
    assert_eq!(
        fixture
            .logs
            .download(fixture.log().await, LogTimestamps::With)
            .try_collect::<Vec<_>>()
            .await
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn a_cut_line_says_so_in_a_downloaded_log() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    let cut = ChunkLine { cut: true, ..line(0) };
    fixture.logs.write(log, &[cut, line(1)]).await.unwrap();
    let text = fixture
        .logs
        .download(log, LogTimestamps::Without)
        .try_collect::<Vec<_>>();
    assert_eq!(
        text.await.unwrap().concat(),
        b"line 0 [cut here: the line is longer]\nline 1\n"
    );
}

#[tokio::test]
async fn the_end_of_a_long_log_is_read_without_the_rest() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    let log = fixture.log().await;
    for first in (0..100_000).step_by(20_000) {
        fixture
            .logs
            .append(log, first, chunk(first..first + 20_000))
            .await
            .unwrap();
    }
    // Without its first chunks the end is still there, so they were not read for it.
    for key in fixture.keys().await.iter().filter(|key| !key.contains("/80000-")) {
        fixture.objects.delete(&key.parse().unwrap()).await.unwrap();
    }
    let lines = fixture.logs.summary(log).await.unwrap().lines;
    assert_eq!(
        fixture.logs.read(log, lines - 50..lines).await.unwrap(),
        numbered(99_950..100_000)
    );
}

#[test]
fn any_range_is_what_a_plain_list_gives() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fixture = runtime.block_on(Fixture::with(keirin_logs::LogSettings {
        inline_bytes: 60,
        ..NOTHING_INLINE
    }));
    let pieces = prop::collection::vec(1_u64..40, 0..12);
    let ranges = prop::collection::vec((0_u64..300, 0_u64..300), 1..10);
    let config = ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(pieces in pieces, ranges in ranges, seal in any::<bool>())| {
        runtime.block_on(async {
            let log = fixture.log().await;
            let mut list: Vec<ChunkLine> = Vec::new();
            for count in pieces {
                let first = list.len() as u64;
                let lines: Vec<ChunkLine> = (first..first + count).map(line).collect();
                fixture.logs.append(log, first, Chunk::encode(&lines).unwrap()).await.unwrap();
                list.extend(lines);
            }
            if seal {
                fixture.logs.close(log, now()).await.unwrap();
                fixture.logs.seal().await.unwrap();
            }
            for (start, length) in ranges {
                let read = fixture.logs.read(log, start..start + length).await.unwrap();
                let skipped = list.iter().enumerate().skip(start as usize).take(length as usize);
                let expected: Vec<(u64, ChunkLine)> =
                    skipped.map(|(number, line)| (number as u64, line.clone())).collect();
                assert_eq!(read, expected);
            }
        });
    });
    drop(fixture);
}
