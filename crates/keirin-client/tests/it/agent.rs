//! The calls of agents.

use std::io;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use keirin_client::{AgentClient, ClientError};
use keirin_model::{ArtifactId, AttemptId};
use keirin_wire::agent::{Claim, Report};

use crate::double::{Double, answer, json};

fn pieces(texts: &[&'static str]) -> stream::BoxStream<'static, io::Result<Bytes>> {
    let pieces: Vec<_> = texts
        .iter()
        .map(|text| Ok(Bytes::from_static(text.as_bytes())))
        .collect();
    stream::iter(pieces).boxed()
}

#[tokio::test]
async fn an_agent_proves_itself_with_its_secret_and_a_job_with_its_token() {
    let server = Double::start(|asked| match asked.path.as_str() {
        "/agent/v1/claim" => json(r#"{"assignments": [], "stop": ["9"]}"#),
        _ => json(r#"{"acknowledged": 4, "stop": false}"#),
    })
    .await;
    let agent = AgentClient::new(server.connection());
    let claim = Claim {
        session: 1,
        sequence: 1,
        free: 2,
        holding: vec![AttemptId(9)],
    };
    assert_eq!(
        agent.claim("agent-secret", &claim).await.unwrap().stop,
        [AttemptId(9)]
    );
    let report = Report { events: Vec::new() };
    let reported = agent.report(AttemptId(9), "job-token", &report).await.unwrap();
    assert_eq!(reported.acknowledged, 4);
    let asked = server.asked();
    assert_eq!(asked[0].header("authorization"), Some("Bearer agent-secret"));
    assert_eq!(asked[1].header("authorization"), Some("Bearer job-token"));
    assert_eq!(asked[1].path, "/agent/v1/attempts/9/events");
    assert!(!format!("{agent:?}").contains("secret"));
}

#[tokio::test]
async fn a_lost_lease_is_told_from_every_other_problem() {
    let lost = r#"{"type": "lease-lost", "title": "Conflict", "status": 409, "detail": null, "fix": null}"#;
    let server = Double::start(move |_| answer(409, "application/problem+json", lost)).await;
    let agent = AgentClient::new(server.connection());
    let sent = agent
        .append_log(AttemptId(1), "token", 0, Bytes::from_static(b"chunk"))
        .await;
    assert_eq!(sent.unwrap_err().kind(), Some("lease-lost"));
    assert_eq!(server.asked()[0].body, b"chunk");
    assert_eq!(server.asked()[0].path, "/agent/v1/attempts/1/log?first_line=0");
}

#[tokio::test]
async fn a_file_comes_whole_with_its_size_or_not_at_all() {
    let server = Double::start(|_| answer(204, "text/plain", "")).await;
    let agent = AgentClient::new(server.connection());
    agent
        .keep(
            AttemptId(1),
            "token",
            "dist/a b.txt",
            10,
            true,
            pieces(&["hello", "world"]),
        )
        .await
        .unwrap();
    let asked = &server.asked()[0];
    assert_eq!(asked.body, b"helloworld");
    assert_eq!(asked.header("content-length"), Some("10"));
    assert_eq!(
        asked.path,
        "/agent/v1/attempts/1/artifacts?path=dist%2Fa+b.txt&executable=true"
    );

    let short = agent
        .keep(AttemptId(1), "token", "a", 10, false, pieces(&["hello"]))
        .await;
    assert!(matches!(short, Err(ClientError::Unreachable { .. })), "{short:?}");
}

#[tokio::test]
async fn a_kept_file_comes_in_pieces() {
    let server = Double::start(|_| answer(200, "application/octet-stream", "content")).await;
    let agent = AgentClient::new(server.connection());
    let file = agent
        .fetch_kept(AttemptId(1), "token", ArtifactId(5))
        .await
        .unwrap();
    let pieces: Vec<Bytes> = file.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"content");
}
