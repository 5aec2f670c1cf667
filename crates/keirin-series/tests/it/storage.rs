//! Samples from outside: written, written over, read back, limited, and let go.

use keirin_model::series::{Labels, Sample};
use keirin_series::storage::{FetchLimits, Incoming, SampleColumns, Storage, StorageError};
use keirin_testkit::database;

use crate::fixture::{now, samples};

fn incoming(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Incoming {
    let samples = samples
        .iter()
        .map(|(second, value)| Sample::new(second * 1000, *value))
        .collect();
    Incoming {
        labels: Labels::new(labels.iter().copied()).unwrap(),
        project: None,
        transform: None,
        bucket_ms: None,
        samples: SampleColumns::new(samples),
    }
}

#[tokio::test]
async fn samples_in_any_order_are_one_series() {
    let database = database().await;
    let storage = Storage::new(database.store());
    let up = [("__name__", "up"), ("job", "a")];
    storage
        .write(&[incoming(&up, &[(30, 3.0), (10, 1.0)])], &[])
        .await
        .unwrap();
    storage
        .write(&[incoming(&up, &[(20, 2.0), (30, 4.0)])], &[])
        .await
        .unwrap();
    assert_eq!(
        samples(&storage, "up", &[("job", "a")]).await,
        [
            r#"up{job="a"} 1970-01-01T00:00:10Z 1"#,
            r#"up{job="a"} 1970-01-01T00:00:20Z 2"#,
            r#"up{job="a"} 1970-01-01T00:00:30Z 4"#,
        ]
    );
    assert!(samples(&storage, "up", &[("job", "b")]).await.is_empty());
}

#[tokio::test]
async fn a_long_series_lies_in_chunks_of_few_bytes() {
    let database = database().await;
    let storage = Storage::new(database.store());
    let points: Vec<_> = (0..2880)
        .map(|index| (index * 15, (index * index % 977) as f64))
        .collect();
    for day in points.chunks(100) {
        storage
            .write(&[incoming(&[("__name__", "m")], day)], &[])
            .await
            .unwrap();
    }
    let read = samples(&storage, "m", &[]).await;
    assert_eq!(read.len(), 2880);
    let rows = database.store().chunks_within(&[1], 0, i64::MAX).await.unwrap();
    assert_eq!(rows.len(), 24);
}

#[tokio::test]
async fn a_series_that_retention_took_away_is_made_again() {
    let database = database().await;
    let storage = Storage::new(database.store());
    let up = [("__name__", "up")];
    storage.write(&[incoming(&up, &[(10, 1.0)])], &[]).await.unwrap();
    // The series itself goes once it is older than what is kept.
    let later = jiff::Timestamp::constant(4_000_000_000, 0).as_millisecond();
    assert_eq!(database.store().drop_samples(later).await.unwrap(), 1);
    assert_eq!(database.store().series_totals().await.unwrap().series, 0);
    storage.write(&[incoming(&up, &[(20, 2.0)])], &[]).await.unwrap();
    assert_eq!(samples(&storage, "up", &[]).await, ["up 1970-01-01T00:00:20Z 2"]);
}

#[tokio::test]
async fn a_query_that_reaches_too_far_is_refused_by_the_limits_name() {
    let database = database().await;
    let storage = Storage::new(database.store());
    let series: Vec<_> = (0..5)
        .map(|index| {
            incoming(
                &[("__name__", "m"), ("i", &index.to_string())],
                &[(1, 1.0), (2, 2.0)],
            )
        })
        .collect();
    storage.write(&series, &[]).await.unwrap();
    let few = FetchLimits {
        series: 4,
        ..FetchLimits::default()
    };
    let error = storage.find(&[], |_| true, None, None, few).await.unwrap_err();
    assert!(
        matches!(
            error,
            StorageError::TooMuch {
                name: "query_series_limit",
                ..
            }
        ),
        "{error}"
    );
    let little = FetchLimits {
        samples: 9,
        ..FetchLimits::default()
    };
    let found = storage.find(&[], |_| true, None, None, little).await.unwrap();
    let error = storage
        .fetch(&found, 0, 5000, now().as_millisecond(), little)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("query_sample_limit"), "{error}");
}
