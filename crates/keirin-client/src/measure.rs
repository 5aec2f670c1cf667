//! What is measured: queries in PromQL, queries of the facts in SQL, and samples that are pushed.

use std::time::Duration;

use keirin_model::Timestamp;
use keirin_wire::api::{Page, QueryAnswer, Reasons, SqlQuery, SqlRows, SqlView};
use reqwest::Method;

use crate::Result;
use crate::client::Client;

/// How long a query may take: the server's own bound is shorter.
const QUERY: Duration = Duration::from_secs(5 * 60);

/// The largest answer to a query, in bytes: 100,000 rows or as many points fit many times over.
const LARGEST_ANSWER: usize = 512 * 1024 * 1024;

/// When a query in PromQL is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryTime {
    /// At one time.
    At(Timestamp),
    /// At each step from one time to another.
    Over {
        /// The first time.
        from: Timestamp,
        /// No step is after this.
        until: Timestamp,
        /// In milliseconds, above zero.
        step_ms: i64,
    },
}

impl Client {
    /// The answer to a query in PromQL, from this server's series or those of another `source`.
    ///
    /// # Errors
    /// [`crate::ClientError::Query`] where the query is wrong or asks for too much; otherwise as every call.
    pub async fn query(&self, query: &str, time: QueryTime, source: Option<&str>) -> Result<QueryAnswer> {
        let mut form = vec![("query", query.to_owned())];
        let path = match time {
            QueryTime::At(time) => {
                form.push(("time", time.to_string()));
                "/prometheus/api/v1/query"
            }
            QueryTime::Over { from, until, step_ms } => {
                form.push(("start", from.to_string()));
                form.push(("end", until.to_string()));
                form.push(("step", format!("{}.{:03}", step_ms / 1000, step_ms % 1000)));
                "/prometheus/api/v1/query_range"
            }
        };
        form.extend(source.map(|source| ("source", source.to_owned())));
        self.call(Method::POST, path)
            .form(&form)
            .within(Some(QUERY))
            .at_most(LARGEST_ANSWER)
            .receive()
            .await
    }

    /// Why a query in PromQL has no data.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn explain(&self, query: &str, time: QueryTime) -> Result<Reasons> {
        let (start, end) = match time {
            QueryTime::At(time) => (None, time),
            QueryTime::Over { from, until, .. } => (Some(from), until),
        };
        let start = start.map(|start| start.to_string());
        let end = end.to_string();
        let mut parameters = vec![("query", query), ("time", end.as_str())];
        parameters.extend(start.as_deref().map(|start| ("start", start)));
        self.call(Method::GET, "/api/v1/explain")
            .query(&parameters)
            .receive()
            .await
    }

    /// The answer to a query of the facts in SQL.
    ///
    /// # Errors
    /// As every call; a faulty query has a diagnostic that says where.
    pub async fn sql(&self, query: &SqlQuery) -> Result<SqlRows> {
        self.call(Method::POST, "/api/v1/sql")
            .json(query)
            .within(Some(QUERY))
            .at_most(LARGEST_ANSWER)
            .receive()
            .await
    }

    /// The views that queries in SQL read.
    ///
    /// # Errors
    /// As every call.
    pub async fn sql_views(&self) -> Result<Page<SqlView>> {
        self.get("/api/v1/sql").await
    }

    /// Sends samples, for a project or for none, by Prometheus' remote write 1.0: `body` is the message, compressed with
    /// Snappy's block format.
    ///
    /// # Errors
    /// As every call.
    pub async fn write_samples(&self, project: Option<&str>, body: Vec<u8>) -> Result<()> {
        self.call(Method::POST, "/prometheus/api/v1/write")
            .query(&of_project(project))
            .typed("application/x-protobuf", body)
            .header("content-encoding", "snappy")
            .header("x-prometheus-remote-write-version", "0.1.0")
            .done()
            .await
    }

    /// Sends lines of InfluxDB's line protocol, with times in nanoseconds, for a project or for none.
    ///
    /// # Errors
    /// As every call.
    pub async fn write_lines(&self, project: Option<&str>, lines: Vec<u8>) -> Result<()> {
        self.call(Method::POST, "/write")
            .query(&of_project(project))
            .typed("text/plain; charset=utf-8", lines)
            .done()
            .await
    }
}

fn of_project(project: Option<&str>) -> Vec<(&str, &str)> {
    project.map(|project| ("project", project)).into_iter().collect()
}
