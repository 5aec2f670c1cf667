//! What an agent tells of an attempt: events, log, test results.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use keirin_model::AttemptId;
use keirin_wire::agent::{LogAcknowledged, Report, Reported, TestReport};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::caller::LiveAttempt;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::log_intake;
use crate::work::WorkError;

/// Tell what happened to an attempt
///
/// An empty list renews the lease.
#[utoipa::path(post, path = "/agent/v1/attempts/{attempt}/events", tag = "agent protocol", params(("attempt" = String, Path)), request_body = Report, responses((status = 200, body = Reported)))]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Path(attempt): Path<AttemptId>,
    Json(report): Json<Report>,
) -> Result<Json<Reported>, ApiError> {
    let reported = app.work.report(attempt, report).await?;
    Ok(Json(Reported {
        now: Some(app.outside.now()),
        ..reported
    }))
}

/// Where a chunk belongs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChunkPosition {
    /// The number of the chunk's first line, from 0.
    first_line: u64,
}

/// Send a chunk of an attempt's log
#[utoipa::path(post, path = "/agent/v1/attempts/{attempt}/log", tag = "agent protocol", params(("attempt" = String, Path), ChunkPosition), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = LogAcknowledged)))]
pub(crate) async fn log(
    State(app): State<Arc<App>>,
    attempt: LiveAttempt,
    Query(place): Query<ChunkPosition>,
    chunk: Bytes,
) -> Result<Json<LogAcknowledged>, ApiError> {
    let next_line = log_intake::append(&app, attempt.id, &attempt.place, place.first_line, chunk).await?;
    Ok(Json(LogAcknowledged { next_line }))
}

/// Send the test results that a step has collected
#[utoipa::path(post, path = "/agent/v1/attempts/{attempt}/test-results", tag = "agent protocol", params(("attempt" = String, Path)), request_body = TestReport, responses((status = 204)))]
pub(crate) async fn test_results(
    State(app): State<Arc<App>>,
    attempt: LiveAttempt,
    Json(report): Json<TestReport>,
) -> Result<StatusCode, ApiError> {
    let kept = app
        .store
        .keep_test_results(attempt.id, report.step, &report.results)
        .await?;
    if kept {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(WorkError::LeaseLost.into())
    }
}
