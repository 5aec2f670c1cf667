//! What a Pushgateway takes, at the same paths.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use keirin_exchange::pushgateway::{GroupError, PushMethod};
use keirin_formats::pushgateway::{grouping, read_body};
use keirin_formats::refusal::IntakePath;
use keirin_formats::text::TextLimits;
use keirin_model::series::Labels;

use super::{MaybePlace, malformed, project, unreadable};
use crate::app::App;
use crate::error::ApiError;

/// Replace a group of metrics
///
/// The path is `/metrics/job/NAME{/LABEL/VALUE}`. What is pushed holds until the next push, or until it is deleted.
#[utoipa::path(put, path = "/metrics/{*group}", tag = "samples", params(("group" = String, Path), ("project" = Option<String>, Query)), request_body(content = String, content_type = "text/plain"), responses((status = 202)))]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    place: MaybePlace,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    push(&app, uri.path(), place, PushMethod::Put, &headers, &body).await
}

/// Replace some metrics of a group
///
/// Those that the push names.
#[utoipa::path(post, path = "/metrics/{*group}", tag = "samples", params(("group" = String, Path), ("project" = Option<String>, Query)), request_body(content = String, content_type = "text/plain"), responses((status = 202)))]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    place: MaybePlace,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    push(&app, uri.path(), place, PushMethod::Post, &headers, &body).await
}

/// Delete a group of metrics
#[utoipa::path(delete, path = "/metrics/{*group}", tag = "samples", params(("group" = String, Path), ("project" = Option<String>, Query)), responses((status = 202)))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    place: MaybePlace,
) -> Result<StatusCode, ApiError> {
    let labels = labels(&app, uri.path())?;
    app.exchange.groups().delete(project(place), &labels).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn push(
    app: &App,
    path: &str,
    place: MaybePlace,
    method: PushMethod,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<StatusCode, ApiError> {
    let labels = labels(app, path)?;
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let pushed = read_body(content_type, body, TextLimits::default()).map_err(|error| {
        unreadable(
            app,
            IntakePath::Push,
            error,
            "Send metrics in Prometheus' text format or in protocol buffers.",
        )
    })?;
    let groups = app.exchange.groups();
    groups.push(project(place), &labels, method, &pushed).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The labels in the path, which may lie under the server's own.
fn labels(app: &App, path: &str) -> Result<Labels, ApiError> {
    let own = path.strip_prefix(app.settings.base()).unwrap_or(path);
    let group = own.strip_prefix("/metrics/").unwrap_or(own);
    grouping(group).map_err(|error| malformed(error, "Push to `/metrics/job/NAME{/LABEL/VALUE}`."))
}

impl From<GroupError> for ApiError {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Sink(error) => error.into(),
            GroupError::Store(error) => error.into(),
        }
    }
}
