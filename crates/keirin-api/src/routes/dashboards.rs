//! Dashboards: list, show, keep, import, check, remove.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use keirin_model::ProjectId;
use keirin_store::dashboards::NewDashboard;
use keirin_store::views::VisibleProjects;
use keirin_wire::api::{Dashboard, DashboardCheck, DashboardContent, DashboardSummary, Page, Severity};
use serde_json::Value;

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::{Caller, RequestProject};
use crate::dashboards::{problems, provided, title, without_answers};
use crate::error::ApiError;
use crate::extract::{Json, Path};

/// List dashboards
///
/// Those that come with the program, and those that people have made for the server and for projects that one may see.
#[utoipa::path(get, path = "/api/v1/dashboards", tag = "dashboards", responses((status = 200, body = Page<DashboardSummary>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Page<DashboardSummary>>, ApiError> {
    let sight = caller.sight(&app.store).await?;
    let kept = app.store.dashboards(&sight).await?;
    let kept = kept.into_iter().map(|row| DashboardSummary {
        uid: row.uid,
        project: row.project,
        title: row.title,
        folder: row.folder,
        tags: row.tags,
        provided: false,
        changed_at: Some(row.changed_at),
        changed_by: Some(row.changed_by),
    });
    Ok(Json(Page::all(
        provided::list().into_iter().chain(kept).collect(),
    )))
}

/// Show a dashboard
///
/// Whoever may not see all projects gets it without what was in answers to its author: values of variables that are asked
/// for, and saved data. What its author has written is for everybody.
#[utoipa::path(get, path = "/api/v1/dashboards/{dashboard}", tag = "dashboards", params(("dashboard" = String, Path)), responses((status = 200, body = Dashboard)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    owner: Option<Extension<RequestProject>>,
    Path(dashboard): Path<String>,
) -> Result<Json<Dashboard>, ApiError> {
    if let Some(dashboard) = provided::show(&dashboard) {
        return Ok(Json(dashboard));
    }
    let saved = app.store.dashboard(&dashboard, id_of(owner.as_ref())).await?;
    let content = match caller.sight(&app.store).await? {
        VisibleProjects::All => saved,
        VisibleProjects::Only(_) => without_answers(saved),
    };
    Ok(Json(Dashboard {
        title: title(&content),
        uid: dashboard,
        project: name_of(owner),
        provided: false,
        dashboard: content,
    }))
}

/// Import a dashboard
///
/// As Grafana exports it. One without a `uid` is given one. It belongs to the project that is named, or to the server.
#[utoipa::path(post, path = "/api/v1/dashboards", tag = "dashboards", params(("project" = Option<String>, Query, description = "The project that a new one belongs to; the server where none is named.")), request_body = DashboardContent, responses((status = 201, body = Dashboard)))]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    caller: Caller,
    owner: Option<Extension<RequestProject>>,
    note: AuditNote,
    Json(wanted): Json<DashboardContent>,
) -> Result<(StatusCode, Json<Dashboard>), ApiError> {
    let drawn = || format!("{:016x}", u64::from_be_bytes(app.outside.random::<8>()));
    let uid = wanted.uid().map_or_else(drawn, ToOwned::to_owned);
    let content = checked(wanted)?;
    let kept = keep(&app, &caller, false, owner, uid, content).await?;
    note.detail("dashboard", &kept.uid);
    note.detail("title", &kept.title);
    Ok((StatusCode::CREATED, Json(kept)))
}

/// Keep a dashboard
///
/// In place of the one before, and whose that was; one that was not there belongs to the project that is named, or to the server.
#[utoipa::path(put, path = "/api/v1/dashboards/{dashboard}", tag = "dashboards", params(("dashboard" = String, Path), ("project" = Option<String>, Query, description = "The project that a new one belongs to; the server where none is named.")), request_body = DashboardContent, responses((status = 200, body = Dashboard)))]
pub(crate) async fn save(
    State(app): State<Arc<App>>,
    caller: Caller,
    owner: Option<Extension<RequestProject>>,
    Path(dashboard): Path<String>,
    note: AuditNote,
    Json(wanted): Json<DashboardContent>,
) -> Result<Json<Dashboard>, ApiError> {
    let content = checked(wanted)?;
    let kept = keep(&app, &caller, true, owner, dashboard, content).await?;
    note.detail("dashboard", &kept.uid);
    note.detail("title", &kept.title);
    Ok(Json(kept))
}

/// Remove a dashboard
#[utoipa::path(delete, path = "/api/v1/dashboards/{dashboard}", tag = "dashboards", params(("dashboard" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    owner: Option<Extension<RequestProject>>,
    Path(dashboard): Path<String>,
    note: AuditNote,
) -> Result<StatusCode, ApiError> {
    must_not_be_provided(&dashboard)?;
    app.store
        .delete_dashboard(&dashboard, id_of(owner.as_ref()))
        .await?;
    note.detail("dashboard", &dashboard);
    Ok(StatusCode::NO_CONTENT)
}

/// Check a dashboard
///
/// Says what cannot be kept and what cannot be drawn, and keeps nothing.
#[utoipa::path(post, path = "/api/v1/dashboards/check", tag = "dashboards", request_body = DashboardContent, responses((status = 200, body = DashboardCheck)))]
pub(crate) async fn check(Json(wanted): Json<DashboardContent>) -> Json<DashboardCheck> {
    Json(DashboardCheck {
        problems: problems(&wanted.into_inner()),
    })
}

/// The content of a dashboard in which nothing keeps it from being kept.
fn checked(wanted: DashboardContent) -> Result<Value, ApiError> {
    let content = wanted.into_inner();
    let problems = problems(&content);
    let error = problems
        .iter()
        .find(|problem| problem.severity == Severity::Error);
    match error {
        None => Ok(content),
        Some(problem) => Err(ApiError::invalid(
            format!(
                "The dashboard cannot be kept: at {}, {}",
                problem.path, problem.message
            ),
            "Mend it; `POST /api/v1/dashboards/check` lists everything that was found.",
        )),
    }
}

async fn keep(
    app: &App,
    caller: &Caller,
    replaces: bool,
    owner: Option<Extension<RequestProject>>,
    uid: String,
    mut content: Value,
) -> Result<Dashboard, ApiError> {
    must_not_be_provided(&uid)?;
    content["uid"] = uid.clone().into();
    let title = title(&content);
    let new = NewDashboard {
        uid: &uid,
        project: id_of(owner.as_ref()),
        title: &title,
        content: &content,
        now: app.outside.now(),
        by: &caller.person()?.name,
    };
    app.store.keep_dashboard(new, replaces).await?;
    Ok(Dashboard {
        uid,
        project: name_of(owner),
        title,
        provided: false,
        dashboard: content,
    })
}

fn id_of(owner: Option<&Extension<RequestProject>>) -> Option<ProjectId> {
    owner.map(|Extension(RequestProject(place))| place.project)
}

fn name_of(owner: Option<Extension<RequestProject>>) -> Option<String> {
    owner.map(|Extension(RequestProject(place))| place.name)
}

fn must_not_be_provided(uid: &str) -> Result<(), ApiError> {
    if provided::show(uid).is_none() {
        return Ok(());
    }
    Err(ApiError::conflict(
        "This dashboard comes with the program, so it can be neither changed nor removed. Keep a copy under another uid.",
    ))
}
