//! Workflow files: those of a branch, checking a text, the schema.

use std::sync::Arc;

use axum::extract::State;
use keirin_wire::api::{CheckWorkflow, Page, Schedule, Workflow, WorkflowCheck};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::caller::RequestProject;
use crate::checking;
use crate::error::ApiError;
use crate::extract::{Json, Query};

/// Which branch, and of when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OnBranch {
    /// The branch; the default branch where absent.
    branch: Option<String>,
    /// As they were at this commit, by its full id; as they are now where absent.
    commit: Option<String>,
}

/// List a branch's workflows
///
/// Those with faults too.
#[utoipa::path(get, path = "/api/v1/projects/{project}/workflows", tag = "workflows", params(("project" = String, Path), OnBranch), responses((status = 200, body = Vec<Workflow>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    Query(on): Query<OnBranch>,
) -> Result<Json<Vec<Workflow>>, ApiError> {
    let (branch, commit) = (on.branch.as_deref(), on.commit.as_deref());
    let workflows = app.work.workflows(place.project, branch, commit).await?;
    Ok(Json(workflows))
}

/// List a project's timed triggers
///
/// Those of the default branch's workflows, with when each starts a flow next, and why it started none the last time.
#[utoipa::path(get, path = "/api/v1/projects/{project}/schedules", tag = "workflows", params(("project" = String, Path)), responses((status = 200, body = Page<Schedule>)))]
pub(crate) async fn schedules(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
) -> Result<Json<Page<Schedule>>, ApiError> {
    Ok(Json(Page::all(app.work.schedules(place.project).await?)))
}

/// Check a workflow file
///
/// Says all that is wrong with it, and what would run.
#[utoipa::path(post, path = "/api/v1/workflows/check", tag = "workflows", request_body = CheckWorkflow, responses((status = 200, body = WorkflowCheck)))]
pub(crate) async fn check(Json(asked): Json<CheckWorkflow>) -> Result<Json<WorkflowCheck>, ApiError> {
    // A large file takes long enough to keep others waiting.
    let check = tokio::task::spawn_blocking(move || checking::check(&asked))
        .await
        .map_err(ApiError::internal)?;
    Ok(Json(check))
}

/// The schema of workflow files
///
/// A JSON Schema, for editors.
#[utoipa::path(get, path = "/api/v1/workflow-schema.json", tag = "workflows", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn schema() -> Json<serde_json::Value> {
    Json(checking::schema())
}
