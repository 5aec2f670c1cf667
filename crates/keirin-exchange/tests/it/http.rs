//! What every call of another server keeps to: trying again where it helps, sign-in, bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use keirin_exchange::influx_client::{InfluxClient, InfluxTarget};
use keirin_exchange::remote_write_client::RemoteWriteClient;
use keirin_formats::batch::Batch;
use keirin_formats::remote_write::{RemoteWriteLimits, decode};
use keirin_http::{Authentication, EndpointSettings, HttpError, RetryPolicy, Secret};
use keirin_model::series::{Labels, Sample};
use keirin_testkit::loopback::{LoopbackServer, nobody};

/// Answers in turn, the last for ever, and counts.
#[derive(Clone)]
struct Script {
    answers: &'static [u16],
    calls: Arc<AtomicUsize>,
}

async fn scripted(State(script): State<Script>) -> impl IntoResponse {
    let call = script.calls.fetch_add(1, Ordering::SeqCst);
    let status = script.answers[call.min(script.answers.len() - 1)];
    (
        StatusCode::from_u16(status).unwrap(),
        [("Retry-After", "0")],
        "in words",
    )
}

fn batch() -> Batch {
    let labels = Labels::new([("__name__", "up"), ("job", "a")]).unwrap();
    Batch {
        series: vec![(labels, vec![Sample::new(1_000, 1.5)])],
        metadata: Vec::new(),
    }
}

fn settings() -> EndpointSettings {
    EndpointSettings {
        retry: RetryPolicy {
            attempts: 3,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(1),
        },
        ..EndpointSettings::default()
    }
}

/// Writes to a server that answers so, and gives how many calls that took.
async fn written(answers: &'static [u16]) -> (usize, Result<(), HttpError>) {
    let script = Script {
        answers,
        calls: Arc::default(),
    };
    let server = LoopbackServer::start(
        Router::new()
            .route("/write", post(scripted))
            .with_state(script.clone()),
    )
    .await;
    let client = RemoteWriteClient::new(&server.url.join("write").unwrap(), &settings()).unwrap();
    let result = client.write(&batch()).await;
    (script.calls.load(Ordering::SeqCst), result)
}

#[tokio::test]
async fn what_may_go_better_next_time_is_tried_again() {
    assert_eq!(written(&[204]).await, (1, Ok(())));
    assert_eq!(written(&[503, 429, 204]).await, (3, Ok(())));
    let (calls, result) = written(&[500]).await;
    assert_eq!(calls, 3);
    assert!(
        matches!(result, Err(HttpError::Refused { status: 500, .. })),
        "{result:?}"
    );
    for status in [&[400], &[401], &[404], &[302]] {
        let (calls, result) = written(status).await;
        assert_eq!(calls, 1, "{result:?}");
        assert!(
            result
                .unwrap_err()
                .to_string()
                .ends_with(&format!("answers {}: in words", status[0]))
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let address = nobody().await;
    let client = RemoteWriteClient::new(&address, &settings()).unwrap();
    let error = client.write(&batch()).await.unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
    assert!(
        error.to_string().contains(address.as_str().trim_end_matches('/')),
        "{error}"
    );
}

#[tokio::test]
async fn a_remote_write_carries_what_it_says() {
    async fn receive(headers: HeaderMap, body: Bytes) -> StatusCode {
        let received = decode(&body, RemoteWriteLimits::default()).unwrap();
        assert_eq!(received.batch, batch());
        assert_eq!(headers["content-encoding"], "snappy");
        assert_eq!(headers["content-type"], "application/x-protobuf");
        assert_eq!(headers["x-prometheus-remote-write-version"], "0.1.0");
        assert_eq!(headers["authorization"], "Bearer a token");
        StatusCode::NO_CONTENT
    }
    let server = LoopbackServer::start(Router::new().route("/write", post(receive))).await;
    let settings = EndpointSettings {
        sign_in: Authentication::Bearer {
            token: Secret::new("a token"),
        },
        ..settings()
    };
    let client = RemoteWriteClient::new(&server.url.join("write").unwrap(), &settings).unwrap();
    client.write(&batch()).await.unwrap();
}

/// There is no InfluxDB 2 among Debian's packages: what it documents of its address and sign-in is held here.
#[tokio::test]
async fn influxdb_2_is_written_to_as_it_documents() {
    async fn receive(uri: axum::http::Uri, headers: HeaderMap, body: String) -> StatusCode {
        assert_eq!(uri.path(), "/base/api/v2/write");
        assert_eq!(uri.query(), Some("org=our+team&bucket=ci&precision=ms"));
        assert_eq!(headers["authorization"], "Token abc");
        assert_eq!(body, "up,job=a value=1.5 1000\n");
        StatusCode::NO_CONTENT
    }
    let server = LoopbackServer::start(Router::new().route("/base/api/v2/write", post(receive))).await;
    let target = InfluxTarget::V2 {
        organization: "our team".to_owned(),
        bucket: "ci".to_owned(),
    };
    let settings = EndpointSettings {
        sign_in: Authentication::Token {
            token: Secret::new("abc"),
        },
        ..settings()
    };
    let client = InfluxClient::new(&server.url.join("base/").unwrap(), &target, &settings).unwrap();
    assert_eq!(client.write(&batch()).await, Ok(0));
}
