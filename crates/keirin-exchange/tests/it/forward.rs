//! New samples on their way to another server: from a real database, to a server that takes remote write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use jiff::{SignedDuration, Timestamp};
use keirin_exchange::forward::{Forward, ForwardError, Forwarder};
use keirin_formats::batch::Batch;
use keirin_formats::remote_write::{RemoteWriteLimits, decode};
use keirin_model::series::{Labels, Sample};
use keirin_model::{Clock, Outcome};
use keirin_series::sink::SampleSink;
use keirin_series::storage::{Intake, IntakeLimits, Storage};
use keirin_series::transforms::Transforms;
use keirin_testkit::loopback::LoopbackServer;
use keirin_testkit::{FakeClock, TestDatabase, database};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::fixture::{led, now};

/// A storage that gets samples, and the clock that it goes by.
pub(crate) struct Sender {
    pub(crate) storage: Storage,
    pub(crate) clock: FakeClock,
    intake: Intake,
}

impl Sender {
    pub(crate) fn new(database: &TestDatabase) -> Self {
        let clock = FakeClock::at(now());
        let storage = Storage::new(database.store());
        let intake = Intake::new(storage.clone(), IntakeLimits::default(), reads(&clock));
        Self {
            storage,
            clock,
            intake,
        }
    }

    /// Sends to another server, as this configuration has it.
    pub(crate) fn forwarder(&self, yaml: &str) -> Forwarder {
        let forward = Forward::new(serde_saphyr::from_str(yaml).unwrap()).unwrap();
        Forwarder::new(self.storage.clone(), reads(&self.clock), forward)
    }

    /// A sample of this moment comes in.
    pub(crate) async fn comes(&self, job: &str, value: f64) -> Timestamp {
        let now = self.clock.now();
        self.comes_at(job, now, value).await;
        now
    }

    pub(crate) async fn comes_at(&self, job: &str, at: Timestamp, value: f64) {
        let labels = Labels::new([("__name__", "sent_value"), ("job", job)]).unwrap();
        let batch = Batch {
            series: vec![(labels, vec![Sample::new(at.as_millisecond(), value)])],
            metadata: Vec::new(),
        };
        self.intake.write(batch.into()).await.unwrap();
    }

    pub(crate) fn later(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }
}

fn reads(clock: &FakeClock) -> Clock {
    let clock = clock.clone();
    Arc::new(move || clock.now())
}

/// A server that takes remote write while it is well.
#[derive(Clone)]
struct Taker {
    is_well: Arc<AtomicBool>,
    taken: UnboundedSender<String>,
}

async fn take(State(taker): State<Taker>, body: Bytes) -> StatusCode {
    if !taker.is_well.load(Ordering::SeqCst) {
        return StatusCode::FORBIDDEN;
    }
    let received = decode(&body, RemoteWriteLimits::default()).unwrap();
    for (labels, samples) in received.batch.series {
        for sample in samples {
            let age = (now().as_millisecond() - sample.time_ms) / 1_000;
            let value = if sample.is_stale() {
                "ended".to_owned()
            } else {
                sample.value.to_string()
            };
            taker.taken.send(format!("{labels} {value} @{}", -age)).unwrap();
        }
    }
    StatusCode::NO_CONTENT
}

async fn taker() -> (LoopbackServer, Arc<AtomicBool>, UnboundedReceiver<String>) {
    let (taken, receiver) = unbounded_channel();
    let is_well = Arc::new(AtomicBool::new(true));
    let taker = Taker {
        is_well: is_well.clone(),
        taken,
    };
    let server = LoopbackServer::start(Router::new().route("/", post(take)).with_state(taker)).await;
    (server, is_well, receiver)
}

fn all(receiver: &mut UnboundedReceiver<String>) -> Vec<String> {
    let mut all: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
    all.sort();
    all
}

#[tokio::test]
async fn what_is_new_goes_out_once_and_nothing_is_skipped() {
    let database = database().await;
    let sender = Sender::new(&database);
    let (server, is_well, mut taken) = taker().await;
    let yaml = format!("name: other\nurl: {}", server.url);
    let forwarder = sender.forwarder(&yaml);

    // What was there before is not new.
    sender.comes("a", 1.0).await;
    sender.later(10);
    assert!(!forwarder.forward().await.unwrap());
    assert_eq!(all(&mut taken), Vec::<String>::new());

    sender.comes("a", 2.0).await;
    sender.comes("b", 3.0).await;
    // Samples of this moment may still be on their way in.
    forwarder.forward().await.unwrap();
    assert_eq!(all(&mut taken), Vec::<String>::new());
    sender.later(10);
    forwarder.forward().await.unwrap();
    assert_eq!(
        all(&mut taken),
        [r#"sent_value{job="a"} 2 @10"#, r#"sent_value{job="b"} 3 @10"#]
    );
    forwarder.forward().await.unwrap();
    assert_eq!(all(&mut taken), Vec::<String>::new());

    // While the other one is down, nothing is lost; another of our servers goes on where this one stopped.
    is_well.store(false, Ordering::SeqCst);
    sender.comes("a", Sample::stale(0).value).await;
    sender.later(10);
    let error = forwarder.forward().await.unwrap_err();
    assert!(matches!(error, ForwardError::Http(_)), "{error}");
    assert!(forwarder.status().error.unwrap().contains("answers 403"));
    assert_eq!(forwarder.status().samples, 2);
    sender.comes("b", 4.0).await;
    sender.later(10);
    is_well.store(true, Ordering::SeqCst);
    let after_restart = sender.forwarder(&yaml);
    after_restart.forward().await.unwrap();
    assert_eq!(
        all(&mut taken),
        [r#"sent_value{job="a"} ended @20"#, r#"sent_value{job="b"} 4 @30"#]
    );
    let status = after_restart.status();
    assert_eq!((status.samples, status.error), (2, None));
    assert_eq!(
        status.sent_until,
        Some(sender.clock.now() - SignedDuration::from_secs(5))
    );
}

#[tokio::test]
async fn a_long_way_back_is_gone_in_steps_and_only_what_was_asked_for_goes() {
    let database = database().await;
    let sender = Sender::new(&database);
    let (server, _, mut taken) = taker().await;
    let yaml = format!(
        "name: other\nurl: {}\nmatch: 'sent_value{{job!=\"b\"}}'",
        server.url
    );
    let forwarder = sender.forwarder(&yaml);
    forwarder.forward().await.unwrap();
    for minute in 1..=12 {
        sender.later(60);
        sender.comes("a", f64::from(minute)).await;
        sender.comes("b", f64::from(minute)).await;
    }
    sender.later(60);
    let mut steps = 1;
    while forwarder.forward().await.unwrap() {
        steps += 1;
    }
    assert_eq!(steps, 3);
    let taken = all(&mut taken);
    assert_eq!(taken.len(), 12, "{taken:?}");
    assert!(
        taken.iter().all(|line| line.starts_with("sent_value{job=\"a\"}")),
        "{taken:?}"
    );
    for minute in 1..=12 {
        assert!(taken.contains(&format!("sent_value{{job=\"a\"}} {minute} @{}", minute * 60)));
    }
}

#[tokio::test]
async fn what_facts_make_is_sent_once_they_have_all_been_counted() {
    let database = database().await;
    let led = led(database.store()).await;
    let sender = Sender::new(&database);
    let (server, _, mut taken) = taker().await;
    let yaml = format!(
        "name: other\nurl: {}\nmatch: 'keirin_flows_total{{outcome=\"success\"}}'",
        server.url
    );
    let forwarder = sender.forwarder(&yaml);
    forwarder.forward().await.unwrap();
    // It belongs to the hour that has just ended.
    led.finished_flow(now() - SignedDuration::from_secs(60), Outcome::Success)
        .await;
    database.settled().await;
    sender.later(60);
    forwarder.forward().await.unwrap();
    assert_eq!(all(&mut taken), Vec::<String>::new());
    let transforms = Transforms::new(sender.storage.clone());
    transforms.catch_up(sender.clock.now()).await.unwrap();
    forwarder.forward().await.unwrap();
    let taken = all(&mut taken);
    assert!(taken.len() == 1 && taken[0].ends_with(" 1 @-3600"), "{taken:?}");
}

#[tokio::test]
async fn a_selector_that_is_none_is_refused_when_it_is_configured() {
    let settings =
        serde_saphyr::from_str("{name: a, url: 'http://127.0.0.1:1', match: 'rate(up[5m])'}").unwrap();
    let error = Forward::new(settings).unwrap_err();
    assert!(error.to_string().contains("names no series"), "{error}");
}
