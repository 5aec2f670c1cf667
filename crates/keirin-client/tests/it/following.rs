//! Streams of events that break in the middle.

use std::io;

use axum::body::Body;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use keirin_client::{ClientError, LogFollower, News};
use keirin_model::{FlowId, JobId};

use crate::double::{Asked, Double, answer};

/// A stream of events that ends as it should.
fn events(text: impl Into<String>) -> Response {
    answer(200, "text/event-stream", text.into())
}

/// A stream of events whose connection breaks after this text.
fn broken(text: impl Into<String>) -> Response {
    let text = stream::iter([Ok(text.into())]);
    // The text is on its way before the connection is cut.
    let cut = stream::once(async {
        tokio::task::yield_now().await;
        Err(io::Error::other("cut"))
    });
    answer(200, "text/event-stream", Body::from_stream(text.chain(cut)))
}

fn lines(numbers: &[u64]) -> String {
    let lines: Vec<String> = numbers
        .iter()
        .map(|number| {
            format!(
                r#"{{"line": {number}, "time": "2026-01-01T00:00:00Z", "step": 0, "stream": "output", "text": "line {number}", "cut": false}}"#
            )
        })
        .collect();
    let last = numbers.last().unwrap();
    format!("event: lines\nid: {last}\ndata: [{}]\n\n", lines.join(","))
}

const END: &str = "event: end\ndata: \n\n";

fn problem(status: u16) -> String {
    format!(
        "event: problem\ndata: {{\"type\": \"some\", \"title\": \"Some\", \"status\": {status}, \"detail\": \"So it is.\", \"fix\": null}}\n\n{END}"
    )
}

async fn all(mut log: LogFollower) -> Result<Vec<u64>, ClientError> {
    let mut seen = Vec::new();
    while let Some(lines) = log.next().await? {
        seen.extend(lines.iter().map(|line| line.line));
    }
    Ok(seen)
}

#[tokio::test]
async fn a_log_goes_on_where_the_connection_broke_and_each_line_comes_once() {
    let server = Double::start(|asked: &Asked| match asked.number {
        0 => {
            let unfinished = "event: lines\nid: 4\ndata: [{\"line\": 4, ";
            broken(format!("{}{}{unfinished}", lines(&[1, 2]), lines(&[3])))
        }
        // A server that looks closely may send a line again.
        1 => events(format!(": alive\n\n{}", lines(&[3, 4]))),
        _ => events(END),
    })
    .await;
    let log = server.client().follow_log(JobId(7), Some(2), 1);
    assert_eq!(all(log).await.unwrap(), [1, 2, 3, 4]);
    let asked = server.asked();
    assert_eq!(asked[0].path, "/api/v1/jobs/7/log/stream?from=1&attempt=2");
    assert_eq!(asked[0].header("accept"), Some("text/event-stream"));
    let positions: Vec<_> = asked.iter().map(|asked| asked.header("last-event-id")).collect();
    assert_eq!(positions, [None, Some("3"), Some("4")]);
}

#[tokio::test]
async fn a_problem_that_passes_does_not_end_a_log() {
    let server = Double::start(|asked: &Asked| match asked.number {
        0 => events(format!("{}{}", lines(&[1]), problem(503))),
        _ => events(format!("{}{END}", lines(&[2]))),
    })
    .await;
    let log = server.client().follow_log(JobId(7), None, 1);
    assert_eq!(all(log).await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn a_problem_that_stays_is_told() {
    let server = Double::start(|_: &Asked| events(problem(404))).await;
    let log = server.client().follow_log(JobId(7), None, 1);
    let error = all(log).await.unwrap_err();
    assert_eq!(error.problem().map(|problem| problem.status), Some(404));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_log_that_one_may_not_see_is_refused_at_once() {
    let refused =
        r#"{"type": "not-found", "title": "Not Found", "status": 404, "detail": "No.", "fix": null}"#;
    let server = Double::start(move |_: &Asked| answer(404, "application/problem+json", refused)).await;
    let error = all(server.client().follow_log(JobId(7), None, 1))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Some("not-found"));
}

fn flow_event(position: &str, kind: &str, flow: &str) -> String {
    format!(
        "id: {position}\nevent: {kind}\ndata: {{\"kind\": \"{kind}\", \"time\": \"2026-01-01T00:00:00Z\", \"project_id\": null, \"project\": null, \"flow\": {flow}, \"run\": null, \"job\": null, \"agent\": null, \"state\": \"running\", \"outcome\": null}}\n\n"
    )
}

#[tokio::test]
async fn whoever_listens_is_told_when_something_may_have_been_missed() {
    let server = Double::start(|asked: &Asked| match asked.number {
        // Nothing says yet where to go on from.
        0 => events(": alive\n\n"),
        1 => events(flow_event("a-1", "flow", "\"3\"")),
        // From a known position nothing is missed.
        2 => events(flow_event("a-2", "flow", "\"4\"")),
        _ => events(flow_event("a-3", "reset", "null")),
    })
    .await;
    let mut events = server.client().events();
    let mut heard = Vec::new();
    for _ in 0..5 {
        heard.push(match events.next().await.unwrap() {
            News::Anew => None,
            News::Changed(event) => event.flow,
        });
    }
    assert_eq!(heard, [None, None, Some(FlowId(3)), Some(FlowId(4)), None]);
    let asked = server.asked();
    assert_eq!(asked[2].header("last-event-id"), Some("a-1"));
    assert_eq!(asked[3].header("last-event-id"), Some("a-2"));
}
