//! Logs: sent by an agent, read, followed, downloaded and searched by people.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use futures::StreamExt;
use jiff::SignedDuration;
use keirin_api::EventEnvelope;
use keirin_engine::{Move, RowChange};
use keirin_model::flow::Exit;
use keirin_model::retention::RetainedKind;
use keirin_model::{Outcome, Status};
use keirin_wire::agent::LogAcknowledged;
use keirin_wire::api::{Event, EventKind, Job, LogLine, LogPage, LogSearch, Overview};
use keirin_wire::log::{ChunkBuilder, Effort, LineTag, Stream};
use serde_json::json;

use crate::answer::Answer;
use crate::world::{By, Running, World};

#[tokio::test]
async fn a_log_is_sent_in_pieces_and_read_in_any() {
    let (world, admin, running) = running().await;
    let first = send(&world, &running, 0, &["one", "two \u{1b}[31mred\u{1b}[0m"]).await;
    assert_eq!(first.json::<LogAcknowledged>().next_line, 2);
    let again = send(
        &world,
        &running,
        0,
        &["one", "two \u{1b}[31mred\u{1b}[0m", "three"],
    )
    .await;
    assert_eq!(
        again.json::<LogAcknowledged>().next_line,
        3,
        "what is there already is not added again"
    );
    let gap = send(&world, &running, 9, &["ten"]).await;
    assert_eq!(gap.problem().kind, "log-gap");

    let path = format!("/api/v1/jobs/{}/log", running.job());
    let page: LogPage = world.get(&admin, &path).await.json();
    assert_eq!(
        lines(&page.lines),
        [(1, "one"), (2, "two \u{1b}[31mred\u{1b}[0m"), (3, "three")]
    );
    assert_eq!((page.total, page.closed), (3, false));
    let page: LogPage = world.get(&admin, &format!("{path}?from=2&limit=1")).await.json();
    assert_eq!(lines(&page.lines), [(2, "two \u{1b}[31mred\u{1b}[0m")]);
    let page: LogPage = world.get(&admin, &format!("{path}?tail=1")).await.json();
    assert_eq!(lines(&page.lines), [(3, "three")]);
    let page: LogPage = world.get(&admin, &format!("{path}?step=7")).await.json();
    assert_eq!(page.lines, []);
    let raw = world.get(&admin, &format!("{path}/raw")).await;
    assert_eq!(raw.text(), "one\ntwo \u{1b}[31mred\u{1b}[0m\nthree\n");
    assert!(raw.header("content-disposition").starts_with("attachment"));

    let job: Job = world
        .get(&admin, &format!("/api/v1/jobs/{}", running.job()))
        .await
        .json();
    let log = job.log.unwrap();
    assert_eq!(
        (
            log.attempt,
            log.lines,
            log.steps[0].first_line,
            log.steps[0].last_line
        ),
        (1, 3, 1, 3)
    );
    let overview: Overview = world.get(&admin, "/api/v1/overview").await.json();
    assert_eq!(overview.running[0].last_line.as_ref().unwrap().text, "three");
}

#[tokio::test]
async fn a_log_that_has_been_kept_long_enough_is_gone_and_says_when() {
    let (world, admin, running) = running().await;
    send(&world, &running, 0, &["one"]).await;
    let at = world.clock.now();
    let (flow, to) = (running.flow.id, Status::Finished(Outcome::Success));
    let moved = |id, from| Move { id, from, to, at };
    world
        .commit(&[
            RowChange::MoveAttempt {
                moved: moved(running.attempt.id, running.attempt.status),
                exit: Exit::default(),
                message: None,
            },
            RowChange::MoveFlow(Move {
                id: flow,
                from: running.flow.status,
                to,
                at,
            }),
        ])
        .await;
    world.close_log(running.attempt.id).await;
    world.pass(SignedDuration::from_hours(24));
    let removed = world.clock.now();
    let store = &world.store;
    while store
        .remove_outputs(&[flow], RetainedKind::Logs, 10, removed)
        .await
        .unwrap()
        > 0
    {}
    let finished = store.finish_removal(&[flow], RetainedKind::Logs).await;
    assert_eq!(finished.unwrap(), 1);

    for way in ["", "/raw"] {
        let path = format!("/api/v1/jobs/{}/log{way}", running.job());
        let problem = world.get(&admin, &path).await.problem();
        assert_eq!((problem.status, problem.kind.as_str()), (410, "gone"));
        let detail = problem.detail.unwrap();
        assert!(detail.contains(&format!("removed at {removed:.0}")), "{detail}");
    }
    let followed = world
        .get(&admin, &format!("/api/v1/jobs/{}/log/stream", running.job()))
        .await
        .text();
    assert!(
        followed.contains("event: problem") && followed.contains("event: end"),
        "{followed}"
    );
    let opened = world.logs.of_attempt(running.attempt.id).await.unwrap();
    assert_eq!(opened, None, "who asks for it does not open it anew");
}

#[tokio::test]
async fn a_log_is_followed_to_its_end() {
    let (world, admin, running) = running().await;
    send(&world, &running, 0, &["one", "two"]).await;
    let path = format!("/api/v1/jobs/{}/log/stream?from=2", running.job());
    let response = world.begin(&admin, Method::GET, &path, Body::empty()).await;
    let mut events = response.into_body().into_data_stream();
    let first = String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(
        first.contains("event: lines\n") && first.contains("id: 2\n"),
        "{first}"
    );
    assert!(
        first.contains("\"text\":\"two\"") && !first.contains("\"text\":\"one\""),
        "{first}"
    );
    send(&world, &running, 2, &["three"]).await;
    let second = String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(second.contains("\"text\":\"three\""), "{second}");
}

#[tokio::test]
async fn who_follows_a_job_that_waits_hears_it_begin() {
    let world = World::new().await;
    let admin = world.admin().await;
    let branch = world.project("here", false).await;
    let agent = world.agent("worker", "secret").await;
    let (flow, run, jobs) = world.flow(branch, 1).await;
    let path = format!("/api/v1/jobs/{}/log/stream", jobs[0].id);
    let response = world.begin(&admin, Method::GET, &path, Body::empty()).await;
    let mut events = response.into_body().into_data_stream();
    let begun = async {
        let running = world.hold(branch, flow, run, jobs, agent).await;
        send(&world, &running, 0, &["at last"]).await;
        let mut event = Event::new(EventKind::Job, world.clock.now());
        event.job = Some(running.job());
        world.work.tell(EventEnvelope {
            position: "1-1".to_owned(),
            event,
        });
    };
    let (first, ()) = futures::join!(events.next(), begun);
    let first = String::from_utf8(first.unwrap().unwrap().to_vec()).unwrap();
    assert!(first.contains("\"text\":\"at last\""), "{first}");
}

#[tokio::test]
async fn lines_are_found_by_a_regular_expression() {
    let (world, admin, running) = running().await;
    send(&world, &running, 0, &["ok", "error: boom", "error: bang"]).await;
    let search = |query: String| {
        let (world, admin) = (&world, &admin);
        async move { world.get(admin, &format!("/api/v1/logs/search?{query}")).await }
    };
    let found: LogSearch = search(format!("flow={}&regex=error:%20b.n", running.flow.id))
        .await
        .json();
    let [matched] = &found.matches[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (matched.line.line, matched.line.text.as_str()),
        (3, "error: bang")
    );
    assert_eq!(
        (matched.job, matched.stage.as_deref()),
        (Some(running.job()), Some("stage 0"))
    );
    assert_eq!((matched.ranges[0].start, matched.ranges[0].end), (0, 10));
    assert!(!found.more);
    let found: LogSearch = search(format!("job={}&regex=error&limit=1", running.job()))
        .await
        .json();
    assert_eq!((found.matches.len(), found.more), (1, true));
    let bad = search(format!("job={}&regex=(", running.job())).await;
    assert_eq!(bad.problem().kind, "invalid");
    let unscoped = search("regex=x".to_owned()).await;
    assert_eq!(unscoped.problem().kind, "invalid");
    let doubly = search(format!("job={}&agent=1&regex=x", running.job())).await;
    assert_eq!(doubly.problem().kind, "invalid");
}

#[tokio::test]
async fn a_job_without_a_log_has_no_lines_yet() {
    let world = World::new().await;
    let admin = world.admin().await;
    let branch = world.project("here", false).await;
    let (_, _, jobs) = world.flow(branch, 1).await;
    let page: LogPage = world
        .get(&admin, &format!("/api/v1/jobs/{}/log", jobs[0].id))
        .await
        .json();
    assert_eq!((page.lines.len(), page.closed), (0, false));
    let missing = world
        .get(&admin, &format!("/api/v1/jobs/{}/log?attempt=2", jobs[0].id))
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_no_chunk_is_refused() {
    let (world, admin, running) = running().await;
    let token = By::Token(world.keys.job_token(running.attempt.id));
    let path = format!("/agent/v1/attempts/{}/log?first_line=0", running.attempt.id);
    let answer = world.post(&token, &path, json!("no chunk")).await;
    assert_eq!(answer.problem().kind, "invalid");
    let huge = Body::from(vec![0; 5 * 1024 * 1024]);
    let answer = Answer::read(world.begin(&token, Method::POST, &path, huge).await).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let page: LogPage = world
        .get(&admin, &format!("/api/v1/jobs/{}/log", running.job()))
        .await
        .json();
    assert_eq!(page.total, 0);
}

async fn running() -> (World, By, Running) {
    let world = World::new().await;
    let admin = world.admin().await;
    let branch = world.project("here", false).await;
    let agent = world.agent("worker", "secret").await;
    let running = world.running(branch, agent).await;
    (world, admin, running)
}

async fn send(world: &World, running: &Running, first_line: u64, texts: &[&str]) -> Answer {
    let mut builder = ChunkBuilder::new();
    for text in texts {
        let tag = LineTag {
            step: Some(0),
            stream: Stream::Output,
            cut: false,
        };
        builder.push(world.clock.now(), tag, text.as_bytes()).unwrap();
    }
    let chunk = builder.finish(Effort::Quick).unwrap();
    let token = By::Token(world.keys.job_token(running.attempt.id));
    let path = format!(
        "/agent/v1/attempts/{}/log?first_line={first_line}",
        running.attempt.id
    );
    Answer::read(world.begin(&token, Method::POST, &path, Body::from(chunk)).await).await
}

fn lines(lines: &[LogLine]) -> Vec<(u64, &str)> {
    lines.iter().map(|line| (line.line, line.text.as_str())).collect()
}
