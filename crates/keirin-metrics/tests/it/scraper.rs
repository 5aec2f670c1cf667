//! The scraper with real targets and a sink that keeps what it is given.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::routing::get;
use jiff::Timestamp;
use keirin_metrics::batch::Batch;
use keirin_metrics::scrape::{Health, Scraper, Target};
use keirin_metrics::sink::{SampleSink, SinkError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use url::Url;

use crate::server::{Server, nobody};

struct Kept(UnboundedSender<Batch>);

#[async_trait]
impl SampleSink for Kept {
    async fn write(&self, batch: Batch) -> Result<(), SinkError> {
        self.0
            .send(batch)
            .map_err(|_| SinkError::Failed("nobody is there".to_owned()))
    }
}

fn scraper() -> (Scraper, UnboundedReceiver<Batch>) {
    let (sender, receiver) = unbounded_channel();
    let clock = || Timestamp::from_second(1_700_000_000).unwrap();
    (Scraper::new(Arc::new(clock), Arc::new(Kept(sender))), receiver)
}

fn target(name: &str, url: &Url, more: &str) -> Target {
    let yaml = format!("name: {name}\nurl: {url}\ninterval: 1s\ntimeout: 1s\n{more}");
    Target::new(serde_saphyr::from_str(&yaml).unwrap()).unwrap()
}

/// The value of a metric in a batch of this target; `None` for a marked end.
fn value(batch: &Batch, job: &str, metric: &str) -> Option<Option<f64>> {
    let mut series = batch.series.iter();
    let (_, samples) = series.find(|(labels, _)| labels.get("job") == job && labels.metric() == metric)?;
    Some((!samples[0].is_stale()).then_some(samples[0].value))
}

#[tokio::test]
async fn every_target_is_scraped_and_has_a_status() {
    let server = Server::start(Router::new().route("/", get(async || "a 7\n"))).await;
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
    let server = Server::start(Router::new().route("/", get(async || "a 7\n"))).await;
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
    let server = Server::start(Router::new().route("/", get(async || "a 7\n"))).await;
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
