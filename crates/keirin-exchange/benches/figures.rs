//! What the storage of series can bear, and how long queries over it take: each figure is one line of JSON with its goal.
//!
//! `cargo bench -p keirin-exchange`, with a PostgreSQL of its own. Where `KEIRIN_TEST_PROMETHEUS` names a Prometheus, which
//! `scripts/platforms/prometheus.sh` starts, the same samples are written there, and its time for the same query is beside
//! ours.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use keirin_exchange::remote_write_client::RemoteWriteClient;
use keirin_exchange::source::{PrometheusSource, QueryData, QueryRange};
use keirin_formats::batch::Batch;
use keirin_http::EndpointSettings;
use keirin_model::series::{Labels, Sample};
use keirin_postgres::{Cluster, ClusterOptions, PostgresSearch};
use keirin_promql::{EvaluationTimes, Value};
use keirin_series::query::{Asker, QueryEngine, write_value};
use keirin_series::storage::{Incoming, SampleColumns, Storage};
use keirin_store::Store;

const EVERYBODY: Asker<'static> = Asker {
    account: None,
    sight: None,
};

const SERIES: u64 = 1000;
const HOUR_MS: i64 = 60 * 60 * 1000;
const HOURS: i64 = 12;
const SCRAPE_MS: i64 = 15_000;
const STEP_MS: i64 = 60_000;
/// A whole minute, some time ago.
const BEGIN_MS: i64 = 1_760_000_400_000;
const ROUNDS: usize = 11;

const QUERIES: [&str; 2] = [
    "sum by (x) (rate(m[5m]))",
    "histogram_quantile(0.9, sum by (le) (rate(b[5m])))",
];

fn main() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let cluster = cluster(folder.path()).await;
        let storage = Storage::new(store(&cluster).await);
        let series = all_series();
        bulk(&storage, &series).await;
        let prometheus = std::env::var("KEIRIN_TEST_PROMETHEUS").ok();
        if let Some(address) = &prometheus {
            write_there(address, &series).await;
        }
        let engine = QueryEngine::new(storage.clone());
        for text in QUERIES {
            query(&engine, text, prometheus.as_deref()).await;
        }
        scrapes(&storage, &series).await;
        storage.store().close().await;
        cluster.stop().await.unwrap();
    });
}

/// A PostgreSQL as Keirin starts its own: what is committed is on the disk, other than in tests.
async fn cluster(folder: &Path) -> Cluster {
    let options = ClusterOptions {
        search: PostgresSearch {
            path: std::env::var_os("PATH"),
            ..PostgresSearch::default()
        },
        ..ClusterOptions::new(folder)
    };
    Cluster::start_or_join(options).await.unwrap()
}

async fn store(cluster: &Cluster) -> Store {
    let store = Store::connect_with(cluster.connect_options()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

fn print(name: &str, figure: f64, unit: &str, goal: Option<(f64, bool)>) {
    let figure = (figure * 1000.0).round() / 1000.0;
    let (goal, met) = goal.unzip();
    println!(
        "{}",
        serde_json::json!({ "name": name, "figure": figure, "unit": unit, "goal": goal, "met": met })
    );
}

/// A counter that rises by about this much at each scrape and begins again a few times.
fn counter(labels: &[(&str, String)], rise: u64, seed: u64) -> (Labels, Vec<Sample>) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut value = 0_u64;
    let times = (BEGIN_MS..=BEGIN_MS + HOURS * HOUR_MS).step_by(usize::try_from(SCRAPE_MS).unwrap());
    let samples = times.map(|time_ms| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        value = if state.is_multiple_of(1009) {
            0
        } else {
            value + state % (2 * rise + 1)
        };
        Sample::new(time_ms, value as f64)
    });
    let labels = labels.iter().map(|(name, value)| (*name, value.as_str()));
    (Labels::new(labels).unwrap(), samples.collect())
}

/// A thousand counters, and a hundred histograms with ten buckets each.
fn all_series() -> Vec<(Labels, Vec<Sample>)> {
    let plain = (0..SERIES).map(|index| {
        let labels = [
            ("__name__", "m".to_owned()),
            ("x", format!("x{}", index % 10)),
            ("instance", format!("instance-{index}")),
            ("job", "bench".to_owned()),
        ];
        counter(&labels, 10, index + 1)
    });
    let buckets = (0..SERIES).map(|index| {
        let bound = index % 10;
        let le = match bound {
            9 => "+Inf".to_owned(),
            bound => (0.1 * 2_f64.powf(bound as f64)).to_string(),
        };
        let labels = [
            ("__name__", "b".to_owned()),
            ("le", le),
            ("instance", format!("instance-{}", index / 10)),
            ("job", "bench".to_owned()),
        ];
        counter(&labels, bound + 1, index + 5000)
    });
    plain.chain(buckets).collect()
}

fn incoming(labels: &Labels, samples: &[Sample]) -> Incoming {
    Incoming {
        labels: labels.clone(),
        project: None,
        transform: None,
        bucket_ms: None,
        samples: SampleColumns::new(samples.to_vec()),
    }
}

/// Everything, an hour at a time, as an import does it; and what it takes on disk then.
async fn bulk(storage: &Storage, series: &[(Labels, Vec<Sample>)]) {
    let total: usize = series.iter().map(|(_, samples)| samples.len()).sum();
    let hours = slices(series, HOUR_MS);
    let began = Instant::now();
    for hour in hours {
        let hour: Vec<_> = hour
            .into_iter()
            .map(|(labels, samples)| incoming(labels, samples))
            .collect();
        storage.write(&hour, &[]).await.unwrap();
    }
    let rate = total as f64 / began.elapsed().as_secs_f64();
    let goal = 300_000.0;
    print(
        "samples stored in bulk",
        rate.round(),
        "samples/s",
        Some((goal, rate >= goal)),
    );
    let bytes = storage.store().series_totals().await.unwrap().bytes as f64 / total as f64;
    let goal = 3.0;
    print("a sample on disk", bytes, "bytes", Some((goal, bytes <= goal)));
}

/// Samples as they come from scrapes: one of each series at a time, after what was stored before.
async fn scrapes(storage: &Storage, series: &[(Labels, Vec<Sample>)]) {
    let scrapes = 150;
    let began = Instant::now();
    for scrape in 1..=scrapes {
        let time_ms = BEGIN_MS + HOURS * HOUR_MS + scrape * SCRAPE_MS;
        let batch: Vec<_> = series
            .iter()
            .map(|(labels, samples)| incoming(labels, &[Sample::new(time_ms, samples.len() as f64)]))
            .collect();
        storage.write(&batch, &[]).await.unwrap();
    }
    let rate = series.len() as f64 * scrapes as f64 / began.elapsed().as_secs_f64();
    print(
        "samples stored one scrape at a time",
        rate.round(),
        "samples/s",
        None,
    );
}

/// Everything, half an hour at a time, in the order of time, as scrapes would have brought it: what comes late lies apart
/// in Prometheus, and is slow to read.
async fn write_there(address: &str, series: &[(Labels, Vec<Sample>)]) {
    let url = format!("{address}/api/v1/write").parse().unwrap();
    let client = RemoteWriteClient::new(&url, &EndpointSettings::default()).unwrap();
    for hour in slices(series, HOUR_MS / 2) {
        let batch = Batch {
            series: hour
                .into_iter()
                .map(|(labels, samples)| (labels.clone(), samples.to_vec()))
                .collect(),
            metadata: Vec::new(),
        };
        client.write(&batch).await.unwrap();
    }
}

/// All series, a time range after the other.
fn slices(series: &[(Labels, Vec<Sample>)], range_ms: i64) -> Vec<Vec<(&Labels, &[Sample])>> {
    let count = usize::try_from(range_ms / SCRAPE_MS).unwrap();
    let longest = series.iter().map(|(_, samples)| samples.len()).max().unwrap();
    let slice = |from: usize| {
        let part = series
            .iter()
            .map(|(labels, samples)| (labels, &samples[from..(from + count).min(samples.len())]));
        part.collect()
    };
    (0..longest).step_by(count).map(slice).collect()
}

/// From the text of a query to the text of its answer, over all that was stored. Prometheus is asked in turn with us, so
/// that both have the same of what else the machine does.
async fn query(engine: &QueryEngine, text: &str, prometheus: Option<&str>) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let source = prometheus.map(|address| {
        let settings = serde_json::json!({ "name": "prometheus", "url": address });
        PrometheusSource::new(serde_json::from_value(settings).unwrap()).unwrap()
    });
    let mut answers = (0, 0);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        answers.0 = ask(engine, text).await;
        ours.push(began.elapsed().as_secs_f64() * 1000.0);
        if let Some(source) = &source {
            let began = Instant::now();
            answers.1 = ask_there(source, text).await;
            theirs.push(began.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(answers.0, answers.1, "points here and there");
        }
    }
    let ours = median(ours);
    let name = format!("{text}, 1,000 series, 12 h at 15 s, step 60 s");
    print(&name, ours, "ms", None);
    if source.is_some() {
        let theirs = median(theirs);
        print(&format!("{name}, Prometheus"), theirs, "ms", None);
        let ratio = ours / theirs;
        print(
            &format!("{name}, beside Prometheus"),
            ratio,
            "times",
            Some((1.0, ratio <= 1.0)),
        );
    }
}

/// How many points the answer has.
async fn ask(engine: &QueryEngine, text: &str) -> usize {
    let query = engine.parse(text).unwrap();
    let end_ms = BEGIN_MS + HOURS * HOUR_MS;
    let now = Timestamp::from_millisecond(end_ms).unwrap();
    let span = EvaluationTimes::range(BEGIN_MS, end_ms, STEP_MS);
    let answer = engine.evaluate(query, span, now, EVERYBODY).await.unwrap();
    let mut json = String::new();
    write_value(&mut json, &answer.value);
    std::hint::black_box(json);
    match answer.value {
        Value::Matrix(matrix) => matrix.iter().map(|series| series.samples.len()).sum(),
        _ => 0,
    }
}

async fn ask_there(source: &PrometheusSource, text: &str) -> usize {
    let range = QueryRange {
        start_ms: BEGIN_MS,
        end_ms: BEGIN_MS + HOURS * HOUR_MS,
        step_ms: STEP_MS,
    };
    match source.query_range(text, range).await.unwrap().data {
        QueryData::Matrix(matrix) => matrix.iter().map(|series| series.values.len()).sum(),
        _ => 0,
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
