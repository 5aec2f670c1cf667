//! The file of queries.

use std::collections::BTreeSet;
use std::time::Duration;

use keirin_formats::text::{is_plain_label, is_plain_metric};
use keirin_model::configured_duration;
use keirin_model::series::MetricKind;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The shortest interval: a query is work for somebody's database.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(5);

/// A file of queries.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlFile {
    /// Each name once.
    pub queries: Vec<SqlMetricQuery>,
}

/// A query and what its rows mean.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlMetricQuery {
    /// What it is called in `sql_query_success{query="…"}` and on pages.
    pub name: String,
    /// One statement that reads.
    pub sql: String,
    /// A statement that gives one true where this query can be asked, such as whether an extension is there. Where it
    /// gives anything else, the query is left out and nothing has failed.
    pub when: Option<String>,
    /// From the start of a run to the start of the next. Meanwhile the values hold.
    pub interval: Duration,
    /// How long a run may take.
    pub timeout: Duration,
    /// How many rows there may be.
    pub rows: usize,
    /// Columns whose values tell the series apart. A null is a label that is not there.
    pub labels: Vec<String>,
    /// Columns whose values are samples.
    pub metrics: Vec<SqlMetric>,
}

/// A column whose values are samples.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlMetric {
    /// The metric's name.
    pub name: String,
    /// Which column; as the metric where it is not said. A null is no sample.
    pub column: String,
    /// What its values mean.
    pub kind: SqlKind,
    /// In what it is measured; empty where it is not said.
    pub unit: String,
    /// In words.
    pub help: String,
}

/// What the values of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SqlKind {
    /// Only ever rises, but for restarts of what counts.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl From<SqlKind> for MetricKind {
    fn from(kind: SqlKind) -> Self {
        match kind {
            SqlKind::Counter => Self::Counter,
            SqlKind::Gauge => Self::Gauge,
        }
    }
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct SqlFileError {
    /// Counted from 1; 0 where the file has no such place.
    pub line: u64,
    /// Counted from 1.
    pub column: u64,
    /// What is wrong and what to do.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "default_interval", with = "configured_duration")]
    interval: Duration,
    #[serde(default = "default_timeout", with = "configured_duration")]
    timeout: Duration,
    queries: Vec<Spanned<WrittenQuery>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenQuery {
    name: Spanned<String>,
    sql: Spanned<String>,
    when: Option<String>,
    interval: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    #[serde(default = "default_rows")]
    rows: usize,
    #[serde(default)]
    labels: Vec<Spanned<String>>,
    metrics: Vec<WrittenMetric>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMetric {
    name: Spanned<String>,
    column: Option<String>,
    kind: SqlKind,
    #[serde(default)]
    unit: String,
    help: Spanned<String>,
}

const fn default_interval() -> Duration {
    Duration::from_secs(60)
}

const fn default_timeout() -> Duration {
    Duration::from_secs(10)
}

const fn default_rows() -> usize {
    1_000
}

type Result<T> = std::result::Result<T, SqlFileError>;

impl SqlFile {
    /// Reads a file. Nothing is asked of a database.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn read(yaml: &str) -> Result<Self> {
        let written: Written = serde_saphyr::from_str(yaml).map_err(|error| {
            let error = error.without_snippet();
            let place = error.location();
            SqlFileError {
                line: place.map_or(0, |place| place.line()),
                column: place.map_or(0, |place| place.column()),
                reason: error.to_string(),
            }
        })?;
        let (interval, timeout) = (written.interval, written.timeout);
        let (mut names, mut metrics) = (BTreeSet::new(), BTreeSet::new());
        let mut queries = Vec::with_capacity(written.queries.len());
        for query in written.queries {
            if !names.insert(query.value.name.value.clone()) {
                return Err(fault(
                    &query.value.name,
                    format!("the query `{}` is there twice", query.value.name.value),
                ));
            }
            for metric in &query.value.metrics {
                if !metrics.insert(metric.name.value.clone()) {
                    let reason = format!(
                        "the metric `{}` is there twice; two queries cannot make one",
                        metric.name.value
                    );
                    return Err(fault(&metric.name, reason));
                }
            }
            queries.push(checked(query, interval, timeout)?);
        }
        Ok(Self { queries })
    }
}

fn checked(query: Spanned<WrittenQuery>, interval: Duration, timeout: Duration) -> Result<SqlMetricQuery> {
    let place = fault(&query, String::new());
    let query = query.value;
    let duration = |text: Option<Spanned<String>>, default| match text {
        None => Ok(default),
        Some(text) => configured_duration::parse(&text.value).map_err(|reason| fault(&text, reason)),
    };
    if !is_plain_label(&query.name.value) {
        return Err(fault(
            &query.name,
            format!("`{}` is not a name of letters, digits and _", query.name.value),
        ));
    }
    if query.sql.value.trim().is_empty() {
        return Err(fault(&query.sql, "the query has no SQL".to_owned()));
    }
    if let Some(label) = query
        .labels
        .iter()
        .find(|label| !is_plain_label(&label.value) || label.value.starts_with("__"))
    {
        let reason = format!(
            "`{}` is not a label's name; give the column another one with `as`",
            label.value
        );
        return Err(fault(label, reason));
    }
    if query.metrics.is_empty() {
        return Err(SqlFileError {
            reason: format!(
                "the query `{}` has no metrics, so nothing would come of it",
                query.name.value
            ),
            ..place
        });
    }
    let interval = duration(query.interval, interval)?;
    if interval < SHORTEST_INTERVAL {
        return Err(SqlFileError {
            reason: format!(
                "the query `{}` has an interval of less than 5 s",
                query.name.value
            ),
            ..place
        });
    }
    let metrics = query
        .metrics
        .into_iter()
        .map(|metric| checked_metric(metric, &query.labels));
    Ok(SqlMetricQuery {
        metrics: metrics.collect::<Result<_>>()?,
        name: query.name.value,
        sql: query.sql.value,
        when: query.when,
        interval,
        // A run that is not over when the next begins would pile up.
        timeout: duration(query.timeout, timeout)?.min(interval),
        rows: query.rows,
        labels: query.labels.into_iter().map(|label| label.value).collect(),
    })
}

fn checked_metric(metric: WrittenMetric, labels: &[Spanned<String>]) -> Result<SqlMetric> {
    let name = metric.name.value.clone();
    if !is_plain_metric(&name) {
        return Err(fault(
            &metric.name,
            format!("`{name}` is not a metric's name: letters, digits, _ and : may stand in it"),
        ));
    }
    if metric.help.value.trim().is_empty() {
        return Err(fault(
            &metric.help,
            format!("the metric `{name}` has no help; say what it means"),
        ));
    }
    if metric.kind == SqlKind::Counter && !name.ends_with("_total") {
        return Err(fault(
            &metric.name,
            format!("the counter `{name}` does not end with _total, as counters do"),
        ));
    }
    let column = metric.column.unwrap_or_else(|| name.clone());
    if labels.iter().any(|label| label.value == column) {
        return Err(fault(
            &metric.name,
            format!("the column `{column}` is both a label and the value of `{name}`"),
        ));
    }
    Ok(SqlMetric {
        name,
        column,
        kind: metric.kind,
        unit: metric.unit,
        help: metric.help.value.trim().to_owned(),
    })
}

fn fault<T>(at: &Spanned<T>, reason: String) -> SqlFileError {
    SqlFileError {
        line: at.referenced.line(),
        column: at.referenced.column(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
interval: 30s
queries:
  - name: connections
    sql: |
      select state, count(*) as connections from pg_stat_activity group by state
    labels: [state]
    metrics:
      - name: postgresql_connections
        column: connections
        kind: gauge
        help: Connections by state.
";

    fn refusal(from: &str, to: &str) -> String {
        assert!(FILE.contains(from), "{from}");
        SqlFile::read(&FILE.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn a_file_by_example() {
        let file = SqlFile::read(FILE).unwrap();
        let query = &file.queries[0];
        assert_eq!(
            (query.interval.as_secs(), query.timeout.as_secs(), query.rows),
            (30, 10, 1_000)
        );
        assert_eq!(
            (&*query.labels, query.when.as_deref()),
            (&["state".to_owned()][..], None)
        );
        assert_eq!(query.metrics[0].column, "connections");
        let column = FILE.replace("        column: connections\n", "");
        assert_eq!(
            SqlFile::read(&column).unwrap().queries[0].metrics[0].column,
            "postgresql_connections"
        );
    }

    #[test]
    fn a_fault_says_where_it_is_and_what_to_do() {
        for (from, to, reason) in [
            ("kind: gauge", "kind: guage", "line 10, column 15: "),
            ("labels:", "label:", "line 6, column 5: "),
            ("interval: 30s", "interval: soon", "line 1, column 11: "),
            (
                "name: connections",
                "name: my connections",
                "line 3, column 11: `my connections` is not a name of letters",
            ),
            (
                "[state]",
                "[a b]",
                "line 6, column 14: `a b` is not a label's name",
            ),
            (
                "[state]",
                "[connections]",
                "line 8, column 15: the column `connections` is both a label and the value",
            ),
            (
                "kind: gauge",
                "kind: counter",
                "line 8, column 15: the counter `postgresql_connections` does not end",
            ),
            (
                "help: Connections by state.",
                "help: ''",
                "line 11, column 15: the metric `postgresql_connections` has no help",
            ),
            (
                "    labels: [state]",
                "    interval: 1s\n    labels: [state]",
                "line 3, column 5: the query `connections` has an interval",
            ),
        ] {
            let refused = refusal(from, to);
            assert!(refused.starts_with(reason), "{to}: {refused}");
        }
        let twice = format!("{FILE}{}", FILE.split_once("queries:\n").unwrap().1);
        assert!(
            SqlFile::read(&twice)
                .unwrap_err()
                .to_string()
                .ends_with("the query `connections` is there twice")
        );
        let bomb = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nqueries: [*b, *b]";
        assert!(SqlFile::read(bomb).is_err());
    }
}
