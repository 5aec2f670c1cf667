//! Logs: read, follow, download, search.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use keirin_model::{AgentId, FlowId, JobId, RunId};
use keirin_wire::api::{LogLine, LogPage, LogSearch};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::log_lines;
use crate::streams::{self, StreamEnd};

/// The most lines of an answer.
const MOST: u64 = 10_000;

/// How many lines an answer has where nobody says.
const USUAL: u64 = 1_000;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogLinesQuery {
    /// Which attempt at the job; the newest where absent.
    attempt: Option<u32>,
    /// Only lines of the step at this place in the plan.
    step: Option<u16>,
    /// The first line, from 1.
    from: Option<u64>,
    /// How many lines, at most 10000; 1000 where absent.
    limit: Option<u64>,
    /// This many lines from the end, in place of `from` and `limit`.
    tail: Option<u64>,
}

/// Read a job's log
#[utoipa::path(get, path = "/api/v1/jobs/{job}/log", tag = "logs", params(("job" = String, Path), LogLinesQuery), responses((status = 200, body = LogPage)))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    Path(job): Path<JobId>,
    Query(which): Query<LogLinesQuery>,
) -> Result<Json<LogPage>, ApiError> {
    let log = log_lines::of_attempt(&app, job, which.attempt).await?;
    let wanted = match which.tail {
        Some(lines) => log_lines::Wanted::Tail(lines.clamp(1, MOST)),
        None => log_lines::Wanted::From {
            line: which.from.unwrap_or(1).max(1),
            limit: which.limit.unwrap_or(USUAL).clamp(1, MOST),
        },
    };
    Ok(Json(log_lines::read(&app, log, wanted, which.step).await?))
}

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Begin {
    /// Which attempt at the job; the newest where absent.
    attempt: Option<u32>,
    /// The first line, from 1; the log's first where absent.
    from: Option<u64>,
}

/// Follow a job's log
///
/// Server-sent events: `lines` with an array of `LogLine` as data, whose `id` is the number of the last of them; then
/// `end` when the log is complete. `Last-Event-ID` goes on after that line.
#[utoipa::path(get, path = "/api/v1/jobs/{job}/log/stream", tag = "logs", params(("job" = String, Path), Begin), responses((status = 200, body = Vec<LogLine>, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    Path(job): Path<JobId>,
    end: StreamEnd,
    headers: HeaderMap,
    Query(begin): Query<Begin>,
) -> Result<Response, ApiError> {
    let seen = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    let first = seen.map_or(begin.from.unwrap_or(1).max(1), |seen| seen.saturating_add(1));
    Ok(streams::sse(
        log_lines::follow(app, job, begin.attempt, first),
        end,
    ))
}

/// Which attempt.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfAttempt {
    /// Which attempt at the job; the newest where absent.
    attempt: Option<u32>,
}

/// Download a job's log
///
/// As text, as it was written: colours stay in.
#[utoipa::path(get, path = "/api/v1/jobs/{job}/log/raw", tag = "logs", params(("job" = String, Path), OfAttempt), responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn raw(
    State(app): State<Arc<App>>,
    Path(job): Path<JobId>,
    Query(of): Query<OfAttempt>,
) -> Result<Response, ApiError> {
    let log = log_lines::of_attempt(&app, job, of.attempt).await?;
    let bytes = log_lines::raw(&app, log).await?;
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"job-{job}.log\""),
        ),
    ];
    Ok((headers, Body::from_stream(bytes)).into_response())
}

/// What to search for, and where. One of `flow`, `run`, `job`, `agent` and `service` is needed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Search {
    /// A regular expression.
    regex: String,
    /// In the logs of this flow.
    #[param(value_type = Option<String>)]
    flow: Option<FlowId>,
    /// In the logs of this run.
    #[param(value_type = Option<String>)]
    run: Option<RunId>,
    /// In the logs of this job.
    #[param(value_type = Option<String>)]
    job: Option<JobId>,
    /// In the logs of this agent; takes an admin.
    #[param(value_type = Option<String>)]
    agent: Option<AgentId>,
    /// In the logs of this part of the server; takes an admin.
    service: Option<String>,
    /// How many matches, at most 1000; 200 where absent.
    limit: Option<u32>,
}

/// Search logs
///
/// By a regular expression, line by line.
#[utoipa::path(get, path = "/api/v1/logs/search", tag = "logs", params(Search), responses((status = 200, body = LogSearch)))]
pub(crate) async fn search(
    State(app): State<Arc<App>>,
    Query(search): Query<Search>,
) -> Result<Json<LogSearch>, ApiError> {
    let scope = match (search.flow, search.run, search.job, search.agent, search.service) {
        (Some(flow), None, None, None, None) => log_lines::Scope::Flow(flow),
        (None, Some(run), None, None, None) => log_lines::Scope::Run(run),
        (None, None, Some(job), None, None) => log_lines::Scope::Job(job),
        (None, None, None, Some(agent), None) => log_lines::Scope::Agent(agent),
        (None, None, None, None, Some(service)) => log_lines::Scope::Service(service),
        _ => {
            return Err(ApiError::invalid(
                "A search is over one flow, run, job, agent or service.",
                "Give one of `flow`, `run`, `job`, `agent` and `service`.",
            ));
        }
    };
    let limit = search.limit.unwrap_or(200).clamp(1, 1000) as usize;
    Ok(Json(log_lines::search(&app, scope, &search.regex, limit).await?))
}
