//! Calls that may change something come to their end although their callers hang up: one change of several would be left half
//! done, or be told to nobody.

use std::sync::Arc;

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::error::ApiError;
use crate::work::WorkError;

/// What only reads, though it is sent by `POST`, and a claim, whose caller must still be there when a job is found.
const END_WITH_THEIR_CALLER: &[&str] = &[
    "/agent/v1/claim",
    "/git/{project}/git-upload-pack",
    "/prometheus/api/v1/query",
    "/prometheus/api/v1/query_range",
    "/prometheus/api/v1/series",
    "/prometheus/api/v1/labels",
];

/// Whether nothing is lost by a call of this kind that is dropped halfway.
pub(crate) fn ends_with_its_caller(parts: &Parts) -> bool {
    let path = parts
        .extensions
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    parts.method.is_safe() || END_WITH_THEIR_CALLER.contains(&path)
}

/// Has a call come to its end that may change several things, also when its caller hangs up meanwhile.
pub(crate) async fn finish(
    places: &Arc<Semaphore>,
    call: impl Future<Output = Response> + Send + 'static,
) -> Response {
    // Those whose callers have left are bounded too. It is never closed.
    let Ok(place) = Arc::clone(places).acquire_owned().await else {
        return ApiError::internal("calls are taken no more").into_response();
    };
    let call = async move {
        let response = call.await;
        drop(place);
        response
    };
    match tokio::spawn(call.in_current_span()).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => ApiError::from(WorkError::Unavailable("The server stops.".to_owned())).into_response(),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use axum::http::StatusCode;
    use tokio::sync::oneshot;

    use super::*;
    use crate::permission;

    #[tokio::test]
    async fn a_call_whose_caller_has_left_comes_to_its_end_and_gives_its_place_back() {
        let places = Arc::new(Semaphore::new(1));
        let (go_on, halfway) = oneshot::channel::<()>();
        let (done, ended) = oneshot::channel();
        let call = async move {
            halfway.await.unwrap();
            done.send("done").unwrap();
            StatusCode::OK.into_response()
        };
        let mut call = Box::pin(finish(&places, call));
        let is_under_way = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await;
        assert!(is_under_way);
        drop(call);
        // One more would wait for its turn.
        let next = finish(&places, async { StatusCode::OK.into_response() });
        let mut next = pin!(next);
        assert!(poll_fn(|context| Poll::Ready(next.as_mut().poll(context).is_pending())).await);
        go_on.send(()).unwrap();
        assert_eq!(ended.await, Ok("done"));
        assert_eq!(next.await.status(), StatusCode::OK);
    }

    #[test]
    fn those_that_end_with_their_caller_are_routes() {
        for path in END_WITH_THEIR_CALLER {
            assert!(permission::need("POST", path).is_some(), "{path}");
        }
    }
}
