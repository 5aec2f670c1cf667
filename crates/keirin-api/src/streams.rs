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
use crate::connections::{AddressPrefix, AnonymousStream, EventStreams, StreamHolder, StreamShare};
use crate::error::ApiError;
use crate::gate::address;

/// After this long a stream ends, so that who follows it is asked again what they may see.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// After how many seconds it is worth while to ask for a stream again where one has as many as one may.
const ASK_AGAIN_SECONDS: u64 = 30;

/// How long the stream of a caller may last, and what it takes of their shares until then: whom nobody knows has to give
/// way to others of the kind.
#[derive(Debug, Default)]
pub(crate) struct StreamEnd {
    anonymous: Option<AnonymousStream>,
    _shares: Vec<StreamShare>,
}

impl StreamEnd {
    async fn wait(mut self) {
        let evicted = async {
            match &mut self.anonymous {
                Some(stream) => stream.evicted().await,
                None => std::future::pending().await,
            }
        };
        // Whichever comes first.
        drop(tokio::time::timeout(LONGEST, evicted).await);
    }
}

impl FromRequestParts<Arc<App>> for StreamEnd {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        // There is none where a call comes by no connection.
        let Some(streams) = parts.extensions.get::<Arc<EventStreams>>() else {
            return Ok(Self::default());
        };
        let holders = match &caller.who {
            Who::Nobody => {
                let from = AddressPrefix::of(address(parts, &app.settings.trusted_proxies));
                return Ok(Self {
                    anonymous: Some(streams.admit_anonymous(from)),
                    _shares: Vec::new(),
                });
            }
            Who::Session { user, .. } => vec![StreamHolder::Account(user.id)],
            Who::Token { user, id, .. } => vec![StreamHolder::Token(*id), StreamHolder::Account(user.id)],
            // They have no routes that stream events.
            Who::Agent(_) | Who::Job(_) => Vec::new(),
        };
        let shares = holders.into_iter().map(|holder| {
            let share = streams.admit(holder);
            share.map_err(|most| too_many_streams(holder, most))
        });
        Ok(Self {
            anonymous: None,
            _shares: shares.collect::<Result<_, _>>()?,
        })
    }
}

fn too_many_streams(holder: StreamHolder, most: usize) -> ApiError {
    let who = match holder {
        StreamHolder::Account(_) => "Your account",
        StreamHolder::Token(_) => "This token",
    };
    let streams = if most == 1 { "stream" } else { "streams" };
    let detail =
        format!("{who} may follow {most} {streams} of events and logs at once, and does so already.");
    ApiError::too_many(detail, ASK_AGAIN_SECONDS).fix(
        "Close a page or end a program that follows events or logs. How many there may be goes by the server's setting \
         `connections_per_address`.",
    )
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
