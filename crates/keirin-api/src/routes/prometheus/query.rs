//! Evaluating, formatting and taking apart queries.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use keirin_exchange::source::QueryRange;
use keirin_promql::{EvaluationTimes, format_query};
use keirin_series::query::{Asker, write_value};
use serde_json::json;

use super::answer::{Failure, Success};
use super::elsewhere::{elsewhere, passed_on};
use super::parameters::Parameters;
use crate::app::App;
use crate::caller::Caller;

/// Evaluate a query at one time
///
/// As Prometheus does; `source` names another server to ask, `keirin` where absent.
#[utoipa::path(get, path = "/prometheus/api/v1/query", tag = "prometheus", params(
    ("query" = String, Query), ("time" = Option<String>, Query), ("source" = Option<String>, Query),
), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn instant(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Success, Failure> {
    at_one_time(&app, &caller, &Parameters::of_query(query.as_deref())).await
}

/// Evaluate a query at one time, by a form
#[utoipa::path(post, path = "/prometheus/api/v1/query", tag = "prometheus", request_body(content = String, content_type = "application/x-www-form-urlencoded"), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn instant_by_form(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    form: Bytes,
) -> Result<Success, Failure> {
    at_one_time(&app, &caller, &Parameters::of_form(query.as_deref(), &form)).await
}

async fn at_one_time(app: &App, caller: &Caller, parameters: &Parameters) -> Result<Success, Failure> {
    let now = app.outside.now();
    let time_ms = parameters.time_ms("time")?.unwrap_or(now.as_millisecond());
    if let Some(source) = elsewhere(app, caller, parameters)? {
        return passed_on(source.query(parameters.needed("query")?, time_ms).await);
    }
    evaluated(app, caller, parameters, EvaluationTimes::instant(time_ms)).await
}

/// Evaluate a query over a range of time
///
/// As Prometheus does; `source` names another server to ask, `keirin` where absent.
#[utoipa::path(get, path = "/prometheus/api/v1/query_range", tag = "prometheus", params(
    ("query" = String, Query), ("start" = String, Query), ("end" = String, Query), ("step" = String, Query),
    ("source" = Option<String>, Query),
), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn range(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Success, Failure> {
    over_time(&app, &caller, &Parameters::of_query(query.as_deref())).await
}

/// Evaluate a query over a range of time, by a form
#[utoipa::path(post, path = "/prometheus/api/v1/query_range", tag = "prometheus", request_body(content = String, content_type = "application/x-www-form-urlencoded"), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn range_by_form(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    form: Bytes,
) -> Result<Success, Failure> {
    over_time(&app, &caller, &Parameters::of_form(query.as_deref(), &form)).await
}

async fn over_time(app: &App, caller: &Caller, parameters: &Parameters) -> Result<Success, Failure> {
    let missing = |name| Failure::parameter(name, "it is missing");
    let start = parameters.time_ms("start")?.ok_or_else(|| missing("start"))?;
    let end = parameters.time_ms("end")?.ok_or_else(|| missing("end"))?;
    if end < start {
        return Err(Failure::parameter(
            "end",
            "end timestamp must not be before start time",
        ));
    }
    let step = parameters.step_ms("step")?;
    if let Some(source) = elsewhere(app, caller, parameters)? {
        let range = QueryRange {
            start_ms: start,
            end_ms: end,
            step_ms: step,
        };
        return passed_on(source.query_range(parameters.needed("query")?, range).await);
    }
    evaluated(app, caller, parameters, EvaluationTimes::range(start, end, step)).await
}

async fn evaluated(
    app: &App,
    caller: &Caller,
    parameters: &Parameters,
    span: EvaluationTimes,
) -> Result<Success, Failure> {
    let sight = caller.sight(&app.store).await?;
    let query = app.queries.parse(parameters.needed("query")?)?;
    let asker = Asker {
        account: caller.user().map(|user| user.id),
        sight: sight.projects(),
    };
    let answer = app
        .queries
        .evaluate(query, span, app.outside.now(), asker)
        .await?;
    let mut data = String::new();
    write_value(&mut data, &answer.value);
    Ok(Success::written(data).annotated(answer.warnings, answer.infos))
}

/// Write a query as it is best read
#[utoipa::path(get, path = "/prometheus/api/v1/format_query", tag = "prometheus", params(("query" = String, Query)), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn format(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<Success, Failure> {
    formatted(&app, &Parameters::of_query(query.as_deref()))
}

/// Write a query as it is best read, by a form
#[utoipa::path(post, path = "/prometheus/api/v1/format_query", tag = "prometheus", request_body(content = String, content_type = "application/x-www-form-urlencoded"), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn format_by_form(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    form: Bytes,
) -> Result<Success, Failure> {
    formatted(&app, &Parameters::of_form(query.as_deref(), &form))
}

fn formatted(app: &App, parameters: &Parameters) -> Result<Success, Failure> {
    let query = app.queries.parse(parameters.needed("query")?)?;
    Ok(Success::of(&json!(format_query(&query))))
}

/// Take a query apart
#[utoipa::path(get, path = "/prometheus/api/v1/parse_query", tag = "prometheus", params(("query" = String, Query)), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn tree(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Success, Failure> {
    taken_apart(&app, &Parameters::of_query(query.as_deref()))
}

/// Take a query apart, by a form
#[utoipa::path(post, path = "/prometheus/api/v1/parse_query", tag = "prometheus", request_body(content = String, content_type = "application/x-www-form-urlencoded"), responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn tree_by_form(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    form: Bytes,
) -> Result<Success, Failure> {
    taken_apart(&app, &Parameters::of_form(query.as_deref(), &form))
}

fn taken_apart(app: &App, parameters: &Parameters) -> Result<Success, Failure> {
    let query = app.queries.parse(parameters.needed("query")?)?;
    Ok(Success::of(&query.tree()))
}
