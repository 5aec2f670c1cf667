//! Server-sent events as all routes send them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures::{Stream, StreamExt};

use crate::app::App;
use crate::caller::{Caller, Who};
use crate::connections::{AddressPrefix, AnonymousStream, AnonymousStreams};
use crate::error::ApiError;
use crate::gate::address;

/// After this long a stream ends, so that who follows it is asked again what they may see.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How long the stream of a caller may last: whom nobody knows has to give way to others of the kind.
#[derive(Debug)]
pub(crate) struct StreamEnd(Option<AnonymousStream>);

impl StreamEnd {
    async fn wait(mut self) {
        let evicted = async {
            match &mut self.0 {
                Some(stream) => stream.evicted().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(LONGEST) => {}
            () = evicted => {}
        }
    }
}

impl FromRequestParts<Arc<App>> for StreamEnd {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        // There is none where a call comes by no connection.
        let streams = parts.extensions.get::<Arc<AnonymousStreams>>();
        Ok(Self(match (caller.who, streams) {
            (Who::Nobody, Some(streams)) => {
                let from = AddressPrefix::of(address(parts, &app.settings.trusted_proxies));
                Some(streams.admit(from))
            }
            _ => None,
        }))
    }
}

/// Sends events as they come, and a sign of life in between.
pub(crate) fn sse(events: impl Stream<Item = Event> + Send + 'static, end: StreamEnd) -> Response {
    let bounded = events.take_until(Box::pin(end.wait())).map(Ok::<_, Infallible>);
    let mut response = Sse::new(bounded).keep_alive(KeepAlive::default()).into_response();
    // A proxy that collects bytes would hold events up.
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}
