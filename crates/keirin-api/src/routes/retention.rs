//! How long what flows leave is kept, and flows that stay.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use keirin_model::FlowId;
use keirin_model::retention::{EffectiveRetention, ProjectRetentionRules, RetentionLevel, RetentionRules};
use keirin_retention::{ResolvedRetention, RetentionError};
use keirin_wire::api::{ProjectRetention, ServerRetention};

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::RequestProject;
use crate::error::ApiError;
use crate::extract::{Json, Path};

/// Show how long the server keeps what flows leave
#[utoipa::path(get, path = "/api/v1/retention", tag = "retention", responses((status = 200, body = ServerRetention)))]
pub(crate) async fn of_server(State(app): State<Arc<App>>) -> Result<Json<ServerRetention>, ApiError> {
    let rules = app.store.server_retention().await?;
    Ok(Json(ServerRetention {
        effective: EffectiveRetention::resolve(&[(RetentionLevel::Server, &rules)]),
        inherited: EffectiveRetention::inherit(&[]),
        rules,
    }))
}

/// Set how long the server keeps what flows leave
///
/// In place of what was set before. It holds for projects that say nothing else, from the next hour on.
#[utoipa::path(put, path = "/api/v1/retention", tag = "retention", request_body = RetentionRules, responses((status = 200, body = ServerRetention)))]
pub(crate) async fn set_of_server(
    State(app): State<Arc<App>>,
    note: AuditNote,
    Json(rules): Json<RetentionRules>,
) -> Result<Json<ServerRetention>, ApiError> {
    note.detail("rules", rules_json(&rules)?);
    app.store.set_server_retention(&rules).await?;
    of_server(State(app)).await
}

/// Show how long a project keeps what its flows leave
#[utoipa::path(get, path = "/api/v1/projects/{project}/retention", tag = "retention", params(("project" = String, Path)), responses((status = 200, body = ProjectRetention)))]
pub(crate) async fn of_project(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
) -> Result<Json<ProjectRetention>, ApiError> {
    let rules = app.store.project_retention(place.project).await?;
    // They were checked when they were set.
    let resolved = resolve(&app, &rules).await?.map_err(ApiError::internal)?;
    Ok(Json(view(rules, &resolved)))
}

/// Set how long a project keeps what its flows leave
///
/// In place of what was set before, rules about branches included. It holds from the next hour on.
#[utoipa::path(put, path = "/api/v1/projects/{project}/retention", tag = "retention", params(("project" = String, Path)), request_body = ProjectRetentionRules, responses((status = 200, body = ProjectRetention)))]
pub(crate) async fn set_of_project(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    note: AuditNote,
    Json(rules): Json<ProjectRetentionRules>,
) -> Result<Json<ProjectRetention>, ApiError> {
    let resolved = resolve(&app, &rules).await?.map_err(|error| {
        ApiError::invalid(
            format!("These rules cannot be used: {error}."),
            "Correct the rule about branches.",
        )
    })?;
    note.detail("rules", rules_json(&rules)?);
    app.store.set_project_retention(place.project, &rules).await?;
    Ok(Json(view(rules, &resolved)))
}

/// Keep a flow
///
/// With all that it left, until it is unpinned, however long that is.
#[utoipa::path(put, path = "/api/v1/flows/{flow}/pin", tag = "retention", params(("flow" = String, Path)), responses((status = 204)))]
pub(crate) async fn pin(
    State(app): State<Arc<App>>,
    Path(flow): Path<FlowId>,
) -> Result<StatusCode, ApiError> {
    app.store.set_flow_pinned(flow, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keep a flow no longer than others
#[utoipa::path(delete, path = "/api/v1/flows/{flow}/pin", tag = "retention", params(("flow" = String, Path)), responses((status = 204)))]
pub(crate) async fn unpin(
    State(app): State<Arc<App>>,
    Path(flow): Path<FlowId>,
) -> Result<StatusCode, ApiError> {
    app.store.set_flow_pinned(flow, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn resolve(
    app: &App,
    rules: &ProjectRetentionRules,
) -> Result<Result<ResolvedRetention, RetentionError>, ApiError> {
    let server = app.store.server_retention().await?;
    Ok(ResolvedRetention::resolve(&server, rules))
}

fn view(rules: ProjectRetentionRules, resolved: &ResolvedRetention) -> ProjectRetention {
    ProjectRetention {
        rules,
        effective: resolved.all,
        inherited: resolved.inherited,
        branches: resolved.branch_rules(),
    }
}

/// Rules as the audit log keeps them.
fn rules_json(rules: &impl serde::Serialize) -> Result<String, ApiError> {
    serde_json::to_string(rules).map_err(ApiError::internal)
}
