//! Jobs: list, queue, show, cancel.

use std::sync::Arc;

use axum::extract::State;
use keirin_model::{FlowId, JobId, Outcome};
use keirin_store::views::JobFilter;
use keirin_wire::api::{Job, JobSummary, Page, QueueEntry};
use serde::Deserialize;
use utoipa::IntoParams;

use super::waiting::{entries, explain, explain_rows};
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, PageQuery, cursor};
use crate::work::CancelTarget;

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListJobsQuery {
    /// Of this flow.
    #[param(value_type = Option<String>)]
    flow: Option<FlowId>,
    /// In this state.
    state: Option<keirin_model::State>,
    /// With this outcome.
    outcome: Option<Outcome>,
    /// `true` for those that wait for an agent.
    #[serde(default)]
    waiting: bool,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, at most 200; 50 where absent.
    #[param(value_type = Option<u32>)]
    limit: Option<Limit>,
}

/// List jobs
///
/// Of all projects that the caller may see, newest first.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", params(ListJobsQuery), responses((status = 200, body = Page<JobSummary>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(which): Query<ListJobsQuery>,
) -> Result<Json<Page<JobSummary>>, ApiError> {
    let filter = JobFilter {
        project: None,
        flow: which.flow,
        state: which.state,
        outcome: which.outcome,
        queued: which.waiting,
        before: cursor(which.cursor.as_deref())?,
    };
    let sight = caller.sight(&app.store).await?;
    let limit = Limit::or_default(which.limit);
    let mut page = app.store.job_list(&sight, &filter, limit).await?;
    explain_rows(&app, &caller, &mut page.items).await?;
    Ok(Json(page))
}

/// List the queue
///
/// Jobs that wait for an agent, newest first, each with the reason.
#[utoipa::path(get, path = "/api/v1/queue", tag = "jobs", params(PageQuery), responses((status = 200, body = Page<QueueEntry>)))]
pub(crate) async fn queue(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<QueueEntry>>, ApiError> {
    let filter = JobFilter {
        queued: true,
        before: page.after()?,
        ..JobFilter::default()
    };
    let sight = caller.sight(&app.store).await?;
    let page = app.store.job_list(&sight, &filter, page.limit()).await?;
    Ok(Json(Page {
        // One that has been given to an agent meanwhile waits no more.
        items: entries(&app, &caller, page.items).await?,
        next_cursor: page.next_cursor,
    }))
}

/// Show a job
#[utoipa::path(get, path = "/api/v1/jobs/{job}", tag = "jobs", params(("job" = String, Path)), responses((status = 200, body = Job)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(job): Path<JobId>,
) -> Result<Json<Job>, ApiError> {
    Ok(Json(view(&app, &caller, job).await?))
}

/// Cancel a job
#[utoipa::path(post, path = "/api/v1/jobs/{job}/cancel", tag = "jobs", params(("job" = String, Path)), responses((status = 200, body = Job)))]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(job): Path<JobId>,
) -> Result<Json<Job>, ApiError> {
    app.work.cancel(CancelTarget::Job(job)).await?;
    Ok(Json(view(&app, &caller, job).await?))
}

async fn view(app: &App, caller: &Caller, job: JobId) -> Result<Job, ApiError> {
    let mut job = app.store.job_view(job).await?;
    explain(app, caller, std::iter::once(&mut job)).await?;
    Ok(job)
}
