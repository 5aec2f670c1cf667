//! Queries that another server answers, as their parameter `source` says.

use axum::http::StatusCode;
use keirin_exchange::source::{PrometheusSource, SeriesRequest, SourceAnswer, SourceError};
use keirin_model::access::Role;
use serde::Serialize;

use super::answer::{Failure, Success};
use super::parameters::Parameters;
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;

/// The other server that a query names; none where it is this one.
pub(super) fn elsewhere<'a>(
    app: &'a App,
    caller: &Caller,
    parameters: &Parameters,
) -> Result<Option<&'a PrometheusSource>, Failure> {
    let named = parameters.get("source").unwrap_or_default();
    let source = app
        .exchange
        .source(named)
        .map_err(|error| Failure::parameter("source", &error.to_string()))?;
    if source.is_some() {
        // What lies elsewhere belongs to no project, so it is for whoever may see all of them.
        caller.require_on_server(Role::Viewer)?;
    }
    Ok(source)
}

/// What a request is about, in the other server's words.
pub(super) fn selection(parameters: &Parameters) -> Result<SeriesRequest, Failure> {
    Ok(SeriesRequest {
        matchers: parameters.all("match[]").map(str::to_owned).collect(),
        start_ms: parameters.time_ms("start")?,
        end_ms: parameters.time_ms("end")?,
        limit: parameters.limit()?.and_then(|limit| u32::try_from(limit).ok()),
    })
}

/// The other server's answer as ours.
pub(super) fn passed_on<T: Serialize>(
    answer: Result<SourceAnswer<T>, SourceError>,
) -> Result<Success, Failure> {
    let answer = answer?;
    let data = serde_json::to_string(&answer.data).map_err(ApiError::internal)?;
    Ok(Success::written(data).annotated(answer.warnings, answer.infos))
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let (status, kind) = match &error {
            SourceError::Refused { kind, .. } if kind == "bad_data" => (StatusCode::BAD_REQUEST, "bad_data"),
            SourceError::Refused { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
            SourceError::Range(_) => (StatusCode::BAD_REQUEST, "bad_data"),
            SourceError::Http { .. } => (StatusCode::BAD_GATEWAY, "unavailable"),
        };
        Self::Prometheus {
            status,
            kind,
            error: error.to_string(),
            position: None,
        }
    }
}
