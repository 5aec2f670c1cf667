//! Dashboards: list, show, keep, bring along, look through, remove.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use keirin_store::dashboards::DashboardRow;
use keirin_store::views::VisibleProjects;
use keirin_wire::api::{Dashboard, DashboardCheck, DashboardContent, DashboardSummary, Page, Severity};

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::Caller;
use crate::dashboards::{content, problems, provided, title, uid, without_answers};
use crate::error::ApiError;
use crate::extract::{Json, Path};

/// List dashboards
///
/// Those that come with the program, and those that people have made.
#[utoipa::path(get, path = "/api/v1/dashboards", tag = "dashboards", responses((status = 200, body = Page<DashboardSummary>)))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Json<Page<DashboardSummary>>, ApiError> {
    let mut dashboards = provided::list();
    dashboards.extend(
        app.store
            .dashboards()
            .await?
            .into_iter()
            .map(|row| DashboardSummary {
                uid: row.uid,
                title: row.title,
                folder: row.folder,
                tags: row.tags,
                provided: false,
                changed_at: Some(row.changed_at),
                changed_by: Some(row.changed_by),
            }),
    );
    Ok(Json(Page::all(dashboards)))
}

/// Show a dashboard
///
/// Whoever may not see all projects gets it without what was in answers to its author: values of variables that are asked
/// for, and saved data. What its author has written is for everybody.
#[utoipa::path(get, path = "/api/v1/dashboards/{dashboard}", tag = "dashboards", params(("dashboard" = String, Path)), responses((status = 200, body = Dashboard)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(dashboard): Path<String>,
) -> Result<Json<Dashboard>, ApiError> {
    if let Some(dashboard) = provided::show(&dashboard) {
        return Ok(Json(dashboard));
    }
    let saved = app.store.dashboard(&dashboard).await?;
    let content = match caller.sight(&app.store).await? {
        VisibleProjects::All => saved,
        VisibleProjects::Only(_) => without_answers(saved),
    };
    Ok(Json(Dashboard {
        title: title(&content),
        uid: dashboard,
        provided: false,
        dashboard: content,
    }))
}

/// Bring a dashboard along
///
/// As Grafana exports it. One without a `uid` is given one.
#[utoipa::path(post, path = "/api/v1/dashboards", tag = "dashboards", request_body = DashboardContent, responses((status = 201, body = Dashboard)))]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    caller: Caller,
    note: AuditNote,
    Json(wanted): Json<DashboardContent>,
) -> Result<(StatusCode, Json<Dashboard>), ApiError> {
    let drawn = format!("{:016x}", u64::from_be_bytes(app.outside.random::<8>()));
    let kept = keep(&app, &caller, wanted, None, &drawn).await?;
    note.detail("dashboard", &kept.uid);
    note.detail("title", &kept.title);
    Ok((StatusCode::CREATED, Json(kept)))
}

/// Keep a dashboard
///
/// In place of the one before.
#[utoipa::path(put, path = "/api/v1/dashboards/{dashboard}", tag = "dashboards", params(("dashboard" = String, Path)), request_body = DashboardContent, responses((status = 200, body = Dashboard)))]
pub(crate) async fn save(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(dashboard): Path<String>,
    note: AuditNote,
    Json(wanted): Json<DashboardContent>,
) -> Result<Json<Dashboard>, ApiError> {
    let kept = keep(&app, &caller, wanted, Some(&dashboard), &dashboard).await?;
    note.detail("dashboard", &kept.uid);
    note.detail("title", &kept.title);
    Ok(Json(kept))
}

/// Remove a dashboard
#[utoipa::path(delete, path = "/api/v1/dashboards/{dashboard}", tag = "dashboards", params(("dashboard" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Path(dashboard): Path<String>,
    note: AuditNote,
) -> Result<StatusCode, ApiError> {
    must_not_be_provided(&dashboard)?;
    app.store.delete_dashboard(&dashboard).await?;
    note.detail("dashboard", &dashboard);
    Ok(StatusCode::NO_CONTENT)
}

/// Look through a dashboard
///
/// Says what cannot be kept and what cannot be drawn, and keeps nothing.
#[utoipa::path(post, path = "/api/v1/dashboards/check", tag = "dashboards", request_body = DashboardContent, responses((status = 200, body = DashboardCheck)))]
pub(crate) async fn check(Json(wanted): Json<DashboardContent>) -> Json<DashboardCheck> {
    Json(DashboardCheck {
        problems: problems(&content(wanted.dashboard)),
    })
}

async fn keep(
    app: &App,
    caller: &Caller,
    wanted: DashboardContent,
    replaced: Option<&str>,
    drawn: &str,
) -> Result<Dashboard, ApiError> {
    let mut content = content(wanted.dashboard);
    let problems = problems(&content);
    if let Some(problem) = problems
        .iter()
        .find(|problem| problem.severity == Severity::Error)
    {
        return Err(ApiError::invalid(
            format!(
                "The dashboard cannot be kept: at {}, {}",
                problem.path, problem.message
            ),
            "Mend it; `POST /api/v1/dashboards/check` lists everything that was found.",
        ));
    }
    let uid = match replaced {
        Some(uid) => uid.to_owned(),
        None => uid(&content).unwrap_or(drawn).to_owned(),
    };
    must_not_be_provided(&uid)?;
    content["uid"] = uid.clone().into();
    let row = DashboardRow {
        title: title(&content),
        folder: String::new(),
        tags: Vec::new(),
        changed_at: app.outside.now(),
        changed_by: caller.person()?.name.clone(),
        uid,
    };
    app.store
        .keep_dashboard(&row, &content, replaced.is_some())
        .await?;
    Ok(Dashboard {
        uid: row.uid,
        title: row.title,
        provided: false,
        dashboard: content,
    })
}

fn must_not_be_provided(uid: &str) -> Result<(), ApiError> {
    if provided::show(uid).is_none() {
        return Ok(());
    }
    Err(ApiError::conflict(
        "This dashboard comes with the program, so it can be neither changed nor removed. Keep a copy under another uid.",
    ))
}
