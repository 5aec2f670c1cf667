//! Flows: list, show, start, cancel, run again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use keirin_model::{FlowId, Outcome};
use keirin_store::views::FlowFilter;
use keirin_wire::api::{Flow, FlowSummary, Page, RerunFlow, StartFlow};
use serde::Deserialize;
use utoipa::IntoParams;

use super::waiting::explain;
use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::{Caller, RequestProject};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, cursor};
use crate::work::CancelTarget;

/// Which flows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListFlowsQuery {
    /// On this branch.
    branch: Option<String>,
    /// In this state.
    state: Option<keirin_model::State>,
    /// With this outcome.
    outcome: Option<Outcome>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, at most 200; 50 where absent.
    #[param(value_type = Option<u32>)]
    limit: Option<Limit>,
}

impl ListFlowsQuery {
    fn filter(self) -> Result<(FlowFilter, u32), ApiError> {
        let filter = FlowFilter {
            project: None,
            branch: self.branch,
            state: self.state,
            outcome: self.outcome,
            before: cursor(self.cursor.as_deref())?,
        };
        Ok((filter, Limit::or_default(self.limit)))
    }
}

/// List flows
///
/// Of all projects that the caller may see, newest first.
#[utoipa::path(get, path = "/api/v1/flows", tag = "flows", params(ListFlowsQuery), responses((status = 200, body = Page<FlowSummary>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(which): Query<ListFlowsQuery>,
) -> Result<Json<Page<FlowSummary>>, ApiError> {
    let (filter, limit) = which.filter()?;
    let sight = caller.sight(&app.store).await?;
    Ok(Json(app.store.flow_list(&sight, &filter, limit).await?))
}

/// List a project's flows
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/projects/{project}/flows", tag = "flows", params(("project" = String, Path), ListFlowsQuery), responses((status = 200, body = Page<FlowSummary>)))]
pub(crate) async fn list_of_project(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    Query(which): Query<ListFlowsQuery>,
) -> Result<Json<Page<FlowSummary>>, ApiError> {
    let (filter, limit) = which.filter()?;
    let filter = FlowFilter {
        project: Some(place.project),
        ..filter
    };
    // The gate has let the caller see this project.
    let sight = keirin_store::views::VisibleProjects::All;
    Ok(Json(app.store.flow_list(&sight, &filter, limit).await?))
}

/// Start a flow
#[utoipa::path(post, path = "/api/v1/projects/{project}/flows", tag = "flows", params(("project" = String, Path)), request_body = StartFlow, responses((status = 201, body = Flow)))]
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    caller: Caller,
    note: AuditNote,
    Json(start): Json<StartFlow>,
) -> Result<impl IntoResponse, ApiError> {
    let role = caller
        .role_in(&place)
        .ok_or_else(|| ApiError::internal("a start without a role"))?;
    let flow = app
        .work
        .start_flow(place.project, start, caller.cause()?, role)
        .await?;
    let location = format!("{}/api/v1/flows/{flow}", app.settings.base());
    let flow = view(&app, &caller, flow).await?;
    note.detail("number", flow.number);
    note.detail("branch", &flow.branch);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(flow)))
}

/// Show a flow
#[utoipa::path(get, path = "/api/v1/flows/{flow}", tag = "flows", params(("flow" = String, Path)), responses((status = 200, body = Flow)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(flow): Path<FlowId>,
) -> Result<Json<Flow>, ApiError> {
    Ok(Json(view(&app, &caller, flow).await?))
}

/// Show a flow by its number
#[utoipa::path(get, path = "/api/v1/projects/{project}/flows/{number}", tag = "flows", params(("project" = String, Path), ("number" = i64, Path)), responses((status = 200, body = Flow)))]
pub(crate) async fn show_numbered(
    State(app): State<Arc<App>>,
    caller: Caller,
    RequestProject(place): RequestProject,
    path: Path<(String, i64)>,
) -> Result<Json<Flow>, ApiError> {
    let (_, number) = path.0;
    let flow = app.store.flow_numbered(place.project, number).await?;
    let flow = flow.ok_or_else(|| ApiError::not_found(format!("flow {number}")))?;
    Ok(Json(view(&app, &caller, flow).await?))
}

/// Cancel a flow
///
/// Stops all that runs in it and starts nothing more.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/cancel", tag = "flows", params(("flow" = String, Path)), responses((status = 200, body = Flow)))]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(flow): Path<FlowId>,
    note: AuditNote,
) -> Result<Json<Flow>, ApiError> {
    app.work.cancel(CancelTarget::Flow(flow)).await?;
    let flow = view(&app, &caller, flow).await?;
    note.detail("number", flow.number);
    Ok(Json(flow))
}

/// Run a flow again
#[utoipa::path(post, path = "/api/v1/flows/{flow}/rerun", tag = "flows", params(("flow" = String, Path)), request_body = RerunFlow, responses((status = 200, body = Flow)))]
pub(crate) async fn rerun(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(flow): Path<FlowId>,
    note: AuditNote,
    Json(rerun): Json<RerunFlow>,
) -> Result<Json<Flow>, ApiError> {
    note.detail("failed_only", rerun.failed);
    app.work.rerun(flow, rerun.failed).await?;
    let flow = view(&app, &caller, flow).await?;
    note.detail("number", flow.number);
    Ok(Json(flow))
}

async fn view(app: &App, caller: &Caller, flow: FlowId) -> Result<Flow, ApiError> {
    let mut flow = app.store.flow_view(flow).await?;
    explain(app, caller, flow.runs.iter_mut().flat_map(|run| &mut run.jobs)).await?;
    Ok(flow)
}
