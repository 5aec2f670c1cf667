//! What the server does by itself: list it, have it done now, cancel it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use keirin_background::{BackgroundKind, Recurrence};
use keirin_model::BackgroundJobId;
use keirin_model::background::BackgroundJobState;
use keirin_store::background_jobs::{BackgroundJob as Stored, BackgroundJobCount, BackgroundJobFilter};
use keirin_wire::api::{BackgroundJob, BackgroundKindSummary, BackgroundOverview, Page, ReconcilerState};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::paging::{self, Limit, cursor};

/// Which background jobs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BackgroundJobsQuery {
    /// Of this kind alone.
    kind: Option<String>,
    /// In this state alone.
    state: Option<BackgroundJobState>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many jobs; 50 where absent, 200 at the most.
    #[param(value_type = Option<u32>)]
    limit: Option<Limit>,
}

/// List background jobs
///
/// In the order in which they were first asked for. One that went well and does not recur is not there any more.
#[utoipa::path(get, path = "/api/v1/background-jobs", tag = "background", params(BackgroundJobsQuery), responses((status = 200, body = Page<BackgroundJob>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<BackgroundJobsQuery>,
) -> Result<Json<Page<BackgroundJob>>, ApiError> {
    let limit = Limit::or_default(query.limit);
    let kind = query.kind.map(|kind| kind.replace('\0', ""));
    let filter = BackgroundJobFilter {
        kind: kind.as_deref(),
        state: query.state,
        after: cursor(query.cursor.as_deref())?,
        limit: i64::from(limit) + 1,
    };
    let jobs = app.store.background_jobs(filter).await?;
    let position = |job: &Stored| job.id.to_string();
    Ok(Json(paging::page(jobs, limit, position, |job| view(&app, job))))
}

/// Show what there is of background work
///
/// The kinds of background jobs and how many there are of each, and what goes on for as long as the server leads.
#[utoipa::path(get, path = "/api/v1/background", tag = "background", responses((status = 200, body = BackgroundOverview)))]
pub(crate) async fn overview(State(app): State<Arc<App>>) -> Result<Json<BackgroundOverview>, ApiError> {
    let counts = app.store.count_background_jobs().await?;
    let reconcilers = app.reconcilers.all().into_iter();
    Ok(Json(BackgroundOverview {
        kinds: app
            .background
            .kinds()
            .map(|kind| summary(&kind, &counts))
            .collect(),
        reconcilers: reconcilers
            .map(|(name, title, status)| ReconcilerState {
                name,
                title,
                succeeded_at: status.succeeded_at,
                failed_at: status.failed_at,
                error: status.error,
            })
            .collect(),
    }))
}

/// Have a background job done now
///
/// One that waits begins as soon as there is room among those of its kind, also one that has failed too often. One that
/// runs is done once more.
#[utoipa::path(post, path = "/api/v1/background-jobs/{background_job}/run", tag = "background", params(("background_job" = String, Path)), responses((status = 204)))]
pub(crate) async fn run(
    State(app): State<Arc<App>>,
    Path(id): Path<BackgroundJobId>,
) -> Result<StatusCode, ApiError> {
    app.background.run_now(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cancel a background job
///
/// It is ended where it runs, and forgotten; one that recurs is left out this once.
#[utoipa::path(delete, path = "/api/v1/background-jobs/{background_job}", tag = "background", params(("background_job" = String, Path)), responses((status = 204)))]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Path(id): Path<BackgroundJobId>,
) -> Result<StatusCode, ApiError> {
    app.background.cancel(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(app: &App, job: Stored) -> BackgroundJob {
    let kind = app.background.kinds().find(|kind| kind.name == job.kind);
    BackgroundJob {
        id: job.id,
        title: kind.as_ref().map(|kind| kind.title.to_owned()),
        recurs: kind.as_ref().is_some_and(|kind| kind.recurrence.is_some()),
        kind: job.kind,
        key: job.key,
        project: job.project,
        state: job.state,
        attempts: job.attempts,
        run_at: job.run_at,
        started_at: job.started_at,
        ended_at: job.ended_at,
        error: job.error,
        progress: job.progress,
    }
}

fn summary(kind: &BackgroundKind, counts: &[BackgroundJobCount]) -> BackgroundKindSummary {
    let count = |state| BackgroundJobCount::of(counts, kind.name, state);
    let (every_seconds, cron) = match &kind.recurrence {
        None => (None, None),
        Some(Recurrence::After(time)) => (Some(time.as_secs_f64()), None),
        Some(Recurrence::At(times)) => (None, Some(format!("{} {}", times.expression(), times.timezone()))),
    };
    BackgroundKindSummary {
        name: kind.name.to_owned(),
        title: kind.title.to_owned(),
        concurrency: u32::try_from(kind.concurrency).unwrap_or(u32::MAX),
        time_limit_seconds: kind.time_limit.as_secs_f64(),
        every_seconds,
        cron,
        waiting: count(BackgroundJobState::Waiting),
        running: count(BackgroundJobState::Running),
        dead: count(BackgroundJobState::Dead),
    }
}
