//! What is measured: metrics, the facts behind a number, SQL on the facts, the data pipeline.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use jiff::Timestamp;
use keirin_insight::recomputed::contributors::ACTIVE_DAYS;
use keirin_insight::{UnderlyingFacts, definition_of};
use keirin_promql::EvaluationTimes;
use keirin_store::facts::{BehindFilter, BehindRow, Only};
use keirin_store::reader::SqlQueryError;
use keirin_wire::api::{
    DataPipeline, Diagnostic, Fact, FactKind, Metric, Page, Reasons, Severity, SqlColumn, SqlQuery, SqlRows,
    SqlView,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::measure::{data_pipeline, metrics};
use crate::paging::Limit;
use crate::routes::prometheus::answer::Failure;

/// How long a query in SQL may take.
const SQL_PATIENCE: Duration = Duration::from_secs(30);
/// How many rows an answer in SQL has where nobody says, and at most.
const SQL_ROWS: (u32, u32) = (1_000, 100_000);

/// List metrics
///
/// With the definition of each.
#[utoipa::path(get, path = "/api/v1/metrics", tag = "metrics", responses((status = 200, body = Page<Metric>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Page<Metric>>, ApiError> {
    let sight = caller.sight(&app.store).await?;
    Ok(Json(Page::all(metrics(&app.store, &sight).await?)))
}

/// The data pipeline
///
/// How much there is in each part, how new it is, and how far each follows the one before.
#[utoipa::path(get, path = "/api/v1/data-pipeline", tag = "metrics", responses((status = 200, body = DataPipeline)))]
pub(crate) async fn flow(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<DataPipeline>, ApiError> {
    let sight = caller.sight(&app.store).await?;
    Ok(Json(data_pipeline(&app, &sight).await?))
}

/// Say why a query has no data
///
/// One sentence for each of its selectors that finds nothing.
#[utoipa::path(get, path = "/api/v1/explain", tag = "metrics", params(Explained), responses((status = 200, body = Reasons)))]
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(wanted): Query<Explained>,
) -> Result<Json<Reasons>, Failure> {
    let sight = caller.sight(&app.store).await?;
    let now = app.outside.now();
    let query = app.queries.parse(&wanted.query)?;
    let end = wanted.time.unwrap_or(now).as_millisecond();
    let start = wanted.start.map_or(end, Timestamp::as_millisecond).min(end);
    // Any step that reaches from the start to the end will do: it is not evaluated.
    let span = match end - start {
        0 => EvaluationTimes::instant(end),
        length => EvaluationTimes::range(start, end, length),
    };
    let reasons = app.queries.explain(&query, span, now, sight.projects()).await?;
    Ok(Json(Reasons { reasons }))
}

/// A query that has no data.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Explained {
    /// The query.
    query: String,
    /// When it is evaluated, or the last time of a range; now where absent.
    time: Option<Timestamp>,
    /// The first time of a range.
    start: Option<Timestamp>,
}

/// Run a query on the facts
///
/// SQL on the views of the schema `facts`, read-only, for at most 30 seconds.
#[utoipa::path(post, path = "/api/v1/sql", tag = "facts", request_body = SqlQuery, responses((status = 200, body = SqlRows)))]
pub(crate) async fn sql(
    State(app): State<Arc<App>>,
    Json(wanted): Json<SqlQuery>,
) -> Result<Json<SqlRows>, ApiError> {
    let limit = wanted.limit.unwrap_or(SQL_ROWS.0).clamp(1, SQL_ROWS.1);
    match app.store.query_facts(&wanted.query, limit, SQL_PATIENCE).await {
        Ok(rows) => Ok(Json(SqlRows {
            columns: rows.columns,
            rows: rows.rows,
            cut: rows.cut,
        })),
        Err(SqlQueryError::Refused { message, position }) => {
            let fault = position.map(|position| fault(&wanted.query, &message, position));
            Err(ApiError::invalid(
                format!("The query is refused: {message}."),
                "`GET /api/v1/sql` lists the views and their columns, `docs/sql.md` the functions and the limits too.",
            )
            .diagnostics(fault.into_iter().collect()))
        }
        Err(error @ SqlQueryError::NoRole { .. }) => Err(ApiError::unavailable(format!("{error}."))),
        Err(SqlQueryError::Store(error)) => Err(error.into()),
    }
}

/// Where in a query the database found a fault; `position` counts characters from 1.
fn fault(query: &str, message: &str, position: usize) -> Diagnostic {
    let before = query.chars().take(position.saturating_sub(1));
    let (mut line, mut column) = (1, 1);
    for character in before {
        (line, column) = match character {
            '\n' => (line + 1, 1),
            _ => (line, column + 1),
        };
    }
    let word = query.chars().skip(position.saturating_sub(1));
    let word = word.take_while(|character| character.is_alphanumeric() || *character == '_');
    let width = u32::try_from(word.count()).unwrap_or(u32::MAX).max(1);
    Diagnostic {
        file: "query".to_owned(),
        line,
        column,
        end_column: column.saturating_add(width),
        severity: Severity::Error,
        message: message.to_owned(),
        suggestion: None,
    }
}

/// List the views of the facts
///
/// What queries in SQL read, with all columns.
#[utoipa::path(get, path = "/api/v1/sql", tag = "facts", responses((status = 200, body = Page<SqlView>)))]
pub(crate) async fn views(State(app): State<Arc<App>>) -> Result<Json<Page<SqlView>>, ApiError> {
    let views = app.store.fact_views().await?.into_iter().map(|view| SqlView {
        name: view.name,
        meaning: view.meaning,
        columns: view
            .columns
            .into_iter()
            .map(|column| SqlColumn {
                name: column.name,
                kind: column.kind,
                meaning: column.meaning,
            })
            .collect(),
    });
    Ok(Json(Page::all(views.collect())))
}

/// List the facts behind a number
///
/// Those that a metric has counted within a time range, newest first. Every further parameter `label.NAME` is a
/// label that they have.
#[utoipa::path(get, path = "/api/v1/facts", tag = "facts", params(
    ("metric" = String, Query, description = "The metric, as in `keirin_flows_total`."),
    ("from" = Option<Timestamp>, Query, description = "The earliest; 30 days before the end where absent."),
    ("until" = Option<Timestamp>, Query, description = "Before this time; now where absent."),
    ("cursor" = Option<String>, Query, description = "Where to go on: `next_cursor` of the page before."),
    ("limit" = Option<u32>, Query, description = "How many, at most 200; 50 where absent."),
), responses((status = 200, body = Page<Fact>)))]
pub(crate) async fn behind(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Fact>>, ApiError> {
    let sight = caller.sight(&app.store).await?;
    let wanted = Wanted::read(query.as_deref().unwrap_or_default(), app.outside.now())?;
    let mut rows = app
        .store
        .facts_behind(&sight, &wanted.filter, wanted.limit + 1)
        .await?;
    let more = rows.len() > wanted.limit as usize;
    rows.truncate(wanted.limit as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| format!("{}-{}", row.at.as_microsecond(), row.number));
    let items = rows.into_iter().map(|row| fact(wanted.kind, row)).collect();
    Ok(Json(Page { items, next_cursor }))
}

/// What the address asks for.
struct Wanted {
    kind: FactKind,
    filter: BehindFilter,
    limit: u32,
}

impl Wanted {
    fn read(query: &str, now: Timestamp) -> Result<Self, ApiError> {
        let mut metric = None;
        let (mut from, mut until, mut before) = (None, None, None);
        let mut limit = Limit::or_default(None);
        let mut labels = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "metric" => metric = Some(value.into_owned()),
                "from" => from = Some(instant("from", &value)?),
                "until" => until = Some(instant("until", &value)?),
                "cursor" => before = Some(cursor(&value)?),
                "limit" => limit = value.parse().map_or(limit, |limit: u32| limit.clamp(1, 200)),
                name => {
                    if let Some(label) = name.strip_prefix("label.") {
                        labels.insert(label.to_owned(), value.into_owned());
                    }
                }
            }
        }
        let metric = metric.ok_or_else(|| {
            ApiError::invalid(
                "No metric is named.",
                "Add `metric=NAME`; `/api/v1/metrics` lists them.",
            )
        })?;
        let definition = definition_of(&metric).ok_or_else(|| {
            ApiError::invalid(
                format!("There are no facts behind `{metric}`: its samples come from outside."),
                "Name one of the metrics that Keirin makes; `docs/metrics.md` lists them.",
            )
        })?;
        // What tells the parts of a histogram apart is in no fact, and neither is what several facts share a series by.
        for not_in_facts in ["le", "status", "change"] {
            labels.remove(not_in_facts);
        }
        let until = until.unwrap_or(now);
        let kind = definition.facts.stream().kind;
        Ok(Self {
            kind,
            limit,
            filter: BehindFilter {
                kind,
                from: from.unwrap_or(until - jiff::SignedDuration::from_hours(24 * 30)),
                until,
                labels,
                only: only(definition.facts),
                before,
            },
        })
    }
}

fn instant(name: &str, value: &str) -> Result<Timestamp, ApiError> {
    value.parse().map_err(|_| {
        ApiError::invalid(
            format!("`{name}` is no time."),
            "Write it as in 2026-01-31T12:00:00Z.",
        )
    })
}

fn cursor(text: &str) -> Result<(Timestamp, i64), ApiError> {
    let parsed = text.split_once('-').and_then(|(at, number)| {
        let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
        Some((at, number.parse().ok()?))
    });
    parsed.ok_or_else(|| {
        ApiError::invalid(
            "The cursor is none that a page has given.",
            "Give `next_cursor` of the page before, or none to begin at the start.",
        )
    })
}

/// Which facts of that kind.
fn only(facts: UnderlyingFacts) -> Option<Only> {
    match facts {
        UnderlyingFacts::Deployments => Some(Only::Deployments),
        UnderlyingFacts::CommitsOfPeople => Some(Only::OfPeople),
        UnderlyingFacts::FirstCommits => Some(Only::First),
        UnderlyingFacts::ReturningCommits => Some(Only::After { days: ACTIVE_DAYS }),
        UnderlyingFacts::Flows
        | UnderlyingFacts::Runs
        | UnderlyingFacts::Jobs
        | UnderlyingFacts::Attempts
        | UnderlyingFacts::Commits
        | UnderlyingFacts::PullRequests
        | UnderlyingFacts::Releases => None,
    }
}

fn fact(kind: FactKind, row: BehindRow) -> Fact {
    let page = match kind {
        FactKind::Flow => Some("flows"),
        FactKind::Run => Some("runs"),
        FactKind::Job | FactKind::Attempt => Some("jobs"),
        FactKind::Commit | FactKind::PullRequest | FactKind::Release => None,
    };
    Fact {
        at: row.at,
        kind,
        title: row.title,
        author: row.author,
        detail: row.detail,
        waited_seconds: row.waited_seconds,
        took_seconds: row.took_seconds,
        link: page.zip(row.id).map(|(page, id)| format!("/{page}/{id}")),
        labels: row.labels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_found_by_line_and_column() {
        let found = |query, position| {
            let fault = fault(query, "wrong", position);
            (fault.line, fault.column, fault.end_column)
        };
        assert_eq!(found("select nothing from flows", 8), (1, 8, 15));
        assert_eq!(found("select\n  ünknown\nfrom flows", 10), (2, 3, 10));
        assert_eq!(found("select (", 8), (1, 8, 9));
        assert_eq!(found("select", 7), (1, 7, 8), "at its end");
    }
}
