//! Targets as they are found in the wild, each a real server.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures::stream;
use keirin_exchange::scrape::{ScrapeError, ScrapeState, ScrapeTarget, fetch, outcome};
use keirin_testkit::loopback::{LoopbackServer, nobody};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;
use url::Url;

fn target(url: &Url, more: &str) -> ScrapeTarget {
    let yaml = format!("name: test\nurl: {url}\n{more}");
    ScrapeTarget::new(serde_saphyr::from_str(&yaml).unwrap()).unwrap()
}

/// Scrapes a server with this one answer.
async fn scraped<H, T>(answer: H, more: &str) -> Result<usize, ScrapeError>
where
    H: axum::handler::Handler<T, ()>,
    T: 'static,
{
    let server = LoopbackServer::start(Router::new().route("/", get(answer))).await;
    fetch(&target(&server.url, more))
        .await
        .map(|exposition| exposition.samples.len())
}

/// Pieces of metrics without an end, or with one.
fn lines(pieces: usize) -> Response {
    let piece = Bytes::from_static(b"metric{label=\"value\"} 1\n").repeat(4_000);
    let pieces = stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(Bytes::from(piece.clone()))));
    Body::from_stream(pieces).into_response()
}

#[tokio::test]
async fn both_formats_are_taken() {
    assert_eq!(scraped(async || "a 1\nb 2\n", "").await, Ok(2));
    let open_metrics = async || {
        let kind = [(
            "Content-Type",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )];
        (kind, "# TYPE a counter\na_total 1 2.5\n# EOF\n")
    };
    assert_eq!(scraped(open_metrics, "").await, Ok(1));
}

/// Cut off, it says so: OpenMetrics has an end that can be missed.
#[tokio::test]
async fn an_answer_that_was_cut_off_is_noticed() {
    let cut = async || ([("Content-Type", "application/openmetrics-text")], "a 1\n");
    let error = scraped(cut, "").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer cannot be read as metrics: line 2 should be `# EOF`: the text was cut off"
    );
}

#[tokio::test]
async fn a_web_page_is_told_from_metrics() {
    let error = scraped(async || Html("<html></html>"), "").await.unwrap_err();
    assert_eq!(error, ScrapeError::Html);
    // One that hides its type is found out by its first line.
    let error = scraped(async || "<!doctype html>\n", "").await.unwrap_err();
    assert!(
        error.to_string().contains("line 1 has no metric's name"),
        "{error}"
    );
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_read_to_their_end() {
    // The answer has no end at all; what comes back shows that nobody waited for it.
    let error = scraped(
        async || lines(usize::MAX),
        "limits: {body_bytes: 1000000, samples: 100000000}",
    )
    .await;
    assert!(
        error
            .unwrap_err()
            .to_string()
            .ends_with("is larger than the limit of 1000000 bytes")
    );
    let error = scraped(async || "x".repeat(100_000_000), "").await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is larger than the limit of 67108864 bytes"),
        "{error}"
    );
}

/// A few kilobytes that become many megabytes count by what they become.
#[tokio::test]
async fn what_is_compressed_is_limited_by_what_it_becomes() {
    let routes = Router::new().route("/", get(async || "a 1\n".repeat(1_000_000)));
    let server = LoopbackServer::start(routes.layer(CompressionLayer::new().gzip(true))).await;
    let error = fetch(&target(&server.url, "limits: {body_bytes: 100000}"))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is larger than the limit of 100000 bytes"),
        "{error}"
    );

    let routes = Router::new().route("/", get(async || "a 1\n".repeat(100)));
    let server = LoopbackServer::start(routes.layer(CompressionLayer::new().gzip(true))).await;
    assert_eq!(fetch(&target(&server.url, "")).await.unwrap().samples.len(), 100);
}

#[tokio::test]
async fn a_million_series_are_refused_by_their_number() {
    let error = scraped(async || lines(250), "").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer cannot be read as metrics: line 100001 passes the limit of 100000 samples"
    );
}

#[tokio::test]
async fn nothing_is_not_an_answer_and_an_empty_answer_is() {
    // Nothing exposed is an answer: the target is up.
    assert_eq!(scraped(async || "", "").await, Ok(0));

    let error = fetch(&target(&nobody().await, "")).await.unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");

    // Listens, and says nothing until it is left alone.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let silent = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.read_to_end(&mut Vec::new()).await
    });
    let error = fetch(&target(&url, "timeout: 100ms")).await.unwrap_err();
    assert!(error.to_string().contains("it did not answer in time"), "{error}");
    silent.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refusal_is_passed_on_in_its_words() {
    let error = scraped(
        async || (StatusCode::SERVICE_UNAVAILABLE, "the disk is on fire"),
        "",
    )
    .await
    .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("answers 503 Service Unavailable: the disk is on fire")
            || error.to_string().ends_with("answers 503: the disk is on fire"),
        "{error}"
    );
    let elsewhere = async || axum::response::Redirect::permanent("/metrics");
    let error = scraped(elsewhere, "").await.unwrap_err();
    assert!(
        error.to_string().contains("it sends callers to /metrics"),
        "{error}"
    );
}

#[tokio::test]
async fn who_we_are_is_told_as_configured() {
    let guarded = async |request: Request| {
        let value = request
            .headers()
            .get("Authorization")
            .map(|value| value.to_str().unwrap().to_owned());
        if value.as_deref() == Some("Basic YW5uOnNlY3JldA==") {
            "a 1\n".into_response()
        } else {
            StatusCode::UNAUTHORIZED.into_response()
        }
    };
    assert_eq!(
        scraped(guarded, "sign_in: {basic: {username: ann, password: secret}}").await,
        Ok(1)
    );
    let error = scraped(guarded, "").await.unwrap_err();
    assert!(error.to_string().contains("answers 401"), "{error}");
}

/// The way of a target that goes and comes back, on values: what was fetched is real.
#[tokio::test]
async fn a_target_goes_and_comes_back() {
    let server = LoopbackServer::start(Router::new().route("/", get(async || "a 1\n"))).await;
    let target = target(&server.url, "");
    let took = Duration::from_secs(1);
    let up = outcome(
        &target,
        fetch(&target).await.ok(),
        1_000,
        took,
        ScrapeState::default(),
    );
    assert_eq!(up.received.batch.series[1].1[0].value, 1.0);
    drop(server);
    let down = outcome(&target, fetch(&target).await.ok(), 2_000, took, up.state);
    let ended: Vec<_> = down
        .received
        .batch
        .series
        .iter()
        .filter(|(_, samples)| samples[0].is_stale())
        .collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].0.metric(), "a");
}

#[tokio::test]
async fn a_series_that_is_too_long_is_lost_alone() {
    let many: String = (0..100).map(|number| format!("label_{number}=\"x\",")).collect();
    let text = format!("a{{x=\"{}\"}} 1\nb{{{many}}} 1\nc 1\n", "v".repeat(5_000));
    let served = text.clone();
    let server = LoopbackServer::start(Router::new().route("/", get(async move || served))).await;
    let scraped = async |more: &str| {
        let target = target(&server.url, more);
        let fetched = fetch(&target).await.unwrap();
        outcome(
            &target,
            Some(fetched),
            1_000,
            Duration::from_secs(1),
            ScrapeState::default(),
        )
    };
    let came = scraped("").await;
    let value = |metric: &str| {
        let mut series = came.received.batch.series.iter();
        let found = series.find(|(labels, _)| labels.metric() == metric);
        found.map(|(_, samples)| samples[0].value)
    };
    let values = ["up", "a", "b", "c", "scrape_samples_refused"].map(value);
    assert_eq!(values, [Some(1.0), None, None, Some(1.0), Some(2.0)]);
    assert_eq!(
        came.received.refused.to_string(),
        "line 1 has a text of more than 4096 bytes; line 2 has more than 64 labels"
    );
    // Whoever wants them sets the limits.
    let came = scraped("limits: {labels: 200, label_value_bytes: 6000}").await;
    assert_eq!((came.kept, came.received.refused.count()), (3, 0));
}
