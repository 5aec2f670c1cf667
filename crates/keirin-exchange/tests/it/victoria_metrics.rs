//! A real VictoriaMetrics, which `scripts/platforms/victoria-metrics.sh` starts: written to by remote write, and asked as any
//! other source of series.

use keirin_exchange::remote_write_client::RemoteWriteClient;
use keirin_exchange::source::{
    PrometheusSource, QueryData, QueryRange, RangeSeries, SeriesRequest, SourceError,
};
use keirin_formats::batch::{Batch, Metadata};
use keirin_http::{Endpoint, EndpointSettings};
use keirin_model::series::{Labels, MetricKind, Sample};
use keirin_testkit::database;
use reqwest::Method;
use url::Url;

use crate::forward::Sender;
use crate::platform::named;

/// The first sample: a whole minute.
const FIRST_MS: i64 = 1_699_999_980_000;
const STEP_MS: i64 = 15_000;

fn server() -> Url {
    named("KEIRIN_TEST_VICTORIA_METRICS").parse().unwrap()
}

fn source(more: &str) -> PrometheusSource {
    let text = format!("name: victoria\nurl: {}\n{more}", server());
    PrometheusSource::new(serde_saphyr::from_str(&text).unwrap()).unwrap()
}

/// Writes samples there, and comes back when they are seen.
async fn write(batch: &Batch) {
    let settings = EndpointSettings::default();
    let server = Endpoint::new(&server(), &settings).unwrap();
    let client = RemoteWriteClient::new(&server.at("api/v1/write"), &settings).unwrap();
    client.write(batch).await.unwrap();
    flush().await;
}

/// Comes back when all that was written is seen.
async fn flush() {
    let server = Endpoint::new(&server(), &EndpointSettings::default()).unwrap();
    let flush = server.at("internal/force_flush");
    server
        .call(|| server.request(Method::GET, flush.clone()))
        .await
        .unwrap();
}

/// Series of a test's own metric, one an instance, each with so many samples that rise.
fn series(metric: &str, instances: &[&str], samples: i64) -> Batch {
    let one = |instance: &&str| {
        let labels = Labels::new([("__name__", metric), ("instance", instance), ("job", "test")]).unwrap();
        let sample = |index: i64| {
            Sample::new(
                FIRST_MS + index * STEP_MS,
                f64::from(i32::try_from(index).unwrap()),
            )
        };
        (labels, (0..samples).map(sample).collect())
    };
    Batch {
        series: instances.iter().map(one).collect(),
        metadata: vec![Metadata {
            name: metric.to_owned(),
            kind: MetricKind::Counter,
            unit: String::new(),
            help: "Of a test.".to_owned(),
        }],
    }
}

fn range(start: i64, end: i64) -> QueryRange {
    QueryRange {
        start_ms: FIRST_MS + start * STEP_MS,
        end_ms: FIRST_MS + end * STEP_MS,
        step_ms: STEP_MS,
    }
}

fn matrix(data: QueryData) -> Vec<RangeSeries> {
    match data {
        QueryData::Matrix(mut matrix) => {
            matrix.sort_by(|left, right| left.metric.cmp(&right.metric));
            matrix
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "a part of make test-platforms-victoria-metrics"]
async fn what_was_written_is_answered() {
    // More than one call takes.
    let mut batch = series("answered_total", &["a", "b", "größe \"😀\"\\"], 1_500);
    // A block of values has one exponent there, so values of one series are of one size.
    let values = [0.1 + 0.2, -1.5, f64::INFINITY, f64::NEG_INFINITY, 1.5e300, 5e-324];
    for (index, value) in values.into_iter().enumerate() {
        let pairs = [
            ("__name__", "answered_value".to_owned()),
            ("index", index.to_string()),
        ];
        let labels = Labels::new(pairs).unwrap();
        batch.series.push((labels, vec![Sample::new(FIRST_MS, value)]));
    }
    write(&batch).await;

    let source = source("");
    let answer = source
        .query("sum by (job) (answered_total)", range(100, 100).start_ms)
        .await
        .unwrap();
    let QueryData::Vector(vector) = answer.data else {
        panic!("{:?}", answer.data);
    };
    assert_eq!(vector.len(), 1);
    assert_eq!(vector[0].metric.to_string(), r#"{job="test"}"#);
    assert_eq!(vector[0].value.as_ref().unwrap().number(), Some(300.0));

    let answer = source
        .query_range("answered_total", range(0, 1_499))
        .await
        .unwrap();
    let written = &batch.series[..3];
    for (answered, (labels, samples)) in matrix(answer.data).iter().zip(written) {
        assert_eq!(&answered.metric, labels);
        let answered: Vec<_> = answered
            .values
            .iter()
            .map(|point| Sample::new(point.time_ms, point.number().unwrap()))
            .collect();
        assert_eq!(&answered, samples);
    }

    for (index, value) in values.into_iter().enumerate() {
        let query = format!("answered_value{{index=\"{index}\"}}");
        let QueryData::Vector(vector) = source.query(&query, FIRST_MS).await.unwrap().data else {
            panic!("{query}");
        };
        let answered = vector[0].value.as_ref().unwrap().number().unwrap();
        // It keeps decimal digits, not bits.
        let is_near = answered == value || (answered / value - 1.0).abs() < 1e-9;
        assert!(is_near || value.abs() < 1e-300, "{answered} for {value}");
    }
}

#[tokio::test]
#[ignore = "a part of make test-platforms-victoria-metrics"]
async fn a_range_in_parts_is_the_range_as_a_whole() {
    write(&series("parted_total", &["a", "b"], 400)).await;
    let query = "sum by (instance) (parted_total) * 2";
    let whole = source("").query_range(query, range(0, 399)).await.unwrap();
    let whole = matrix(whole.data);
    assert_eq!(
        whole.iter().map(|one| one.values.len()).collect::<Vec<_>>(),
        [400, 400]
    );
    for most_points in [7, 100, 399, 400] {
        let parts = source(&format!("most_points: {most_points}"))
            .query_range(query, range(0, 399))
            .await
            .unwrap();
        assert_eq!(matrix(parts.data), whole, "{most_points}");
    }
}

#[tokio::test]
#[ignore = "a part of make test-platforms-victoria-metrics"]
async fn a_marked_end_is_an_end_there() {
    let mut batch = series("ended_total", &["a"], 10);
    batch.series[0].1.push(Sample::stale(FIRST_MS + 10 * STEP_MS));
    write(&batch).await;
    let answer = source("").query_range("ended_total", range(0, 20)).await.unwrap();
    assert_eq!(matrix(answer.data)[0].values.len(), 10);
}

#[tokio::test]
#[ignore = "a part of make test-platforms-victoria-metrics"]
async fn what_there_is_can_be_listed() {
    write(&series("listed_total", &["a", "b"], 3)).await;
    let source = source("");
    let mine = SeriesRequest {
        matchers: vec!["listed_total".to_owned()],
        start_ms: Some(FIRST_MS),
        end_ms: Some(FIRST_MS + 3 * STEP_MS),
        ..SeriesRequest::default()
    };
    let mut found: Vec<_> = source
        .series(&mine)
        .await
        .unwrap()
        .data
        .iter()
        .map(ToString::to_string)
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            r#"listed_total{instance="a", job="test"}"#,
            r#"listed_total{instance="b", job="test"}"#
        ]
    );
    let labels = source.labels(&mine).await.unwrap().data;
    assert_eq!(labels, ["__name__", "instance", "job"]);
    let values = source.label_values("instance", &mine).await.unwrap().data;
    assert_eq!(values, ["a", "b"]);
    // It keeps no descriptions, and says so without an error.
    assert!(source.metadata(None).await.unwrap().data.is_empty());
}

#[tokio::test]
#[ignore = "a part of make test-platforms-victoria-metrics"]
async fn what_is_no_query_is_refused_in_its_words() {
    let error = source("").query("sum(", FIRST_MS).await.unwrap_err();
    let SourceError::Refused {
        source_name, message, ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(source_name, "victoria");
    assert!(message.contains("sum("), "{message}");
}

#[tokio::test]
#[ignore = "a part of make test-platforms-victoria-metrics"]
async fn what_is_new_here_is_there_soon_after() {
    let own = database().await;
    let sender = Sender::new(&own);
    let url = named("KEIRIN_TEST_VICTORIA_METRICS");
    let forwarder = sender.forwarder(&format!("{{name: victoria, url: '{url}/api/v1/write'}}"));
    forwarder.forward().await.unwrap();
    sender.later(60);
    let first = sender.comes("forwarded", 1.5).await;
    sender.later(60);
    let second = sender.comes("forwarded", 2.5).await;
    sender.later(15);
    sender.comes("forwarded", Sample::stale(0).value).await;
    sender.later(60);
    forwarder.forward().await.unwrap();
    flush().await;
    let range = QueryRange {
        start_ms: first.as_millisecond(),
        end_ms: second.as_millisecond() + 60_000,
        step_ms: 60_000,
    };
    let answer = source("")
        .query_range("sent_value{job=\"forwarded\"}", range)
        .await
        .unwrap();
    let values: Vec<_> = matrix(answer.data)[0]
        .values
        .iter()
        .map(|point| (point.time_ms, point.number().unwrap()))
        .collect();
    assert_eq!(
        values,
        [(first.as_millisecond(), 1.5), (second.as_millisecond(), 2.5)]
    );
}
