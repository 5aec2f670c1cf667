//! Prometheus as a source of queries.

use keirin_exchange::source::{QueryData, QueryRange, SeriesRequest, SourceError};
use keirin_model::series::{Labels, Sample};

use super::EPOCH_MS;

const HOUR_MS: i64 = 60 * 60 * 1000;

#[tokio::test]
#[ignore = "a part of make test-platforms-prometheus"]
async fn prometheus_is_asked_as_a_source() {
    // Long after what other tests write.
    let begin_ms = EPOCH_MS + 1000 * HOUR_MS;
    let labels = |job: &str| Labels::new([("__name__", "asked_total"), ("job", job)]).unwrap();
    let samples: Vec<_> = (0..=240)
        .map(|index| Sample::new(begin_ms + index * 60_000, index as f64))
        .collect();
    super::write(&[(labels("a"), samples.clone()), (labels("b"), samples)]).await;
    let source = super::source();

    let answer = source
        .query("sum(asked_total)", begin_ms + HOUR_MS)
        .await
        .unwrap();
    let QueryData::Vector(vector) = answer.data else {
        panic!("no vector")
    };
    assert_eq!(vector[0].value.as_ref().unwrap().number(), Some(120.0));

    // More points than one answer may have, so it takes two, which are put together without a seam.
    let range = QueryRange {
        start_ms: begin_ms,
        end_ms: begin_ms + 4 * HOUR_MS,
        step_ms: 1000,
    };
    let answer = source.query_range("asked_total{job=\"a\"}", range).await.unwrap();
    let QueryData::Matrix(matrix) = answer.data else {
        panic!("no matrix")
    };
    assert_eq!((matrix.len(), matrix[0].values.len()), (1, 14_401));
    let whole = matrix[0].values.iter().enumerate();
    for (second, point) in whole {
        assert_eq!(point.time_ms, begin_ms + second as i64 * 1000);
        assert_eq!(point.number(), Some((second / 60) as f64));
    }

    let all = SeriesRequest {
        matchers: vec!["asked_total".to_owned()],
        start_ms: Some(begin_ms),
        end_ms: Some(begin_ms + HOUR_MS),
        limit: None,
    };
    assert_eq!(
        source.series(&all).await.unwrap().data,
        [labels("a"), labels("b")]
    );
    assert_eq!(source.labels(&all).await.unwrap().data, ["__name__", "job"]);
    assert_eq!(source.label_values("job", &all).await.unwrap().data, ["a", "b"]);
    assert!(source.metadata(None).await.is_ok());

    let error = source.query("sum(", begin_ms).await.unwrap_err();
    assert!(
        matches!(&error, SourceError::Refused { kind, .. } if kind == "bad_data"),
        "{error}"
    );
}
