//! What holds of every file of queries and of all rows: they are read or refused, and what is read is what was written.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use keirin_model::series::Labels;
use keirin_store::foreign::ForeignRows;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::rows::samples;
use super::{SqlFile, SqlKind, SqlMetric, SqlMetricQuery};

/// Queries with names of their own: labels, metrics and columns apart from one another.
fn queries() -> impl Strategy<Value = Vec<SqlMetricQuery>> {
    let kinds = prop_oneof![Just(SqlKind::Counter), Just(SqlKind::Gauge)];
    let metric = (kinds, "\\PC{0,6}", "[a-zé.]{1,9}", any::<bool>());
    let query = (
        "[a-zé(]\\PC{0,20}",
        prop::option::of("\\PC{1,9}"),
        5_u64..100_000,
        1_u64..100_000,
        1_usize..100_000,
        0_usize..4,
        prop::collection::vec(metric, 1..4),
    );
    prop::collection::vec(query, 0..4)
        .prop_map(|queries| queries.into_iter().enumerate().map(built).collect())
}

type Parts = (
    String,
    Option<String>,
    u64,
    u64,
    usize,
    usize,
    Vec<(SqlKind, String, String, bool)>,
);

fn built((index, (sql, when, interval, timeout, rows, labels, metrics)): (usize, Parts)) -> SqlMetricQuery {
    let metrics = metrics.into_iter().enumerate().map(|(place, metric)| {
        let (kind, unit, help, own_column) = metric;
        let ending = if kind == SqlKind::Counter { "_total" } else { "" };
        let name = format!("metric_{index}:{place}{ending}");
        let column = if own_column {
            format!("column {place}")
        } else {
            name.clone()
        };
        SqlMetric {
            name,
            column,
            kind,
            unit,
            help,
        }
    });
    SqlMetricQuery {
        name: format!("query_{index}"),
        sql,
        when,
        interval: Duration::from_secs(interval),
        timeout: Duration::from_secs(timeout.min(interval)),
        rows,
        labels: (0..labels).map(|label| format!("label_{label}")).collect(),
        metrics: metrics.collect(),
    }
}

/// The file that says so; JSON is YAML too.
fn written(queries: &[SqlMetricQuery]) -> String {
    let metric = |metric: &SqlMetric| {
        json!({
            "name": metric.name,
            "column": metric.column,
            "kind": match metric.kind { SqlKind::Counter => "counter", SqlKind::Gauge => "gauge" },
            "unit": metric.unit,
            "help": metric.help,
        })
    };
    let query = |query: &SqlMetricQuery| {
        let mut one = json!({
            "name": query.name,
            "sql": query.sql,
            "interval": format!("{}s", query.interval.as_secs()),
            "timeout": format!("{}s", query.timeout.as_secs()),
            "rows": query.rows,
            "labels": query.labels,
            "metrics": query.metrics.iter().map(metric).collect::<Vec<_>>(),
        });
        if let Some(when) = &query.when {
            one["when"] = Value::from(when.clone());
        }
        one
    };
    let queries: Vec<_> = queries.iter().map(query).collect();
    json!({ "queries": queries }).to_string()
}

const EXAMPLE: &str = include_str!("../../../../deploy/sql/postgresql.sql.yaml");

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_as_it_was(queries in queries()) {
        let text = written(&queries);
        let read = SqlFile::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        prop_assert_eq!(read.queries, queries);
    }

    #[test]
    fn any_text_is_a_file_or_refused(
        text in prop_oneof![
            "\\PC{0,80}",
            "([a-c:,\\[\\]{}&*!|>'\"#\n -]|queries:|- name: |sql: |metrics: |interval: 1m\n){0,60}",
        ],
    ) {
        if let Err(error) = SqlFile::read(&text) {
            prop_assert!(!error.reason.is_empty());
        }
    }

    /// A file in which a piece was lost or put in is refused at a place that it has, or it is a file still.
    #[test]
    fn a_damaged_file_is_read_or_refused_where_it_is(
        place in any::<prop::sample::Index>(),
        lost in 0_usize..40,
        instead in "[a-c:\\[{}'\"\n -]{0,6}",
    ) {
        let lines = EXAMPLE.lines().count() as u64;
        let places: Vec<usize> = EXAMPLE.char_indices().map(|(place, _)| place).collect();
        let from = *place.get(&places);
        let until = EXAMPLE.ceil_char_boundary((from + lost).min(EXAMPLE.len()));
        let damaged = format!("{}{instead}{}", &EXAMPLE[..from], &EXAMPLE[until..]);
        match SqlFile::read(&damaged) {
            Ok(file) => prop_assert!(file.queries.iter().all(|query| !query.metrics.is_empty())),
            Err(error) => prop_assert!(error.line <= lines + 6, "{}", error),
        }
    }

    /// Whatever a query gives, each value becomes one sample of one series or is refused, at least with its row.
    #[test]
    fn any_rows_are_samples_or_refused(
        queries in queries(),
        cells in prop::collection::vec(prop::collection::vec(prop::option::of("(\\PC{0,4}|-?[0-9]{1,3}(\\.[0-9])?|t|NaN)"), 8), 0..6),
    ) {
        let base = Labels::new([("job", "db")]).unwrap();
        for query in queries {
            let metrics: BTreeMap<_, _> = query.metrics.iter().map(|metric| (&*metric.column, metric)).collect();
            let columns: Vec<String> = query.labels.iter().cloned().chain(metrics.keys().map(|column| (*column).to_owned())).collect();
            let rows = ForeignRows {
                rows: cells.iter().map(|row| row[..columns.len()].to_vec()).collect(),
                columns,
            };
            let values = || rows.rows.iter().flat_map(|row| &row[query.labels.len()..]).flatten();
            match samples(&query, &rows, &base) {
                Err(error) => prop_assert!(!error.to_string().is_empty()),
                Ok(came) => {
                    let samples = came.samples;
                    let series: HashSet<_> = samples.iter().map(|(labels, _)| labels).collect();
                    prop_assert_eq!(series.len(), samples.len());
                    prop_assert!(samples.len() <= values().count());
                    prop_assert!(samples.len() == values().count() || !came.refused.is_empty());
                    prop_assert!(samples.iter().all(|(labels, _)| !labels.metric().is_empty()));
                }
            }
        }
    }
}
