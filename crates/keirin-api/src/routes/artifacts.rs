//! Files that jobs left: list and download.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use keirin_model::{ArtifactId, FlowId, JobId, RunId};
use keirin_store::views::OutputsOf;
use keirin_wire::api::{Artifact, Page};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::files;

/// List a flow's artifacts
#[utoipa::path(get, path = "/api/v1/flows/{flow}/artifacts", tag = "artifacts", params(("flow" = String, Path)), responses((status = 200, body = Page<Artifact>)))]
pub(crate) async fn of_flow(
    State(app): State<Arc<App>>,
    Path(flow): Path<FlowId>,
) -> Result<Json<Page<Artifact>>, ApiError> {
    Ok(Json(Page::all(
        app.store.artifact_views(OutputsOf::Flow(flow)).await?,
    )))
}

/// List a stage run's artifacts
#[utoipa::path(get, path = "/api/v1/runs/{run}/artifacts", tag = "artifacts", params(("run" = String, Path)), responses((status = 200, body = Page<Artifact>)))]
pub(crate) async fn of_run(
    State(app): State<Arc<App>>,
    Path(run): Path<RunId>,
) -> Result<Json<Page<Artifact>>, ApiError> {
    Ok(Json(Page::all(
        app.store.artifact_views(OutputsOf::Run(run)).await?,
    )))
}

/// List a job's artifacts
#[utoipa::path(get, path = "/api/v1/jobs/{job}/artifacts", tag = "artifacts", params(("job" = String, Path)), responses((status = 200, body = Page<Artifact>)))]
pub(crate) async fn of_job(
    State(app): State<Arc<App>>,
    Path(job): Path<JobId>,
) -> Result<Json<Page<Artifact>>, ApiError> {
    Ok(Json(Page::all(
        app.store.artifact_views(OutputsOf::Job(job)).await?,
    )))
}

/// Download an artifact
#[utoipa::path(get, path = "/api/v1/artifacts/{artifact}", tag = "artifacts", params(("artifact" = String, Path)), responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    Path(artifact): Path<ArtifactId>,
) -> Result<Response, ApiError> {
    let (file, bytes) = files::open(&app, artifact).await?;
    let headers = [
        // What a job has made is never shown as a page of this server.
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, files::attachment(&file.path)),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
        (CONTENT_LENGTH, file.size.to_string()),
        (ETAG, format!("\"{}\"", file.sha256)),
    ];
    Ok((headers, Body::from_stream(bytes)).into_response())
}
