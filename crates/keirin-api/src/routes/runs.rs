//! Runs: show, start by hand, cancel.

use std::sync::Arc;

use axum::extract::State;
use keirin_model::RunId;
use keirin_model::plan::Start;
use keirin_wire::api::Run;

use super::waiting::explain;
use crate::app::App;
use crate::caller::{Caller, RequestProject};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::work::CancelTarget;

/// Show a stage run
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "runs", params(("run" = String, Path)), responses((status = 200, body = Run)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(run): Path<RunId>,
) -> Result<Json<Run>, ApiError> {
    Ok(Json(view(&app, &caller, run).await?))
}

/// Start a stage run by hand
///
/// The stage says which role this takes.
#[utoipa::path(post, path = "/api/v1/runs/{run}/start", tag = "runs", params(("run" = String, Path)), responses((status = 200, body = Run)))]
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    caller: Caller,
    Path(run): Path<RunId>,
) -> Result<Json<Run>, ApiError> {
    if let Start::Manual { role } = app.store.run_view(run).await?.start {
        caller.require(&place, role)?;
    }
    app.work.start_run(run).await?;
    Ok(Json(view(&app, &caller, run).await?))
}

/// Cancel a stage run
#[utoipa::path(post, path = "/api/v1/runs/{run}/cancel", tag = "runs", params(("run" = String, Path)), responses((status = 200, body = Run)))]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(run): Path<RunId>,
) -> Result<Json<Run>, ApiError> {
    app.work.cancel(CancelTarget::Run(run)).await?;
    Ok(Json(view(&app, &caller, run).await?))
}

async fn view(app: &App, caller: &Caller, run: RunId) -> Result<Run, ApiError> {
    let mut run = app.store.run_view(run).await?;
    explain(app, caller, run.jobs.iter_mut()).await?;
    Ok(run)
}
