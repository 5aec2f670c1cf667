//! Test results of flows, runs and jobs.

use std::sync::Arc;

use axum::extract::State;
use keirin_model::results::TestStatus;
use keirin_model::{FlowId, JobId, RunId};
use keirin_store::views::{OutputsOf, ResultFilter};
use keirin_wire::api::TestResults;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, cursor};

/// Which results.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTestResultsQuery {
    /// With this status.
    status: Option<TestStatus>,
    /// Whose suite or name holds this text, whatever the case of its letters.
    search: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, at most 200; 50 where absent.
    #[param(value_type = Option<u32>)]
    limit: Option<Limit>,
}

/// Test results of a flow
///
/// Failed ones first. Of each job those of its newest attempt.
#[utoipa::path(get, path = "/api/v1/flows/{flow}/test-results", tag = "test results", params(("flow" = String, Path), ListTestResultsQuery), responses((status = 200, body = TestResults)))]
pub(crate) async fn of_flow(
    State(app): State<Arc<App>>,
    Path(flow): Path<FlowId>,
    Query(which): Query<ListTestResultsQuery>,
) -> Result<Json<TestResults>, ApiError> {
    page(&app, OutputsOf::Flow(flow), which).await
}

/// Test results of a stage run
#[utoipa::path(get, path = "/api/v1/runs/{run}/test-results", tag = "test results", params(("run" = String, Path), ListTestResultsQuery), responses((status = 200, body = TestResults)))]
pub(crate) async fn of_run(
    State(app): State<Arc<App>>,
    Path(run): Path<RunId>,
    Query(which): Query<ListTestResultsQuery>,
) -> Result<Json<TestResults>, ApiError> {
    page(&app, OutputsOf::Run(run), which).await
}

/// Test results of a job
#[utoipa::path(get, path = "/api/v1/jobs/{job}/test-results", tag = "test results", params(("job" = String, Path), ListTestResultsQuery), responses((status = 200, body = TestResults)))]
pub(crate) async fn of_job(
    State(app): State<Arc<App>>,
    Path(job): Path<JobId>,
    Query(which): Query<ListTestResultsQuery>,
) -> Result<Json<TestResults>, ApiError> {
    page(&app, OutputsOf::Job(job), which).await
}

async fn page(app: &App, of: OutputsOf, which: ListTestResultsQuery) -> Result<Json<TestResults>, ApiError> {
    let filter = ResultFilter {
        status: which.status,
        search: which.search,
        skip: cursor(which.cursor.as_deref())?.unwrap_or(0),
    };
    let limit = Limit::or_default(which.limit);
    Ok(Json(app.store.test_result_views(of, &filter, limit).await?))
}
