//! People search the logs of a flow, run, job, agent or service.

use futures::{StreamExt, TryStreamExt};
use keirin_logs::{LogFilter, LogSource, Logs, Match, Pattern, SearchItem, SearchQuery};
use keirin_model::{AgentId, FlowId, JobId, LogStreamId, RunId};
use keirin_wire::log::{Chunk, ChunkLine};
use proptest::prelude::*;

use crate::fixture::{Fixture, NOTHING_INLINE, attempt_in_flow, chunk, line, now, text_line};

fn query(filter: LogFilter, pattern: &str) -> SearchQuery {
    SearchQuery {
        filter,
        pattern: Pattern::regex(pattern, false).unwrap(),
        limit: 1000,
        context: 0,
    }
}

async fn search(logs: &Logs, query: SearchQuery) -> Vec<Match> {
    let items: Vec<SearchItem> = logs.search(query).try_collect().await.unwrap();
    matches(items)
}

fn matches(items: Vec<SearchItem>) -> Vec<Match> {
    let found = items.into_iter().filter_map(|item| match item {
        SearchItem::Match(found) => Some(*found),
        SearchItem::Progress { .. } | SearchItem::End { .. } => None,
    });
    found.collect()
}

fn places(found: &[Match]) -> Vec<(LogStreamId, u64)> {
    found.iter().map(|found| (found.stream, found.number)).collect()
}

#[tokio::test]
async fn lines_are_found_by_where_they_belong() {
    let fixture = Fixture::new().await;
    let logs = &fixture.logs;
    let mut ids = Vec::new();
    let agent = LogSource::Agent(AgentId(1));
    let planner = LogSource::Service("planner".to_owned());
    let sources = [
        attempt_in_flow(800_001, 1),
        attempt_in_flow(800_002, 1),
        attempt_in_flow(800_003, 2),
        agent,
        planner,
    ];
    for source in &sources {
        let log = logs.open(source, now()).await.unwrap();
        logs.append(log, 0, chunk(0..30)).await.unwrap();
        ids.push(log);
    }
    let filter = LogFilter::default;
    let cases = [
        (
            LogFilter {
                flow: Some(FlowId(1)),
                ..filter()
            },
            vec![0, 1],
        ),
        (
            LogFilter {
                run: Some(RunId(20)),
                ..filter()
            },
            vec![2],
        ),
        (
            LogFilter {
                job: Some(JobId(8_000_020)),
                ..filter()
            },
            vec![1],
        ),
        (
            LogFilter {
                agent: Some(AgentId(1)),
                ..filter()
            },
            vec![0, 1, 2, 3],
        ),
        (
            LogFilter {
                service: Some("planner".to_owned()),
                ..filter()
            },
            vec![4],
        ),
        (
            LogFilter {
                streams: Some(vec![ids[2], ids[4]]),
                ..filter()
            },
            vec![2, 4],
        ),
        (
            LogFilter {
                streams: Some(vec![]),
                ..filter()
            },
            vec![],
        ),
        (
            LogFilter {
                flow: Some(FlowId(77)),
                ..filter()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        let found = search(logs, query(filter.clone(), "^line 2$")).await;
        let expected: Vec<_> = expected.into_iter().map(|place: usize| (ids[place], 2)).collect();
        assert_eq!(places(&found), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_match_comes_with_the_lines_around_it_across_chunks() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    for first in [0, 4, 8] {
        fixture
            .logs
            .append(log, first, chunk(first..first + 4))
            .await
            .unwrap();
    }
    let filter = LogFilter {
        streams: Some(vec![log]),
        ..LogFilter::default()
    };
    let found = search(
        &fixture.logs,
        SearchQuery {
            context: 2,
            ..query(filter, "line (0|4|11)$")
        },
    )
    .await;
    let around: Vec<(Vec<u64>, u64, Vec<u64>)> = found
        .iter()
        .map(|found| {
            let numbers =
                |lines: &[(u64, ChunkLine)]| lines.iter().map(|(number, _)| *number).collect::<Vec<_>>();
            (numbers(&found.before), found.number, numbers(&found.after))
        })
        .collect();
    assert_eq!(
        around,
        [
            (vec![], 0, vec![1, 2]),
            (vec![2, 3], 4, vec![5, 6]),
            (vec![9, 10], 11, vec![])
        ]
    );
    assert_eq!(found[1].line, line(4));
    assert_eq!(found[1].before[0].1, line(2));
    #[allow(clippy::single_range_in_vec_init)]
    let whole = [0..6];
    assert_eq!(found[1].ranges, whole);
}

#[tokio::test]
async fn a_search_says_how_far_it_is_and_why_it_ended() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    let log = fixture.log().await;
    for first in (0..40).step_by(10) {
        fixture
            .logs
            .append(log, first, chunk(first..first + 10))
            .await
            .unwrap();
    }
    let filter = LogFilter {
        streams: Some(vec![log]),
        ..LogFilter::default()
    };
    let total = fixture.logs.summary(log).await.unwrap().text_bytes;
    let all: Vec<SearchItem> = fixture
        .logs
        .search(query(filter.clone(), "nothing"))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 5);
    assert_eq!(
        all[3],
        SearchItem::Progress {
            searched: total,
            total
        }
    );
    assert_eq!(all[4], SearchItem::End { limited: false });
    let few = SearchQuery {
        limit: 13,
        ..query(filter.clone(), "line")
    };
    let few: Vec<SearchItem> = fixture.logs.search(few).try_collect().await.unwrap();
    assert_eq!(few.last(), Some(&SearchItem::End { limited: true }));
    assert_eq!(
        places(&matches(few)),
        (0..13).map(|number| (log, number)).collect::<Vec<_>>()
    );
    // Dropped after its first item: nothing goes on.
    let mut dropped = fixture.logs.search(query(filter, "line"));
    assert!(dropped.next().await.unwrap().is_ok());
    drop(dropped);
}

#[tokio::test]
async fn a_log_that_is_merged_while_it_is_searched_gives_each_line_once() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    for items in [1, 40, 200, 400] {
        let log = fixture.log().await;
        // More chunks than one page of rows has.
        for first in 0..300 {
            fixture
                .logs
                .append(log, first, chunk(first..first + 1))
                .await
                .unwrap();
        }
        let filter = LogFilter {
            streams: Some(vec![log]),
            ..LogFilter::default()
        };
        let mut searching = fixture.logs.search(query(filter, "line"));
        let mut seen: Vec<SearchItem> = searching.by_ref().take(items).try_collect().await.unwrap();
        fixture.logs.close(log, now()).await.unwrap();
        fixture.logs.seal().await.unwrap();
        assert_eq!(fixture.rows(log).await.0, 1);
        seen.extend(searching.try_collect::<Vec<_>>().await.unwrap());
        assert_eq!(
            places(&matches(seen)),
            (0..300).map(|number| (log, number)).collect::<Vec<_>>(),
            "{items}"
        );
    }
}

#[test]
fn a_search_finds_what_reading_every_line_finds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fixture = runtime.block_on(Fixture::with(keirin_logs::LogSettings {
        inline_bytes: 80,
        ..NOTHING_INLINE
    }));
    let words = prop::sample::select(vec!["error", "ok", " ", "warning: x", "\u{1b}[31m", "é", "E42"]);
    let text = prop::collection::vec(words, 0..4).prop_map(|words| words.concat());
    let pieces = prop::collection::vec(prop::collection::vec(text, 1..8), 1..5);
    let logs = prop::collection::vec(pieces, 1..4);
    let patterns = [
        "error",
        "^$",
        r"\bok\b",
        "(?i)e",
        r"\s+",
        "[^o]*k$",
        r"E\d+|warning",
        ".",
    ];
    let config = ProptestConfig {
        cases: 30,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(logs in logs, pattern in prop::sample::select(patterns.to_vec()))| {
        runtime.block_on(async {
            let naive = regex::Regex::new(pattern).unwrap();
            let (mut ids, mut expected) = (Vec::new(), Vec::new());
            for pieces in logs {
                let log = fixture.log().await;
                ids.push(log);
                let mut first = 0;
                for texts in pieces {
                    let numbered = (first..).zip(&texts);
                    let lines: Vec<ChunkLine> = numbered.map(|(number, text)| text_line(number, text)).collect();
                    for line in (first..).zip(&texts) {
                        // The only escape sequence in these lines.
                        if naive.is_match(&line.1.replace("\u{1b}[31m", "")) {
                            expected.push((log, line.0));
                        }
                    }
                    first = fixture.logs.append(log, first, Chunk::encode(&lines).unwrap()).await.unwrap();
                }
            }
            let filter = LogFilter { streams: Some(ids), ..LogFilter::default() };
            let found = search(&fixture.logs, query(filter, pattern)).await;
            assert_eq!(places(&found), expected);
        });
    });
    drop(fixture);
}
