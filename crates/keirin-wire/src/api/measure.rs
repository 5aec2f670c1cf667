//! What is measured: metrics with their definitions, the facts behind a number, and the data pipeline.

use std::collections::BTreeMap;

use jiff::Timestamp;
pub use keirin_model::facts::FactKind;
use keirin_model::series::MetricKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A metric that there are series of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Metric {
    /// Its name; that of a histogram without the endings of its series.
    pub name: String,
    /// What its values mean to whoever reads them.
    pub kind: MetricKind,
    /// The unit of its values; empty where nobody said.
    pub unit: String,
    /// What it means, in words; empty where nobody said.
    pub help: String,
    /// The width of the buckets of time that it counts in: its samples stand at their beginnings, and a bucket without
    /// one has counted zero. `null` for everything else.
    #[schema(required)]
    pub bucket_seconds: Option<i64>,
    /// How much time up to the end of its bucket a value of it speaks of: the bucket for what counts, more for a level
    /// such as who was active in 90 days. `null` for what comes from outside.
    #[schema(required)]
    pub looks_back_seconds: Option<i64>,
    /// The labels that its series have.
    pub labels: Vec<String>,
    /// Which way it gets better, where that is known.
    #[schema(required)]
    pub better: Option<super::Wanted>,
    /// A query to begin with.
    pub example: String,
    /// The kind of facts that it is made from, to ask for those behind a number; `null` where it comes from outside.
    #[schema(required)]
    pub facts: Option<FactKind>,
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: FactKind,
    /// What.
    pub title: String,
    /// Who.
    #[schema(required)]
    pub author: Option<String>,
    /// What else there is to say.
    #[schema(required)]
    pub detail: Option<String>,
    /// How long it waited before it began, in seconds.
    #[schema(required)]
    pub waited_seconds: Option<f64>,
    /// How long it took, in seconds: a pull request from its first commit to its merge.
    #[schema(required)]
    pub took_seconds: Option<f64>,
    /// The path of the page that shows it, where there is one.
    #[schema(required)]
    pub link: Option<String>,
    /// What metrics tell it apart by.
    pub labels: BTreeMap<String, String>,
}

/// The data pipeline, in its order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DataPipeline {
    /// Its parts.
    pub parts: Vec<PipelinePart>,
}

/// A part of the data pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PipelinePart {
    /// A word for programs.
    pub name: String,
    /// What people read.
    pub title: String,
    /// How it stands.
    pub state: PipelineState,
    /// How many there are.
    #[schema(required)]
    pub count: Option<i64>,
    /// When the newest came.
    #[schema(required)]
    pub newest_at: Option<Timestamp>,
    /// How long what is newest before it has been waiting for it, in seconds.
    #[schema(required)]
    pub lag_seconds: Option<f64>,
    /// What there is to say about it.
    #[schema(required)]
    pub note: Option<String>,
    /// What it is made of.
    #[schema(no_recursion)]
    pub parts: Vec<PipelinePart>,
}

/// How a part of the data pipeline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PipelineState {
    /// Nothing has come yet.
    Empty,
    /// All that is there has been taken in.
    Ok,
    /// Something waits for longer than it should.
    Late,
    /// It does not work.
    Failed,
}

/// Why a query has no data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reasons {
    /// A sentence each.
    pub reasons: Vec<String>,
}

/// A query of the facts in SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SqlQuery {
    /// One query, as in `select count(*) from flows`.
    pub query: String,
    /// The most rows of the answer; 1000 where absent, 100000 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The answer to a query of the facts in SQL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SqlRows {
    /// The names of the columns; empty where there is no row.
    pub columns: Vec<String>,
    /// A value for each column.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Whether there are more rows than were asked for.
    pub cut: bool,
}

/// A view of the facts that queries in SQL read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SqlView {
    /// Its name.
    pub name: String,
    /// What a row of it is.
    pub meaning: String,
    /// Its columns, in their order.
    pub columns: Vec<SqlColumn>,
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SqlColumn {
    /// Its name.
    pub name: String,
    /// PostgreSQL's type of its values.
    pub kind: String,
    /// What it says; empty where its name says all.
    pub meaning: String,
}
