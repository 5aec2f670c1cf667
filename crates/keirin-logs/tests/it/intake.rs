//! Lines come in: once each, in order, within bounds.

use bytes::Bytes;
use keirin_logs::{LogError, LogSettings, LogSource};
use keirin_model::{AgentId, LogStreamId};
use keirin_wire::log::{Chunk, ChunkError, ChunkLine, LINE_BYTES, Stream};

use crate::fixture::{
    Fixture, NOTHING_INLINE, all, attempt_in_flow, chunk, flat, line, now, numbered, text_line,
};

#[tokio::test]
async fn an_agent_sends_a_log_in_pieces_and_people_read_it() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    assert_eq!(fixture.logs.append(log, 0, chunk(0..3)).await.unwrap(), 3);
    assert_eq!(fixture.logs.append(log, 3, chunk(3..25)).await.unwrap(), 25);
    fixture.logs.close(log, now()).await.unwrap();
    assert_eq!(all(&fixture.logs, log).await, numbered(0..25));
    let summary = fixture.logs.summary(log).await.unwrap();
    assert_eq!(
        (summary.lines, summary.cut, summary.closed_at),
        (25, false, Some(now()))
    );
    assert_eq!(
        summary.text_bytes,
        (0..25)
            .map(|number| line(number).text.len() as u64 + 1)
            .sum::<u64>()
    );
    let steps: Vec<_> = summary
        .steps
        .iter()
        .map(|step| (step.step, step.first_line, step.lines))
        .collect();
    assert_eq!(steps, [(Some(0), 0, 10), (Some(1), 10, 10), (Some(2), 20, 5)]);
    assert_eq!(summary.steps[0].first_error, Some(3));
}

#[tokio::test]
async fn what_is_sent_again_is_taken_once() {
    for settings in [LogSettings::default(), NOTHING_INLINE] {
        let fixture = Fixture::with(settings).await;
        let log = fixture.log().await;
        fixture.logs.append(log, 0, chunk(0..10)).await.unwrap();
        assert_eq!(fixture.logs.append(log, 0, chunk(0..10)).await.unwrap(), 10);
        assert_eq!(fixture.logs.append(log, 4, chunk(4..8)).await.unwrap(), 10);
        // The agent lost the answer, and has collected more since.
        assert_eq!(fixture.logs.append(log, 6, chunk(6..15)).await.unwrap(), 15);
        // The server was started again.
        let server = fixture.another_server().await;
        assert_eq!(server.append(log, 6, chunk(6..15)).await.unwrap(), 15);
        assert_eq!(server.append(log, 14, chunk(14..17)).await.unwrap(), 17);
        // The first one's memory is stale now, and it does not matter.
        assert_eq!(fixture.logs.append(log, 14, chunk(14..20)).await.unwrap(), 20);
        assert_eq!(all(&fixture.logs, log).await, numbered(0..20));
        let (_, objects) = fixture.rows(log).await;
        assert_eq!(fixture.keys().await.len() as i64, objects);
    }
}

#[tokio::test]
async fn a_gap_is_refused_with_the_line_that_is_missing() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    fixture.logs.append(log, 0, chunk(0..3)).await.unwrap();
    let refused = fixture.logs.append(log, 5, chunk(5..8)).await.unwrap_err();
    assert!(
        matches!(
            refused,
            LogError::Gap {
                expected: 3,
                found: 5
            }
        ),
        "{refused}"
    );
    assert!(matches!(
        fixture.logs.append(log, u64::MAX, chunk(0..1)).await,
        Err(LogError::Gap { .. })
    ));
    fixture.logs.append(log, 3, chunk(3..5)).await.unwrap();
    fixture.logs.append(log, 5, chunk(5..8)).await.unwrap();
    assert_eq!(all(&fixture.logs, log).await, numbered(0..8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_logs_grow_at_the_same_time() {
    let fixture = Fixture::new().await;
    let mut agents = Vec::new();
    for _ in 0..20 {
        let (logs, log) = (fixture.logs.clone(), fixture.log().await);
        agents.push(tokio::spawn(async move {
            for piece in 0..10 {
                let first = piece * 5;
                assert_eq!(
                    logs.append(log, first, chunk(first..first + 5)).await.unwrap(),
                    first + 5
                );
            }
            log
        }));
    }
    for agent in agents {
        let log = agent.await.unwrap();
        assert_eq!(all(&fixture.logs, log).await, numbered(0..50));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_that_take_the_same_pieces_keep_each_once() {
    let fixture = Fixture::with(NOTHING_INLINE).await;
    let log = fixture.log().await;
    let send = |logs: keirin_logs::Logs| async move {
        for piece in 0..20 {
            let first = piece * 3;
            let sent = logs.append(log, first, chunk(first..first + 3)).await;
            assert!(sent.unwrap() >= first + 3);
        }
    };
    let (first, second) = (
        tokio::spawn(send(fixture.logs.clone())),
        tokio::spawn(send(fixture.another_server().await)),
    );
    first.await.unwrap();
    second.await.unwrap();
    assert_eq!(all(&fixture.logs, log).await, numbered(0..60));
    let (rows, objects) = fixture.rows(log).await;
    assert_eq!((rows, fixture.keys().await.len() as i64), (20, objects));
}

#[tokio::test]
async fn who_hangs_up_after_sending_keeps_nothing_from_followers() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    let mut followed = fixture.logs.follow(log, 0);
    let sending = fixture.logs.append(log, 0, chunk(0..3));
    tokio::select! {
        biased;
        _ = sending => panic!("the first poll cannot be the last"),
        () = std::future::ready(()) => {}
    }
    let part = futures::StreamExt::next(&mut followed).await.unwrap().unwrap();
    assert_eq!(flat(vec![part]), numbered(0..3));
}

#[tokio::test]
async fn a_log_that_grows_too_large_is_cut_with_a_mark() {
    let fixture = Fixture::with(LogSettings {
        stream_bytes: 100,
        ..LogSettings::default()
    })
    .await;
    let log = fixture.log().await;
    // "line N" and its end take seven bytes, so fourteen lines fit.
    fixture.logs.append(log, 0, chunk(0..10)).await.unwrap();
    assert_eq!(fixture.logs.append(log, 8, chunk(8..30)).await.unwrap(), 30);
    assert_eq!(fixture.logs.append(log, 30, chunk(30..35)).await.unwrap(), 35);
    let restarted = fixture.another_server().await;
    assert_eq!(restarted.append(log, 35, chunk(35..40)).await.unwrap(), 40);
    fixture.logs.close(log, now()).await.unwrap();
    assert_eq!(restarted.append(log, 35, chunk(35..40)).await.unwrap(), 40);
    let lines = all(&fixture.logs, log).await;
    let (mark, kept) = lines.split_last().unwrap();
    assert_eq!(kept, &numbered(0..13)[..]);
    assert_eq!(
        (mark.0, mark.1.stream, mark.1.step, mark.1.cut),
        (13, Stream::Agent, None, false)
    );
    assert_eq!(
        &mark.1.text[..],
        b"The log is cut here: it may have 100 B. What followed was not kept."
    );
    let summary = fixture.logs.summary(log).await.unwrap();
    assert!(summary.cut);
    assert_eq!(summary.lines, 14);
}

#[tokio::test]
async fn a_closed_log_takes_nothing_new() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    fixture.logs.append(log, 0, chunk(0..3)).await.unwrap();
    fixture.logs.close(log, now()).await.unwrap();
    fixture
        .logs
        .close(log, "2027-01-01T00:00:00Z".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(fixture.logs.summary(log).await.unwrap().closed_at, Some(now()));
    assert_eq!(fixture.logs.append(log, 1, chunk(1..3)).await.unwrap(), 3);
    assert!(matches!(
        fixture.logs.append(log, 3, chunk(3..4)).await,
        Err(LogError::Closed(_))
    ));
    let nowhere = LogStreamId(4711);
    assert!(matches!(
        fixture.logs.append(nowhere, 0, chunk(0..1)).await,
        Err(LogError::NotFound(_))
    ));
    assert!(matches!(
        fixture.logs.close(nowhere, now()).await,
        Err(LogError::NotFound(_))
    ));
    assert!(matches!(
        fixture.logs.summary(nowhere).await,
        Err(LogError::NotFound(_))
    ));
}

#[tokio::test]
async fn hostile_bytes_are_refused_and_harm_no_other_log() {
    let fixture = Fixture::new().await;
    let (log, other) = (fixture.log().await, fixture.log().await);
    let bytes = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let whole = chunk(0..5);
    let mut hostile = vec![
        bytes(b""),
        bytes(b"hello"),
        bytes(b"K\x09"),
        bytes(&whole[..whole.len() - 1]),
    ];
    hostile.push(Bytes::from(vec![0xff; 9 << 20]));
    hostile.push(Chunk::encode(&[text_line(0, &"x".repeat(LINE_BYTES + 1))]).unwrap());
    hostile.push(Chunk::encode(&vec![line(0); 300_000]).unwrap());
    for bytes in hostile {
        let refused = fixture.logs.append(log, 0, bytes).await.unwrap_err();
        assert!(matches!(refused, LogError::Chunk(_)), "{refused}");
    }
    let steps: Vec<ChunkLine> = (0..1001)
        .map(|step| ChunkLine {
            step: Some(step),
            ..line(0)
        })
        .collect();
    let refused = fixture
        .logs
        .append(log, 0, Chunk::encode(&steps).unwrap())
        .await
        .unwrap_err();
    assert!(matches!(refused, LogError::TooManySteps { .. }), "{refused}");
    fixture.logs.append(other, 0, chunk(0..5)).await.unwrap();
    fixture.logs.append(log, 0, chunk(0..5)).await.unwrap();
    assert_eq!(all(&fixture.logs, log).await, numbered(0..5));
}

#[tokio::test]
async fn any_bytes_that_a_program_writes_come_back() {
    let fixture = Fixture::new().await;
    let log = fixture.log().await;
    let odd: Vec<ChunkLine> = [&b""[..], b"\xff\xfe\x00", b"\x1b[31mred\x1b[0m\r", "ä".as_bytes()]
        .iter()
        .map(|text| ChunkLine {
            text: Bytes::copy_from_slice(text),
            ..line(0)
        })
        .collect();
    fixture
        .logs
        .append(log, 0, Chunk::encode(&odd).unwrap())
        .await
        .unwrap();
    let read: Vec<ChunkLine> = all(&fixture.logs, log)
        .await
        .into_iter()
        .map(|(_, line)| line)
        .collect();
    assert_eq!(read, odd);
}

#[tokio::test]
async fn agents_and_services_write_at_the_end_and_begin_anew() {
    let fixture = Fixture::new().await;
    let agent = LogSource::Agent(AgentId(7));
    let log = fixture.logs.open(&agent, now()).await.unwrap();
    assert_eq!(fixture.logs.open(&agent, now()).await.unwrap(), log);
    fixture.logs.write(log, &[line(0), line(1)]).await.unwrap();
    let long = text_line(2, &"y".repeat(LINE_BYTES + 5));
    assert_eq!(fixture.logs.write(log, &[long]).await.unwrap(), 3);
    let lines = all(&fixture.logs, log).await;
    assert_eq!((lines[2].1.text.len(), lines[2].1.cut), (LINE_BYTES, true));
    let refused = fixture
        .logs
        .write(log, &[text_line(3, "a\nb")])
        .await
        .unwrap_err();
    assert!(
        matches!(refused, LogError::Chunk(ChunkError::LineFeed)),
        "{refused}"
    );
    fixture.logs.close(log, now()).await.unwrap();
    assert_ne!(fixture.logs.open(&agent, now()).await.unwrap(), log);
    let service = LogSource::Service("planner".to_owned());
    let planner = fixture.logs.open(&service, now()).await.unwrap();
    assert_eq!(fixture.logs.summary(planner).await.unwrap().source, service);
}

#[tokio::test]
async fn a_service_may_write_more_than_one_chunk_holds() {
    let fixture = Fixture::new().await;
    let log = fixture
        .logs
        .open(&LogSource::Service("planner".to_owned()), now())
        .await
        .unwrap();
    let lines: Vec<ChunkLine> = (0..300_000).map(line).collect();
    assert_eq!(fixture.logs.write(log, &lines).await.unwrap(), 300_000);
    assert_eq!(
        fixture.logs.read(log, 262_000..262_300).await.unwrap(),
        numbered(262_000..262_300)
    );
}

#[tokio::test]
async fn an_attempt_has_one_log() {
    let fixture = Fixture::new().await;
    let source = attempt_in_flow(900_001, 3);
    let log = fixture.logs.open(&source, now()).await.unwrap();
    let found = fixture
        .logs
        .of_attempt(keirin_model::AttemptId(900_001))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.id, &found.source), (log, &source));
    // The attempt is gone, so nobody will write any more.
    fixture.logs.close_finished(now()).await.unwrap();
    assert!(fixture.logs.summary(log).await.unwrap().closed_at.is_some());
    assert_eq!(fixture.logs.open(&source, now()).await.unwrap(), log);
    assert_eq!(
        fixture
            .logs
            .of_attempt(keirin_model::AttemptId(900_002))
            .await
            .unwrap(),
        None
    );
}
