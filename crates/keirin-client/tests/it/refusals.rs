//! What the client makes of answers that are none.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use keirin_client::{Client, ClientError};
use keirin_model::FlowId;
use keirin_wire::api::StartFlow;
use tokio::net::TcpListener;

use crate::double::{Double, answer, connection};

const PROBLEM: &str = r#"{
    "type": "invalid", "title": "Invalid request", "status": 422,
    "detail": "The workflow has an error.", "fix": "Correct it.",
    "diagnostics": [{
        "file": ".keirin.yaml", "line": 3, "column": 5, "end_column": 9, "severity": "error",
        "message": "unknown key `jbos`", "suggestion": "did you mean `jobs`?"
    }]
}"#;

#[tokio::test]
async fn a_problem_comes_as_the_server_wrote_it() {
    let server = Double::start(|_| answer(422, "application/problem+json", PROBLEM)).await;
    let error = server
        .client()
        .start_flow("app", &StartFlow::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Some("invalid"));
    assert!(!error.is_transient());
    assert_eq!(error.to_string(), "The workflow has an error. Correct it.");
    let problem = error.problem().unwrap();
    assert_eq!(problem.status, 422);
    assert_eq!(
        (problem.diagnostics[0].line, problem.diagnostics[0].column),
        (3, 5)
    );
}

#[tokio::test]
async fn a_server_that_nobody_runs_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(connection(&address), None);
    let error = client.projects().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    assert!(error.is_transient());
    assert!(error.to_string().contains(&address), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_proxy_without_its_server_counts_as_unreachable() {
    let server = Double::start(|_| answer(502, "text/html", "<h1>Bad gateway</h1>")).await;
    let error = server.client().projects().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("502"), "{error}");
}

#[tokio::test]
async fn something_that_is_no_keirin_is_told_apart() {
    let server = Double::start(|asked| match asked.path.split('?').next().unwrap_or_default() {
        "/api/v1/projects" => answer(200, "text/html", "<html>"),
        "/api/v1/users" => answer(404, "text/plain", "no such page"),
        _ => Response::builder()
            .status(301)
            .header("location", "https://elsewhere.example/")
            .body(Body::empty())
            .unwrap(),
    })
    .await;
    let client = server.client();
    for (error, word) in [
        (client.projects().await.unwrap_err(), "expected value"),
        (client.users().await.unwrap_err(), "404"),
        (client.agents().await.unwrap_err(), "https://elsewhere.example/"),
    ] {
        assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert!(!error.is_transient(), "{error}");
    }
    // A token must not follow where a server sends it.
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_collected_for_ever() {
    let server = Double::start(|asked| {
        let status = if asked.path.ends_with("/flows/2") {
            500
        } else {
            200
        };
        let piece = Bytes::from(vec![b' '; 1024 * 1024]);
        let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
        answer(status, "application/json", Body::from_stream(endless))
    })
    .await;
    for flow in [FlowId(1), FlowId(2)] {
        let error = server.client().flow(flow).await.unwrap_err();
        assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
        assert!(error.to_string().contains("larger than"), "{error}");
    }
}

#[tokio::test]
async fn an_address_or_a_token_that_cannot_be_used_is_said_without_a_call() {
    let odd = Client::new(connection("ftp://127.0.0.1:1/"), None);
    let error = odd.projects().await.unwrap_err();
    assert!(matches!(error, ClientError::Unusable(_)), "{error}");

    let server = Double::start(|_| answer(200, "text/plain", "")).await;
    let broken = Client::new(server.connection(), Some("two\nlines".to_owned()));
    let error = broken.projects().await.unwrap_err();
    assert!(matches!(error, ClientError::Unusable(_)), "{error}");
    assert!(!error.to_string().contains("two"), "{error}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_server_below_a_path_is_called_there() {
    let server = Double::start(|_| answer(404, "text/plain", "")).await;
    let client = Client::new(connection(&format!("{}/ci/", server.address())), None);
    assert_eq!(client.address(), format!("{}/ci", server.address()));
    assert!(client.branches("a b").await.is_err());
    assert_eq!(server.asked()[0].path, "/ci/api/v1/projects/a%20b/branches");
}
