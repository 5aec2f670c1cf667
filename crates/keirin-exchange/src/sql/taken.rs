//! What a run of a query leaves: values that hold until the next run.

use std::time::Duration;

use keirin_formats::batch::{Batch, Metadata};
use keirin_formats::refusal::RefusedItems;
use keirin_model::series::{Labels, METRIC_NAME, MetricKind, Sample};
use keirin_store::foreign::{ForeignError, ForeignRows};

use super::SqlMetricQuery;
use super::rows::{RowsError, samples};
use crate::live::LiveSeries;

/// How a run of a query ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryEnd {
    /// With rows.
    Rows(ForeignRows),
    /// The query's `when` says that it cannot be asked there.
    LeftOut,
    /// Without rows.
    Failed(ForeignError),
}

/// The values that hold after a run of a query, and what is said of the run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taken {
    series: Vec<(Labels, f64)>,
    metadata: Vec<Metadata>,
    /// Why the run failed.
    pub error: Option<String>,
    /// Whether the query was left out.
    pub left_out: bool,
    /// Samples that came of its rows.
    pub samples: usize,
    /// What of its rows is no sample.
    pub refused: RefusedItems,
}

/// What is said of each run: name, unit, help.
const SUCCESS: (&str, &str, &str) = (
    "sql_query_success",
    "",
    "Whether the last run of the query succeeded: 1, or 0.",
);
const DURATION: (&str, &str, &str) = (
    "sql_query_duration_seconds",
    "seconds",
    "How long the last run of the query took.",
);
const REFUSED: (&str, &str, &str) = (
    "sql_query_samples_refused",
    "",
    "Values of the last run of the query that are no numbers, and rows that could not be told apart.",
);
const FAILED: (&str, &str, &str) = (
    "sql_query_failed",
    "",
    "1 where the database refused the last run of the query, by its SQLSTATE; XX001 and XX002 tell of damaged data.",
);

impl Taken {
    /// What a run comes to that took so long, with these labels on everything.
    pub fn from_run(query: &SqlMetricQuery, end: &QueryEnd, took: Duration, base: &Labels) -> Self {
        let mut taken = Self::default();
        let (error, code) = match end {
            QueryEnd::LeftOut => {
                taken.left_out = true;
                return taken;
            }
            QueryEnd::Rows(rows) => match samples(query, rows, base) {
                // Of all that it gave nothing is a sample: what it says is not what the file means.
                Ok(came) if came.samples.is_empty() && !came.refused.is_empty() => {
                    let error = came.refused.to_string();
                    taken.refused = came.refused;
                    (Some(error), None)
                }
                Ok(came) => {
                    taken.samples = came.samples.len();
                    taken.series = came.samples;
                    taken.refused = came.refused;
                    (None, None)
                }
                Err(error) => (Some(RowsError::to_string(&error)), None),
            },
            QueryEnd::Failed(error) => match error {
                ForeignError::Refused { code, .. } => (Some(error.to_string()), Some(code)),
                _ => (Some(error.to_string()), None),
            },
        };
        if error.is_none() {
            taken.metadata = query.metrics.iter().map(described).collect();
        }
        let own = base.with("query", &query.name);
        taken.say(SUCCESS, &own, f64::from(u8::from(error.is_none())));
        taken.say(DURATION, &own, took.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a query is limited to far fewer rows")]
        taken.say(REFUSED, &own, taken.refused.count() as f64);
        if let Some(code) = code {
            taken.say(FAILED, &own.with("sqlstate", code), 1.0);
        }
        taken.error = error;
        taken
    }

    fn say(&mut self, (name, unit, help): (&str, &str, &str), labels: &Labels, value: f64) {
        self.series.push((labels.with(METRIC_NAME, name), value));
        self.metadata.push(Metadata {
            name: name.to_owned(),
            kind: MetricKind::Gauge,
            unit: unit.to_owned(),
            help: help.to_owned(),
        });
    }

    /// The values as samples of now, and the ends of those that held before and do not any more.
    pub fn batch(&self, before: &Self, now_ms: i64) -> Batch {
        let mut series: Vec<_> = self
            .series
            .iter()
            .map(|(labels, value)| (labels.clone(), vec![Sample::new(now_ms, *value)]))
            .collect();
        series.extend(before.live().ended(&self.live(), now_ms));
        Batch {
            series,
            metadata: self.metadata.clone(),
        }
    }

    fn live(&self) -> LiveSeries {
        self.series.iter().map(|(labels, _)| labels.clone()).collect()
    }
}

fn described(metric: &super::SqlMetric) -> Metadata {
    Metadata {
        name: metric.name.clone(),
        kind: metric.kind.into(),
        unit: metric.unit.clone(),
        help: metric.help.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::SqlFile;
    use super::*;

    fn shown(batch: &Batch) -> Vec<String> {
        let one = |(labels, samples): &(Labels, Vec<Sample>)| {
            let value = if samples[0].is_stale() {
                "ended".to_owned()
            } else {
                samples[0].value.to_string()
            };
            format!("{labels} {value} @{}", samples[0].time_ms)
        };
        let mut shown: Vec<_> = batch.series.iter().map(one).collect();
        shown.sort();
        shown
    }

    #[test]
    fn values_hold_until_a_run_says_otherwise() {
        let yaml =
            "queries: [{name: q, sql: select, labels: [a], metrics: [{name: x, kind: gauge, help: X.}]}]";
        let query = SqlFile::read(yaml).unwrap().queries.remove(0);
        let base = Labels::new([("job", "db")]).unwrap();
        let run = |end: &QueryEnd| Taken::from_run(&query, end, Duration::from_millis(500), &base);
        let rows = |names: &[&str]| {
            QueryEnd::Rows(ForeignRows {
                columns: vec!["a".to_owned(), "x".to_owned()],
                rows: names
                    .iter()
                    .map(|name| vec![Some((*name).to_owned()), Some("2".to_owned())])
                    .collect(),
            })
        };
        let none = Taken::default();
        let two = run(&rows(&["one", "two"]));
        assert_eq!(
            shown(&two.batch(&none, 1)),
            [
                r#"sql_query_duration_seconds{job="db", query="q"} 0.5 @1"#,
                r#"sql_query_samples_refused{job="db", query="q"} 0 @1"#,
                r#"sql_query_success{job="db", query="q"} 1 @1"#,
                r#"x{a="one", job="db"} 2 @1"#,
                r#"x{a="two", job="db"} 2 @1"#,
            ]
        );
        assert!(shown(&two.batch(&two, 2)).contains(&r#"x{a="two", job="db"} 2 @2"#.to_owned()));
        let one = run(&rows(&["one"]));
        assert!(shown(&one.batch(&two, 3)).contains(&r#"x{a="two", job="db"} ended @3"#.to_owned()));
        let failed = run(&QueryEnd::Failed(ForeignError::Refused {
            code: "XX002".to_owned(),
            message: "item order invariant violated".to_owned(),
        }));
        assert_eq!(
            shown(&failed.batch(&one, 4)),
            [
                r#"sql_query_duration_seconds{job="db", query="q"} 0.5 @4"#,
                r#"sql_query_failed{job="db", query="q", sqlstate="XX002"} 1 @4"#,
                r#"sql_query_samples_refused{job="db", query="q"} 0 @4"#,
                r#"sql_query_success{job="db", query="q"} 0 @4"#,
                r#"x{a="one", job="db"} ended @4"#,
            ]
        );
        assert!(
            failed
                .error
                .as_deref()
                .unwrap()
                .contains("item order invariant violated")
        );
        let left_out = run(&QueryEnd::LeftOut);
        assert_eq!(left_out.batch(&none, 5), Batch::default());
        // Rows that are not as the file says are a failure of the query too.
        let wrong = run(&QueryEnd::Rows(ForeignRows::default()));
        assert_eq!(
            wrong.error.as_deref(),
            Some("the query gives no column `a`; it gives none")
        );
        assert_eq!(wrong.batch(&none, 6).series.len(), 3);
        // Of rows that are partly so, the rest is kept.
        let partly = run(&rows(&["one", "one", "two"]));
        assert_eq!(
            (partly.samples, partly.refused.count(), partly.error.as_ref()),
            (2, 1, None)
        );
        assert!(
            shown(&partly.batch(&none, 7))
                .contains(&r#"sql_query_success{job="db", query="q"} 1 @7"#.to_owned())
        );
    }
}
