//! Server-sent events as all routes send them.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures::{Stream, StreamExt};

/// After this long a stream ends, so that who follows it is asked again what they may see.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Sends events as they come, and a sign of life in between.
pub(crate) fn sse(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let bounded = events
        .take_until(tokio::time::sleep(LONGEST))
        .map(Ok::<_, Infallible>);
    let mut response = Sse::new(bounded).keep_alive(KeepAlive::default()).into_response();
    // A proxy that collects bytes would hold events up.
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}
