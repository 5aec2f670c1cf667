//! Files that an attempt keeps with its flow, and brings back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use keirin_model::ArtifactId;
use keirin_store::views::OutputsOf;
use keirin_wire::agent::Kept;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::caller::LiveAttempt;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::files;

/// Where a file is kept.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Named {
    /// Relative path with `/` between its parts.
    path: String,
    /// Whether its owner may run it.
    #[serde(default)]
    executable: bool,
}

/// Keep a file with the flow
///
/// A file of the same job and path takes the place of the one before.
#[utoipa::path(put, path = "/agent/v1/attempts/{attempt}/artifacts", tag = "agent protocol", params(("attempt" = String, Path), Named), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 204)))]
pub(crate) async fn keep(
    State(app): State<Arc<App>>,
    attempt: LiveAttempt,
    Query(named): Query<Named>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    files::keep(
        &app,
        attempt.id,
        &attempt.place,
        &named.path,
        named.executable,
        body,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the files of the flow
#[utoipa::path(get, path = "/agent/v1/attempts/{attempt}/artifacts", tag = "agent protocol", params(("attempt" = String, Path)), responses((status = 200, body = Vec<Kept>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    attempt: LiveAttempt,
) -> Result<Json<Vec<Kept>>, ApiError> {
    let artifacts = app
        .store
        .artifact_views(OutputsOf::Flow(attempt.place.flow))
        .await?;
    if artifacts.is_empty() {
        // A step that looks for one would blame its workflow.
        let removed = app.store.artifacts_removed_at(attempt.place.flow).await?;
        if let Some(removed) = removed {
            return Err(ApiError::gone(format!(
                "The artifacts of this flow were removed at {removed:.0}: they had been kept long enough."
            ))
            .fix("Run the whole flow again."));
        }
    }
    let kept = artifacts.into_iter().map(|artifact| Kept {
        id: artifact.id,
        path: artifact.path,
        size: artifact.size,
        sha256: artifact.sha256,
        executable: artifact.executable,
        job: artifact.job_name,
        stage: artifact.stage,
        created_at: artifact.created_at,
    });
    Ok(Json(kept.collect()))
}

/// Bring a file of the flow back
#[utoipa::path(get, path = "/agent/v1/attempts/{attempt}/artifacts/{artifact}", tag = "agent protocol", params(("attempt" = String, Path), ("artifact" = String, Path)), responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    attempt: LiveAttempt,
    path: Path<(String, ArtifactId)>,
) -> Result<Response, ApiError> {
    let (_, artifact) = path.0;
    let of_flow = app
        .store
        .artifact_views(OutputsOf::Flow(attempt.place.flow))
        .await?;
    if !of_flow.iter().any(|kept| kept.id == artifact) {
        return Err(ApiError::not_found("file of this flow"));
    }
    let (file, bytes) = files::open(&app, artifact).await?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, file.size.to_string()),
    ];
    Ok((headers, Body::from_stream(bytes)).into_response())
}
