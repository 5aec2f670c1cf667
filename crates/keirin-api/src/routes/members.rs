//! Who may do what in a project.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use keirin_model::UserId;
use keirin_wire::api::{Member, Page, SetMember};

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::RequestProject;
use crate::error::ApiError;
use crate::extract::{Json, Path};

/// List a project's members
///
/// Those with a role in this project; roles in all projects are not in it.
#[utoipa::path(get, path = "/api/v1/projects/{project}/members", tag = "members", params(("project" = String, Path)), responses((status = 200, body = Page<Member>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
) -> Result<Json<Page<Member>>, ApiError> {
    let roles = app.store.project_roles(None, Some(place.project)).await?;
    let members = roles.into_iter().map(|row| Member {
        user: row.user,
        name: row.user_name,
        role: row.role,
    });
    Ok(Json(Page::all(members.collect())))
}

/// Give a user a role in a project
#[utoipa::path(put, path = "/api/v1/projects/{project}/members/{user}", tag = "members", params(("project" = String, Path), ("user" = String, Path)), request_body = SetMember, responses((status = 204)))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    path: Path<(String, UserId)>,
    note: AuditNote,
    Json(member): Json<SetMember>,
) -> Result<StatusCode, ApiError> {
    let (_, user) = path.0;
    name(&app, &note, user).await?;
    note.detail("role", member.role);
    app.store
        .set_project_role(user, place.project, member.role)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a user's role in a project away
#[utoipa::path(delete, path = "/api/v1/projects/{project}/members/{user}", tag = "members", params(("project" = String, Path), ("user" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    path: Path<(String, UserId)>,
    note: AuditNote,
) -> Result<StatusCode, ApiError> {
    let (_, user) = path.0;
    name(&app, &note, user).await?;
    if app.store.remove_project_role(user, place.project).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found(format!("member {user}")))
    }
}

/// Notes whose role it is.
async fn name(app: &App, note: &AuditNote, user: UserId) -> Result<(), ApiError> {
    let user = app.store.user(user).await?;
    note.detail_of("name", user.map(|user| user.name));
    Ok(())
}
