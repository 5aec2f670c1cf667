//! What every call keeps to: trying again where it helps, bounds of time and size, what is said of a refusal, and counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use futures::{StreamExt, stream};
use keirin_http::{Authentication, CallLimits, Endpoint, EndpointSettings, HttpError, RetryPolicy, Secret};
use keirin_testkit::loopback::{LoopbackServer, nobody};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use url::Url;

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

async fn call(endpoint: &Endpoint) -> Result<Bytes, HttpError> {
    let url = endpoint.base().clone();
    endpoint.call(|| endpoint.request(Method::GET, url.clone())).await
}

/// A server that answers these in turn, the last for ever, and counts.
async fn scripted(answers: &'static [u16]) -> (LoopbackServer, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let answer = async move || {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        Response::builder()
            .status(answers[call.min(answers.len() - 1)])
            .header("Retry-After", "3600")
            .header("Location", "http://elsewhere.example/")
            .body(Body::from("in words"))
            .unwrap()
    };
    (
        LoopbackServer::start(Router::new().route("/", get(answer))).await,
        calls,
    )
}

#[tokio::test]
async fn what_may_go_better_next_time_is_tried_again_and_all_is_counted() {
    for (answers, made, said) in [
        (&[200][..], 1, Ok("in words")),
        (&[503, 429, 200], 3, Ok("in words")),
        (&[500], 3, Err("answers 500: in words")),
        (&[404], 1, Err("answers 404: in words")),
        (
            &[302],
            1,
            Err(
                "answers 302: it sends callers to http://elsewhere.example/; give that address if it is the right one",
            ),
        ),
    ] {
        let (server, calls) = scripted(answers).await;
        let endpoint = Endpoint::new(&server.url, &settings()).unwrap();
        match (call(&endpoint).await, said) {
            (Ok(body), Ok(said)) => assert_eq!(body, said),
            (Err(error), Err(said)) => assert!(error.to_string().ends_with(said), "{error}"),
            (answered, _) => panic!("{answers:?}: {answered:?}"),
        }
        assert_eq!(calls.load(Ordering::SeqCst), made);
        let mut counted = BTreeMap::new();
        for status in answers.iter().cycle().take(made) {
            *counted.entry(Some(*status)).or_insert(0) += 1;
        }
        let figures = endpoint.figures();
        assert_eq!(figures.answers, counted);
        assert_eq!(figures.durations.counts().iter().sum::<u64>(), made as u64);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_and_counted_without_its_password() {
    let mut address = nobody().await;
    address.set_username("ann").unwrap();
    address.set_password(Some("hunter2")).unwrap();
    let endpoint = Endpoint::new(&address, &settings()).unwrap();
    let error = call(&endpoint).await.unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(endpoint.address()), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(
        !format!("{endpoint:?}").contains("hunter2"),
        "a password is not shown"
    );
    assert_eq!(endpoint.figures().answers, BTreeMap::from([(None, 3)]));
}

#[tokio::test]
async fn an_answer_is_read_within_its_bounds_and_no_further() {
    async fn endless() -> Body {
        let pieces = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1000])));
        Body::from_stream(pieces)
    }
    let server = LoopbackServer::start(Router::new().route("/", get(endless))).await;
    let bounded = EndpointSettings {
        limits: CallLimits {
            answer_bytes: 10_000,
            ..CallLimits::default()
        },
        ..settings()
    };
    let endpoint = Endpoint::new(&server.url, &bounded).unwrap();
    let error = call(&endpoint).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is larger than the limit of 10000 bytes"),
        "{error}"
    );
    assert_eq!(
        endpoint.figures().answers,
        BTreeMap::from([(Some(200), 1)]),
        "too much stays too much"
    );
    // What refuses without an end is not listened to for ever either.
    let refusing = Router::new().route("/", get(async || (StatusCode::BAD_REQUEST, endless().await)));
    let server = LoopbackServer::start(refusing).await;
    let endpoint = Endpoint::new(&server.url, &settings()).unwrap();
    let error = call(&endpoint).await.unwrap_err();
    assert!(matches!(error, HttpError::Refused { status: 400, said, .. } if said.len() == 4096));
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_in_time() {
    let silence = Arc::new(Notify::new());
    let held = Arc::clone(&silence);
    let silent = Router::new().route(
        "/",
        get(async move || {
            let first = stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"first")) });
            let never = stream::once(async move {
                held.notified().await;
                Ok(Bytes::new())
            });
            Body::from_stream(first.chain(never))
        }),
    );
    let server = LoopbackServer::start(silent).await;
    let hurried = EndpointSettings {
        limits: CallLimits {
            timeout: Some(Duration::from_millis(200)),
            ..CallLimits::default()
        },
        retry: RetryPolicy::NEVER,
        ..EndpointSettings::default()
    };
    let endpoint = Endpoint::new(&server.url, &hurried).unwrap();
    let mut open = endpoint
        .open(endpoint.request(Method::GET, server.url.clone()))
        .await
        .unwrap();
    assert_eq!(open.piece().await.unwrap().unwrap(), "first");
    let error = open.piece().await.unwrap_err();
    assert!(error.to_string().contains("it did not answer in time"), "{error}");
    silence.notify_one();
}

/// A server whose answers say that more comes than does.
async fn cutting_off(header: &'static str, content: &'static [u8]) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut asked = [0; 4096];
            assert_ne!(connection.read(&mut asked).await.unwrap(), 0);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n{header}\r\n");
            connection.write_all(head.as_bytes()).await.unwrap();
            connection.write_all(content).await.unwrap();
        }
    });
    address.parse().unwrap()
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_asked_for_again() {
    // The beginning of what gzip makes, where it is to be decompressed.
    let gzip = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    for (header, content) in [("", &b"half"[..]), ("Content-Encoding: gzip\r\n", gzip)] {
        let endpoint = Endpoint::new(&cutting_off(header, content).await, &settings()).unwrap();
        let error = call(&endpoint).await.unwrap_err();
        assert!(
            matches!(error, HttpError::Unreachable { .. }),
            "{header}: {error:?}"
        );
        assert_eq!(endpoint.figures().answers, BTreeMap::from([(Some(200), 3)]));
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_not_asked_for_again() {
    let no_gzip = async || ([("Content-Encoding", "gzip")], "in words");
    let server = LoopbackServer::start(Router::new().route("/", get(no_gzip))).await;
    let endpoint = Endpoint::new(&server.url, &settings()).unwrap();
    let error = call(&endpoint).await.unwrap_err();
    assert!(matches!(error, HttpError::Unreadable { .. }), "{error:?}");
    assert_eq!(endpoint.figures().answers, BTreeMap::from([(Some(200), 1)]));
}

#[tokio::test]
async fn whoever_signs_in_does_so_with_every_call() {
    async fn who(headers: HeaderMap) -> String {
        headers["authorization"].to_str().unwrap().to_owned()
    }
    let server = LoopbackServer::start(Router::new().route("/", get(who))).await;
    let signed_in = EndpointSettings {
        sign_in: Authentication::Basic {
            username: "Aladdin".to_owned(),
            password: Secret::new("open sesame"),
        },
        ..settings()
    };
    let endpoint = Endpoint::new(&server.url, &signed_in).unwrap();
    assert_eq!(
        call(&endpoint).await.unwrap(),
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    );
    assert!(
        !format!("{endpoint:?}").contains("QWxh"),
        "a password is not shown"
    );
}

#[test]
fn what_cannot_be_called_says_so_before_any_call() {
    let fault = |address: &str, settings: &EndpointSettings| {
        let endpoint = Endpoint::new(&address.parse().unwrap(), settings);
        endpoint.unwrap_err().to_string()
    };
    assert_eq!(
        fault("ftp://ann:hunter2@b/c", &settings()),
        "ftp://b/c begins with ftp:, which is not how a server is reached; use http: or https:"
    );
    let twice = EndpointSettings {
        sign_in: Authentication::Bearer {
            token: Secret::new("abc"),
        },
        ..settings()
    };
    assert_eq!(
        fault("https://ann:hunter2@b/c", &twice),
        "https://b/c is signed in to by its address and by a setting; leave one of them out"
    );
    for authority in [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let odd_authority = EndpointSettings {
            authority: Some(authority.to_owned()),
            ..settings()
        };
        let said = fault("https://b", &odd_authority);
        assert!(
            said.starts_with("the certificate authority of https://b cannot be read"),
            "{said}"
        );
        assert!(said.ends_with("it is expected in PEM"), "{said}");
    }
}
