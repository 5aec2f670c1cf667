//! What Prometheus' tool says of our texts, and of servers.

use keirin_formats::batch::{Batch, Metadata};
use keirin_formats::text::{SampleTimestamps, TextFormat, write};
use keirin_model::series::{Labels, MetricKind, Sample};
use keirin_testkit::promtool;

use super::EPOCH_MS;

fn series(labels: &[(&str, &str)], value: f64) -> (Labels, Vec<Sample>) {
    let labels = Labels::new(labels.iter().copied()).unwrap();
    (labels, vec![Sample::new(EPOCH_MS, value)])
}

/// Metrics of every kind, with all that is hard to write.
fn all_kinds() -> Batch {
    let described = |name: &str, kind: MetricKind, help: &str| Metadata {
        name: name.to_owned(),
        kind,
        unit: String::new(),
        help: help.to_owned(),
    };
    Batch {
        series: vec![
            series(&[("__name__", "jobs_total"), ("outcome", "passed \"\\\n")], 3.0),
            series(&[("__name__", "jobs_total"), ("outcome", "failed")], 1e300),
            series(&[("__name__", "queue_length")], f64::NEG_INFINITY),
            series(&[("__name__", "wait_seconds_bucket"), ("le", "0.5")], 1.0),
            series(&[("__name__", "wait_seconds_bucket"), ("le", "+Inf")], 2.0),
            series(&[("__name__", "wait_seconds_sum")], 1.25),
            series(&[("__name__", "wait_seconds_count")], 2.0),
            series(&[("__name__", "size_bytes"), ("quantile", "0.9")], f64::NAN),
            series(&[("__name__", "size_bytes_sum")], 7.0),
            series(&[("__name__", "size_bytes_count")], 1.0),
            series(&[("__name__", "anything")], 0.1),
        ],
        metadata: vec![
            described("jobs_total", MetricKind::Counter, "Jobs by outcome."),
            described(
                "queue_length",
                MetricKind::Gauge,
                "Jobs that wait,\nas a \\ number.",
            ),
            described("wait_seconds", MetricKind::Histogram, "How long jobs waited."),
            described("size_bytes", MetricKind::Summary, "How large artifacts were."),
            described("anything", MetricKind::Unknown, "Nobody knows."),
        ],
    }
}

#[tokio::test]
#[ignore = "a part of make test-platforms-prometheus"]
async fn promtool_finds_nothing_wrong_in_our_text() {
    for times in [SampleTimestamps::LeftOut, SampleTimestamps::Written] {
        let text = write(&all_kinds(), TextFormat::PROMETHEUS, times);
        let said = promtool::check_metrics(&text).expect("promtool is beside Prometheus");
        assert!(said.success && said.text.is_empty(), "{}\n{text}", said.text);
    }
    // It does look: a counter without its ending is found.
    let said = promtool::check_metrics("# TYPE jobs counter\njobs 1\n").unwrap();
    assert!(!said.success && said.text.contains("_total"), "{}", said.text);
}

#[tokio::test]
#[ignore = "a part of make test-platforms-prometheus"]
async fn promtool_asks_a_server() {
    let time = EPOCH_MS as f64 / 1000.0;
    let said = promtool::query_instant(&super::address(), Some("any"), "vector(40 + 2)", time).unwrap();
    assert!(said.success, "{}", said.text);
    assert_eq!(said.text.trim(), format!("{{}} => 42 @[{time}]"));
}
