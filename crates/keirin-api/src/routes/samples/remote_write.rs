//! Prometheus' remote write, version 1.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use keirin_formats::refusal::IntakePath;
use keirin_formats::remote_write::{RemoteWriteLimits, decode};

use super::{MaybePlace, keep, unreadable};
use crate::app::App;
use crate::error::ApiError;

/// Take samples by Prometheus' remote write
///
/// Version 1 of the protocol. `project` says whose they are; they get it as a label. A series that cannot be kept is refused
/// alone: the answer is then 400 and says which and why.
#[utoipa::path(post, path = "/prometheus/api/v1/write", tag = "samples", params(("project" = Option<String>, Query)), request_body(content = Vec<u8>, content_type = "application/x-protobuf"), responses((status = 204)))]
pub(crate) async fn write(
    State(app): State<Arc<App>>,
    place: MaybePlace,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE);
    let second = content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("io.prometheus.write.v2"));
    if second {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-version",
            "This is remote write 2, and version 1 is taken.",
        )
        .fix("Set `protobuf_message: prometheus.WriteRequest` in the sender's remote_write."));
    }
    let limits = RemoteWriteLimits {
        compressed_bytes: app.settings.samples_bytes,
        ..RemoteWriteLimits::default()
    };
    let received = decode(&body, limits).map_err(|error| {
        unreadable(
            &app,
            IntakePath::RemoteWrite,
            error,
            "Send a write request of remote write 1, compressed with Snappy.",
        )
    })?;
    keep(&app, IntakePath::RemoteWrite, place, received).await?;
    Ok(StatusCode::NO_CONTENT)
}
