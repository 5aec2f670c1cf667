//! InfluxDB's line protocol, where InfluxDB 1 takes it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use keirin_formats::influx::{LineLimits, Precision, into_samples, read};
use keirin_formats::refusal::IntakePath;
use url::form_urlencoded;

use super::{MaybePlace, keep, malformed, unreadable};
use crate::app::App;
use crate::error::ApiError;

/// Whether a server is there
///
/// As InfluxDB's clients ask before they write.
#[utoipa::path(get, path = "/ping", tag = "samples", responses((status = 204)))]
pub(crate) async fn ping(State(app): State<Arc<App>>) -> impl IntoResponse {
    let version = format!("keirin-{}", app.settings.version);
    (StatusCode::NO_CONTENT, [("x-influxdb-version", version)])
}

/// Take samples in InfluxDB's line protocol
///
/// Each field is a sample of the metric `measurement_field`, of `measurement` for the field `value`. `precision` is that
/// of the times: ns where nothing is said. `project` says whose they are; they get it as a label. A line that cannot be kept
/// is refused alone: the answer is then 400 and says which and why.
#[utoipa::path(post, path = "/write", tag = "samples", params(("precision" = Option<String>, Query), ("project" = Option<String>, Query)), request_body(content = String, content_type = "text/plain"), responses((status = 204)))]
pub(crate) async fn write_lines(
    State(app): State<Arc<App>>,
    place: MaybePlace,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let query = query.unwrap_or_default();
    let precision = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "precision")
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    const FIX: &str = "Send lines as in `build_seconds,job=a value=5.2 1700000000000000000`.";
    let precision: Precision = precision.parse().map_err(|error| malformed(error, FIX))?;
    let points = read(&body, LineLimits::default())
        .map_err(|error| unreadable(&app, IntakePath::LineProtocol, error, FIX))?;
    let now_ms = app.outside.now().as_millisecond();
    let received = into_samples(points, precision, now_ms);
    keep(&app, IntakePath::LineProtocol, place, received).await?;
    Ok(StatusCode::NO_CONTENT)
}
