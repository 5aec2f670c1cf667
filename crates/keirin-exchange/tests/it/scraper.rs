//! The scraper with real targets and a sink that keeps what it is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use keirin_exchange::scrape::{Health, ScrapeTarget, Scraper, TargetStatus};
use keirin_formats::batch::{Batch, Received};
use keirin_model::Clock;
use keirin_series::sink::{SampleSink, SinkError};
use keirin_series::storage::{Intake, IntakeLimits, Storage};
use keirin_testkit::loopback::{LoopbackServer, nobody};
use keirin_testkit::{FakeClock, database};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use url::Url;

use crate::fixture::{now, samples};

struct Kept(UnboundedSender<Batch>);

#[async_trait]
impl SampleSink for Kept {
    async fn write(&self, received: Received) -> Result<(), SinkError> {
        self.0
            .send(received.batch)
            .map_err(|_| SinkError::Failed("nobody is there".to_owned()))
    }
}

fn scraper() -> (Scraper, UnboundedReceiver<Batch>) {
    let (sender, receiver) = unbounded_channel();
    let clock = || Timestamp::from_second(1_700_000_000).unwrap();
    (Scraper::new(Arc::new(clock), Arc::new(Kept(sender))), receiver)
}

fn target(name: &str, url: &Url, more: &str) -> ScrapeTarget {
    let yaml = format!("name: {name}\nurl: {url}\ninterval: 1s\ntimeout: 1s\n{more}");
    ScrapeTarget::new(serde_saphyr::from_str(&yaml).unwrap()).unwrap()
}

/// The value of a metric in a batch of this target; `None` for a marked end.
fn value(batch: &Batch, job: &str, metric: &str) -> Option<Option<f64>> {
    let mut series = batch.series.iter();
    let (_, samples) = series.find(|(labels, _)| labels.get("job") == job && labels.metric() == metric)?;
    Some((!samples[0].is_stale()).then_some(samples[0].value))
}

#[tokio::test]
async fn every_target_is_scraped_and_has_a_status() {
    let server = LoopbackServer::start(Router::new().route("/", get(async || "a 7\n"))).await;
    let (mut scraper, mut batches) = scraper();
    let (here, gone) = (
        target("here", &server.url, ""),
        target("gone", &nobody().await, ""),
    );
    scraper
        .set_targets(vec![here.clone(), gone.clone()])
        .await
        .unwrap();
    assert!(
        scraper
            .statuses()
            .iter()
            .all(|status| status.health == Health::Unknown)
    );

    // Each twice: the second scrape shows that it goes on by itself.
    let (mut ups, mut downs) = (0, 0);
    while ups < 2 || downs < 2 {
        let batch = batches.recv().await.unwrap();
        match value(&batch, "here", "up") {
            Some(up) => {
                assert_eq!((up, value(&batch, "here", "a")), (Some(1.0), Some(Some(7.0))));
                ups += 1;
            }
            None => {
                assert_eq!(value(&batch, "gone", "up"), Some(Some(0.0)));
                downs += 1;
            }
        }
    }
    let statuses = scraper.statuses();
    assert_eq!(statuses.len(), 2);
    assert_eq!((&*statuses[0].name, statuses[0].health), ("gone", Health::Down));
    assert!(
        statuses[0]
            .last_error
            .as_deref()
            .unwrap()
            .contains("cannot be reached")
    );
    assert_eq!(
        (&*statuses[1].name, statuses[1].health, statuses[1].samples),
        ("here", Health::Up, 1)
    );
    assert_eq!(
        (
            statuses[1].last_error.as_deref(),
            statuses[1].last_scrape.is_some()
        ),
        (None, true)
    );

    // A name that is there twice changes nothing.
    let error = scraper
        .set_targets(vec![gone.clone(), gone.clone()])
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the target `gone` is there twice; give each a name of its own"
    );
    assert_eq!(scraper.statuses().len(), 2);

    // Taken away, its series have ended; the other goes on with what is known of it.
    scraper.set_targets(vec![gone]).await.unwrap();
    let mut ended = batches.recv().await.unwrap();
    while value(&ended, "here", "up") != Some(None) {
        ended = batches.recv().await.unwrap();
    }
    assert_eq!(value(&ended, "here", "a"), Some(None));
    let statuses = scraper.statuses();
    assert_eq!((statuses.len(), statuses[0].health), (1, Health::Down));
    scraper.stop().await;
}

#[tokio::test]
async fn a_changed_target_begins_anew() {
    let server = LoopbackServer::start(Router::new().route("/", get(async || "a 7\n"))).await;
    let (mut scraper, mut batches) = scraper();
    scraper
        .set_targets(vec![target("here", &server.url, "")])
        .await
        .unwrap();
    assert_eq!(
        value(&batches.recv().await.unwrap(), "here", "a"),
        Some(Some(7.0))
    );
    // Only a secret is another: it is not shown, and still a change.
    let changed = target("here", &server.url, "sign_in: {bearer: {token: other}}");
    scraper.set_targets(vec![changed]).await.unwrap();
    assert_eq!(scraper.statuses()[0].health, Health::Unknown);
    let mut batch = batches.recv().await.unwrap();
    while value(&batch, "here", "a") != Some(None) {
        batch = batches.recv().await.unwrap();
    }
    assert_eq!(
        value(&batches.recv().await.unwrap(), "here", "a"),
        Some(Some(7.0))
    );
}

#[tokio::test]
async fn a_storage_that_keeps_nothing_is_seen_in_the_status() {
    let server = LoopbackServer::start(Router::new().route("/", get(async || "a 7\n"))).await;
    let (mut scraper, batches) = scraper();
    drop(batches);
    scraper
        .set_targets(vec![target("here", &server.url, "")])
        .await
        .unwrap();
    let status = loop {
        let status = scraper.statuses().remove(0);
        if status.health != Health::Unknown {
            break status;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(status.health, Health::Up);
    assert_eq!(
        status.last_error.as_deref(),
        Some("the samples could not be kept: nobody is there")
    );
}

/// What a target must never do, each through the whole way: an error that says what it was, `up` of 0, and nothing else.
#[tokio::test]
async fn a_target_that_misbehaves_is_down_and_says_why() {
    let lines = |count: usize| {
        move || async move {
            let lines = (0..count).map(|line| Ok::<_, std::io::Error>(format!("m{{i=\"{line}\"}} 1\n")));
            axum::body::Body::from_stream(futures::stream::iter(lines))
        }
    };
    let megabytes = || async {
        let megabyte = vec![b'#'; 1 << 20];
        let pieces =
            (0..100).map(move |_| Ok::<_, std::io::Error>([megabyte.clone(), b"\n".to_vec()].concat()));
        axum::body::Body::from_stream(futures::stream::iter(pieces))
    };
    let drips = || async {
        let one = async |line: u64| {
            tokio::task::yield_now().await;
            Some((
                Ok::<_, std::io::Error>(format!("m{{i=\"{}\"}} 1\n", line % 9)),
                line + 1,
            ))
        };
        axum::body::Body::from_stream(futures::stream::unfold(0, one))
    };
    let routes = Router::new()
        .route(
            "/page",
            get(async || axum::response::Html("<!doctype html><p>Welcome</p>")),
        )
        .route("/large", get(megabytes))
        .route("/endless", get(drips))
        .route("/million", get(lines(1_000_000)))
        .route("/not-ours", get(async || [0_u8, 159, 146, 150].to_vec()));
    let server = LoopbackServer::start(routes).await;
    let closing = closing().await;
    let at = |path: &str| server.url.join(path).unwrap();
    let (mut scraper, mut batches) = scraper();
    let reasons = [
        ("page", at("page"), "a web page (HTML)"),
        ("large", at("large"), "is larger than the limit of 67108864 bytes"),
        ("endless", at("endless"), "passes the limit of 100000 samples"),
        (
            "million",
            at("million"),
            "line 100001 passes the limit of 100000 samples",
        ),
        ("not-ours", at("not-ours"), "cannot be read as metrics: line 1"),
        ("closing", closing, "cannot be reached"),
    ];
    let slow = "interval: 60s\ntimeout: 60s\n";
    let targets = reasons
        .iter()
        .map(|(name, url, _)| {
            let yaml = format!("name: {name}\nurl: {url}\n{slow}");
            ScrapeTarget::new(serde_saphyr::from_str(&yaml).unwrap()).unwrap()
        })
        .collect();
    scraper.set_targets(targets).await.unwrap();
    for _ in &reasons {
        let batch = batches.recv().await.unwrap();
        assert_eq!(batch.samples(), 4, "{batch:?}");
        let job = batch.series[0].0.get("job").to_owned();
        assert_eq!(value(&batch, &job, "up"), Some(Some(0.0)), "{job}");
        assert_eq!(value(&batch, &job, "scrape_samples_scraped"), Some(Some(0.0)));
    }
    // The last batch is taken before its status is written.
    let statuses = loop {
        let statuses = scraper.statuses();
        if statuses.iter().all(|status| status.health != Health::Unknown) {
            break statuses;
        }
        tokio::task::yield_now().await;
    };
    for (name, _, reason) in reasons {
        let status = statuses.iter().find(|status| status.name == name).unwrap();
        let error = status.last_error.as_deref().unwrap();
        assert!(error.contains(reason), "{name}: {error}");
        assert_eq!((status.health, status.samples), (Health::Down, 0));
    }
    scraper.stop().await;
}

/// Takes calls and closes each connection without a word.
async fn closing() -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            drop(connection);
        }
    });
    url.parse().unwrap()
}

/// Into a real database and out of it: a target that answers, has a series too many, goes, and comes back.
#[tokio::test]
async fn a_target_is_kept_in_the_storage() {
    let database = database().await;
    let storage = Storage::new(database.store());
    let clock = FakeClock::at(now() - SignedDuration::from_secs(600));
    let reads = clock.clone();
    let clock_of: Clock = Arc::new(move || reads.now());
    let limits = IntakeLimits {
        series: 6,
        ..IntakeLimits::default()
    };
    let intake = Intake::new(storage.clone(), limits, clock_of.clone());
    let mut scraper = Scraper::new(clock_of, intake.shared());

    let exposed = Arc::new(AtomicUsize::new(1));
    let answer = exposed.clone();
    let series = async move || match answer.load(Ordering::SeqCst) {
        0 => Err(axum::http::StatusCode::SERVICE_UNAVAILABLE),
        count => Ok((0..count)
            .map(|line| format!("m{{i=\"{line}\"}} {line}\n"))
            .collect::<String>()),
    };
    let server = LoopbackServer::start(Router::new().route("/", get(series))).await;
    scraper
        .set_targets(vec![target("t", &server.url, "")])
        .await
        .unwrap();
    let until = async |wanted: &dyn Fn(&TargetStatus) -> bool| {
        while !wanted(&scraper.statuses()[0]) {
            tokio::task::yield_now().await;
        }
        // What the next scrape says is of another time.
        clock.advance(SignedDuration::from_secs(60));
    };
    let last = async |metric: &str, labels: &[(&str, &str)]| samples(&storage, metric, labels).await.pop();
    until(&|status| status.health == Health::Up).await;
    exposed.store(3, Ordering::SeqCst);
    until(&|status| status.samples == 3).await;
    let error = scraper.statuses()[0].last_error.clone().unwrap();
    assert!(
        error.contains(
            "would be one series more than whatever belongs to no project may have, 6 (`series_limit`)"
        ),
        "{error}"
    );
    assert!(last("m", &[("i", "1")]).await.unwrap().ends_with(" 1"));
    assert_eq!(last("m", &[("i", "2")]).await, None);
    exposed.store(0, Ordering::SeqCst);
    until(&|status| status.health == Health::Down).await;
    assert!(last("up", &[]).await.unwrap().ends_with(" 0"));
    assert!(last("m", &[("i", "0")]).await.unwrap().ends_with(" NaN"));
    exposed.store(1, Ordering::SeqCst);
    until(&|status| status.health == Health::Up).await;
    assert!(last("up", &[]).await.unwrap().ends_with(" 1"));
    assert!(last("m", &[("i", "0")]).await.unwrap().ends_with(" 0"));
    scraper.stop().await;
}

/// What has not answered yet is not waited for when the server stops.
#[tokio::test]
async fn a_silent_target_does_not_hold_up_the_end() {
    let (asked, mut is_asked) = unbounded_channel();
    let silent = async move || {
        asked.send(()).unwrap();
        std::future::pending::<()>().await;
    };
    let server = LoopbackServer::start(Router::new().route("/", get(silent))).await;
    let (mut scraper, mut batches) = scraper();
    let yaml = format!("name: t\nurl: {}\ninterval: 10m\ntimeout: 10m", server.url);
    let target = ScrapeTarget::new(serde_saphyr::from_str(&yaml).unwrap()).unwrap();
    scraper.set_targets(vec![target]).await.unwrap();
    is_asked.recv().await.unwrap();
    scraper.stop().await;
    assert!(batches.recv().await.is_none());
}
