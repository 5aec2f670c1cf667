//! A real exporter as a target: scraped, killed, and there again. `scripts/platforms/node-exporter.sh` says where its program
//! is; the test starts and stops it.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use keirin_exchange::scrape::{Health, ScrapeTarget, Scraper, TargetStatus};
use keirin_formats::pushgateway::read_body;
use keirin_formats::text::{Exposition, TextLimits};
use keirin_http::{Endpoint, EndpointSettings};
use keirin_model::Clock;
use keirin_series::storage::{Intake, IntakeLimits, Storage};
use keirin_store::views::VisibleProjects;
use keirin_testkit::database;
use reqwest::Method;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::fixture::{now, samples};
use crate::platform::named;

async fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Starts the exporter, and comes back when it listens. It ends with what is given back.
async fn start(address: &str) -> Child {
    #[expect(clippy::disallowed_methods, reason = "the adapter of this program; it ends with the test")]
    let child = Command::new(named("KEIRIN_TEST_NODE_EXPORTER"))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    while TcpStream::connect(address).await.is_err() {
        tokio::task::yield_now().await;
    }
    child
}

#[tokio::test]
#[ignore = "a part of make test-platforms-node-exporter"]
async fn an_exporter_is_killed_and_comes_back() {
    let address = free_address().await;
    let database = database().await;
    let storage = Storage::new(database.store());
    // Each look at the clock is a second later than the one before, so no two scrapes are of one time.
    let seconds = AtomicI64::new(now().as_second() - 3_600);
    let clock: Clock =
        Arc::new(move || Timestamp::from_second(seconds.fetch_add(1, Ordering::SeqCst)).unwrap());
    let intake = Intake::new(storage.clone(), IntakeLimits::default(), clock.clone());
    let mut scraper = Scraper::new(clock, intake.shared());
    let yaml = format!(
        "{{name: node, url: 'http://{address}/metrics', interval: 1s, timeout: 1s, labels: {{site: here}}, relabel: [
           {{source_labels: [__name__], regex: go_.*, action: drop}}]}}"
    );
    let target = ScrapeTarget::new(serde_saphyr::from_str(&yaml).unwrap()).unwrap();

    let mut exporter = start(&address).await;
    scraper.set_targets(vec![target]).await.unwrap();
    let until = async |health: Health| -> TargetStatus {
        loop {
            let status = scraper.statuses().remove(0);
            if status.health == health {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    // The newest of what is kept: its value, `NaN` for a marked end.
    let last = async |metric: &str| {
        let kept = samples(&storage, metric, &[("job", "node"), ("site", "here")]).await;
        kept.last()
            .map(|line| line.rsplit(' ').next().unwrap().to_owned())
    };

    let status = until(Health::Up).await;
    assert!(status.samples > 100 && status.last_error.is_none(), "{status:?}");
    assert_eq!(last("up").await.unwrap(), "1");
    let uptime = last("node_boot_time_seconds").await.unwrap();
    assert!(uptime.parse::<f64>().unwrap() > 1e9, "{uptime}");
    assert_eq!(last("go_goroutines").await, None, "a rule leaves it out");
    let described = database
        .store()
        .described_metrics(&VisibleProjects::All)
        .await
        .unwrap();
    let cpu = described
        .iter()
        .find(|metric| metric.name == "node_cpu_seconds_total")
        .unwrap();
    assert_eq!(cpu.kind, keirin_model::series::MetricKind::Counter);

    exporter.kill().await.unwrap();
    let status = until(Health::Down).await;
    assert!(status.last_error.unwrap().contains("cannot be reached"));
    assert_eq!(status.samples, 0);
    assert_eq!(last("up").await.unwrap(), "0");
    assert_eq!(last("node_boot_time_seconds").await.unwrap(), "NaN");

    let mut exporter = start(&address).await;
    until(Health::Up).await;
    assert_eq!(last("up").await.unwrap(), "1");
    assert_eq!(last("node_boot_time_seconds").await.unwrap(), uptime);
    scraper.stop().await;
    exporter.kill().await.unwrap();
}

/// What Go's library says in protocol buffers is what it says as text; that is how it pushes.
#[tokio::test]
#[ignore = "a part of make test-platforms-node-exporter"]
async fn protocol_buffers_say_what_the_text_says() {
    let address = free_address().await;
    let mut exporter = start(&address).await;
    let url = format!("http://{address}/metrics").parse().unwrap();
    let server = Endpoint::new(&url, &EndpointSettings::default()).unwrap();
    let exposed = async |accept: &str| {
        let request = server.request(Method::GET, url.clone()).header("Accept", accept);
        let mut answer = server.open(request).await.unwrap();
        let content_type = answer.content_type().to_owned();
        assert!(content_type.starts_with(accept.split(';').next().unwrap()));
        let body = answer.body().await.unwrap();
        read_body(&content_type, &body, TextLimits::default()).unwrap()
    };
    let buffers =
        exposed("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
            .await;
    let text = exposed("text/plain").await;
    // Values move on, and a device may come and go; what they are of hardly does.
    let series = |exposition: &Exposition| {
        let samples = exposition.samples.iter();
        let all: BTreeSet<_> = samples.map(|sample| sample.labels.to_string()).collect();
        all
    };
    let (ours, theirs) = (series(&buffers), series(&text));
    let differ: Vec<_> = ours.symmetric_difference(&theirs).collect();
    assert!(ours.len() > 100 && differ.len() <= 5, "{differ:?}");
    assert!(ours.contains(r#"go_gc_duration_seconds{quantile="0.25"}"#));
    let described = |exposition: &Exposition| {
        let metadata = exposition.metadata.iter();
        let all: BTreeSet<_> = metadata
            .map(|metric| (metric.name.clone(), metric.kind.into_str(), metric.help.clone()))
            .collect();
        all
    };
    assert_eq!(described(&buffers), described(&text));
    exporter.kill().await.unwrap();
}
