//! Samples from outside on their way into a real database: what is kept, and what is refused by which name.

use std::sync::Arc;

use jiff::SignedDuration;
use keirin_formats::batch::{Batch, Metadata};
use keirin_formats::refusal::SampleRefusal;
use keirin_model::series::{Labels, MetricKind, Sample};
use keirin_series::sink::{SampleSink, SinkError};
use keirin_series::storage::{FetchLimits, Intake, IntakeLimits, Storage};
use keirin_store::Store;
use keirin_store::views::VisibleProjects;
use keirin_testkit::database;

use crate::fixture::{now, project, samples};

/// A way in for an hour of so many series.
fn intake(store: &Store, series: u64) -> (Storage, Intake) {
    let storage = Storage::new(store.clone());
    let limits = IntakeLimits {
        series,
        keep: SignedDuration::from_hours(1),
    };
    (storage.clone(), Intake::new(storage, limits, Arc::new(now)))
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().copied()).unwrap()
}

/// Samples of one series, by seconds before now.
fn batch(pairs: &[(&str, &str)], ages: &[(i64, f64)]) -> Batch {
    let now_ms = now().as_millisecond();
    let samples = ages
        .iter()
        .map(|(age, value)| Sample::new(now_ms - age * 1000, *value))
        .collect();
    Batch {
        series: vec![(labels(pairs), samples)],
        metadata: Vec::new(),
    }
}

fn join(batches: impl IntoIterator<Item = Batch>) -> Batch {
    let mut all = Batch::default();
    for batch in batches {
        all.series.extend(batch.series);
        all.metadata.extend(batch.metadata);
    }
    all
}

#[tokio::test]
async fn samples_in_any_order_and_any_number_of_times_are_kept_once() {
    let database = database().await;
    let (storage, intake) = intake(&database.store(), 9);
    let up = [("__name__", "up"), ("job", "a")];
    for ages in [
        [(20, 2.0), (30, 1.0)],
        [(30, 1.0), (10, 3.0)],
        [(20, 2.0), (30, 1.0)],
    ] {
        intake.write(batch(&up, &ages).into()).await.unwrap();
    }
    // One batch may name a series twice, too.
    intake
        .write(join([batch(&up, &[(5, 4.0)]), batch(&up, &[(6, 3.5)])]).into())
        .await
        .unwrap();
    assert_eq!(
        samples(&storage, "up", &[]).await,
        [
            r#"up{job="a"} 2025-10-09T08:59:30Z 1"#,
            r#"up{job="a"} 2025-10-09T08:59:40Z 2"#,
            r#"up{job="a"} 2025-10-09T08:59:50Z 3"#,
            r#"up{job="a"} 2025-10-09T08:59:54Z 3.5"#,
            r#"up{job="a"} 2025-10-09T08:59:55Z 4"#,
        ]
    );
}

#[tokio::test]
async fn the_mark_of_an_end_is_kept_bit_by_bit() {
    let database = database().await;
    let (storage, intake) = intake(&database.store(), 9);
    let up = [("__name__", "up")];
    let end = Sample::stale(now().as_millisecond());
    intake
        .write(
            join([
                batch(&up, &[(10, 1.0), (5, f64::NAN)]),
                Batch {
                    series: vec![(labels(&up), vec![end])],
                    metadata: Vec::new(),
                },
            ])
            .into(),
        )
        .await
        .unwrap();
    let found = storage
        .find(&[], |_| true, None, None, FetchLimits::default())
        .await
        .unwrap();
    let fetched = storage
        .fetch(&found, 0, i64::MAX, 0, FetchLimits::default())
        .await
        .unwrap();
    let stale: Vec<_> = fetched[0]
        .samples
        .values
        .iter()
        .map(|value| Sample::new(0, *value).is_stale())
        .collect();
    assert_eq!(stale, [false, false, true]);
}

#[tokio::test]
async fn what_is_not_kept_is_told_by_its_reason_and_the_rest_is_kept() {
    let database = database().await;
    let (storage, intake) = intake(&database.store(), 9);
    let refusal = async |refused: Batch| {
        let good = batch(&[("__name__", "good")], &[(1, 1.0)]);
        match intake.write(join([refused, good]).into()).await {
            Err(SinkError::Refused { refused, .. }) => (refused.count(), refused.told()[0].clone()),
            other => panic!("{other:?}"),
        }
    };
    let ago = |seconds: i64| now() - SignedDuration::from_secs(seconds);
    let (count, reason) = refusal(batch(
        &[("__name__", "old")],
        &[(7200, 1.0), (3601, 1.0), (3600, 1.0)],
    ))
    .await;
    assert_eq!(count, 2);
    assert_eq!(
        reason,
        SampleRefusal::TooOld {
            series: "old".to_owned(),
            time: ago(7200),
            since: ago(3600)
        }
    );
    assert!(reason.to_string().contains("`keep_samples_days`"), "{reason}");
    let (count, reason) = refusal(batch(&[("__name__", "new")], &[(-601, 1.0), (-600, 1.0)])).await;
    assert_eq!(count, 1);
    assert!(matches!(reason, SampleRefusal::TooNew { .. }), "{reason}");
    let extremes = vec![Sample::new(i64::MIN, 1.0), Sample::new(i64::MAX, 1.0)];
    let extremes = Batch {
        series: vec![(labels(&[("__name__", "far")]), extremes)],
        metadata: Vec::new(),
    };
    assert_eq!(refusal(extremes).await.0, 2);

    let flows = refusal(batch(
        &[("__name__", "keirin_flows_total"), ("project", "shop")],
        &[(1, 1.0)],
    ))
    .await;
    assert_eq!(flows.1, SampleRefusal::MadeHere("keirin_flows_total".to_owned()));
    let (long, longer) = ("x".repeat(513), "x".repeat(4097));
    for (pairs, fault) in [
        (&[("job", "a")][..], "no metric's name"),
        (&[("__name__", &long)], "name of more than 512 bytes"),
        (&[("__name__", "a\0")], "character zero"),
        (&[("__name__", "a"), ("b\0", "c")], "character zero"),
        (&[("__name__", "a"), ("b", "c\0d")], "character zero"),
        (
            &[("__name__", "a"), ("b", &longer)],
            "value of more than 4096 bytes",
        ),
    ] {
        let (_, reason) = refusal(batch(pairs, &[(1, 1.0)])).await;
        let reason = reason.to_string();
        assert!(reason.contains(fault) && reason.len() < 500, "{reason}");
    }
    for (metric, count) in [("old", 1), ("good", 1), ("a", 0)] {
        assert_eq!(samples(&storage, metric, &[]).await.len(), count, "{metric}");
    }
}

#[tokio::test]
async fn a_series_too_many_is_refused_by_the_limits_name_and_those_that_are_there_go_on() {
    let database = database().await;
    let store = database.store();
    let (storage, intake) = intake(&store, 2);
    let one = |name: &str, age: i64| batch(&[("__name__", name)], &[(age, 1.0)]);
    let shop = intake.of(Some(project(&store, "shop").await));
    shop.write(join([one("a", 9), one("b", 9)]).into()).await.unwrap();
    let refused = shop
        .write(join([one("c", 5), one("a", 5)]).into())
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "1 of 2 samples was refused: `c{project=\"shop\"}` would be one series more than the project shop may have, 2 \
         (`series_limit`); send fewer labels, or raise the limit"
    );
    assert!(!refused.is_transient());
    assert_eq!(samples(&storage, "a", &[]).await.len(), 2);
    assert!(samples(&storage, "c", &[]).await.is_empty());

    // Others have room of their own; what nobody remembers is looked for in the database.
    intake
        .write(join([one("c", 9), one("d", 9)]).into())
        .await
        .unwrap();
    let (_, after_restart) = self::intake(&store, 2);
    let refused = after_restart
        .write(join([one("c", 5), one("e", 5)]).into())
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("`e` would be one series more"),
        "{refused}"
    );
    assert_eq!(samples(&storage, "c", &[]).await.len(), 2);
}

#[tokio::test]
async fn a_project_writes_to_its_own_series_only() {
    let database = database().await;
    let store = database.store();
    let (storage, intake) = intake(&store, 9);
    let (shop, bank) = (project(&store, "shop").await, project(&store, "bank").await);
    let pretends = batch(&[("__name__", "built"), ("project", "bank")], &[(1, 1.0)]);
    intake
        .of(Some(shop.clone()))
        .write(pretends.into())
        .await
        .unwrap();
    let built = batch(&[("__name__", "built")], &[(1, 2.0)]);
    intake.of(Some(bank)).write(built.into()).await.unwrap();
    assert_eq!(samples(&storage, "built", &[("project", "bank")]).await.len(), 1);
    assert_eq!(samples(&storage, "built", &[("project", "shop")]).await.len(), 1);
    let limits = FetchLimits::default();
    let seen = storage
        .find(&[], |_| true, None, Some(&[shop.id]), limits)
        .await
        .unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].labels.get("project"), "shop");
}

/// Every writer waits for its turn, and whoever reads meanwhile finds a connection.
#[tokio::test]
async fn many_writers_at_once_leave_connections_for_others() {
    let database = database().await;
    let store = database.store();
    let (storage, intake) = intake(&store, 100);
    let first = storage.begin().await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..60 {
        let intake = intake.clone();
        writers.spawn(async move {
            let writer = writer.to_string();
            intake
                .write(batch(&[("__name__", "m"), ("writer", &writer)], &[(1, 1.0)]).into())
                .await
        });
    }
    // All of them are at their wait before this one asks.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(
        store
            .described_metrics(&VisibleProjects::All)
            .await
            .unwrap()
            .is_empty()
    );
    drop(first);
    while let Some(written) = writers.join_next().await {
        written.unwrap().unwrap();
    }
    assert_eq!(samples(&storage, "m", &[]).await.len(), 60);
}

#[tokio::test]
async fn what_a_metric_means_is_kept_and_the_servers_own_stay_as_they_are() {
    let database = database().await;
    let store = database.store();
    let (_, intake) = intake(&store, 9);
    let says = |name: &str, help: &str| Metadata {
        name: name.to_owned(),
        kind: MetricKind::Gauge,
        unit: String::new(),
        help: help.to_owned(),
    };
    let long = "é".repeat(4096);
    for help in ["One.", "Two.", "Two."] {
        let metadata = vec![
            says("up", help),
            says("keirin_flows_total", "Mine."),
            says("zero", "a\0b"),
            says("long", &long),
            says("no\0name", "c"),
        ];
        let series = Vec::new();
        intake.write(Batch { series, metadata }.into()).await.unwrap();
    }
    let described: Vec<_> = store
        .described_metrics(&VisibleProjects::All)
        .await
        .unwrap()
        .into_iter()
        .map(|metric| (metric.name, metric.help))
        .collect();
    let expected = [("long", &long[..4096]), ("up", "Two."), ("zero", "a\u{fffd}b")];
    assert_eq!(
        described,
        expected.map(|(name, help)| (name.to_owned(), help.to_owned()))
    );
}
