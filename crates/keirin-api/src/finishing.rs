//! Calls that may change something come to their end although their callers hang up: one change of several would be left half
//! done, or be told to nobody.

use std::sync::{Arc, OnceLock};

use axum::response::{IntoResponse as _, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::error::ApiError;
use crate::work::WorkError;

/// How many calls go on at once whose callers have left; one more is dropped with its caller. Whose caller is there is bounded by
/// the connections.
const MOST_ABANDONED: usize = 1000;

/// The calls that may change something.
pub(crate) struct ChangingCalls {
    tasks: TaskTracker,
    abandoned: Arc<Semaphore>,
}

impl Default for ChangingCalls {
    fn default() -> Self {
        Self::with_places(MOST_ABANDONED)
    }
}

impl ChangingCalls {
    fn with_places(most: usize) -> Self {
        Self {
            tasks: TaskTracker::new(),
            abandoned: Arc::new(Semaphore::new(most)),
        }
    }

    /// Has a call come to its end, also when its caller hangs up meanwhile.
    pub(crate) async fn finish(&self, call: impl Future<Output = Response> + Send + 'static) -> Response {
        let place = Arc::new(OnceLock::new());
        let held = Arc::clone(&place);
        let call = async move {
            let response = call.await;
            drop(held);
            response
        };
        let task = self.tasks.spawn(call.in_current_span());
        let _guard = CallGuard {
            abandoned: &self.abandoned,
            place,
            call: task.abort_handle(),
        };
        match task.await {
            Ok(response) => response,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => {
                    ApiError::from(WorkError::Unavailable("The server stops.".to_owned())).into_response()
                }
            },
        }
    }

    /// Waits until all calls are over. To be called when no more come.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Held by whoever waits for a call.
struct CallGuard<'a> {
    abandoned: &'a Arc<Semaphore>,
    /// Holds the place of the call once nobody waits for it any more, and goes with the call.
    place: Arc<OnceLock<OwnedSemaphorePermit>>,
    call: AbortHandle,
}

impl Drop for CallGuard<'_> {
    fn drop(&mut self) {
        if self.call.is_finished() {
            return;
        }
        match Arc::clone(self.abandoned).try_acquire_owned() {
            // It is empty, because there is one caller.
            Ok(place) => drop(self.place.set(place)),
            Err(_) => self.call.abort(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::future::poll_fn;
    use std::task::Poll;

    use axum::http::StatusCode;
    use tokio::sync::oneshot;

    use super::*;

    /// A call that waits for a word and then says that it is done; and its caller, who has left halfway.
    async fn abandoned(calls: &ChangingCalls) -> (oneshot::Sender<()>, oneshot::Receiver<()>) {
        let (go_on, halfway) = oneshot::channel();
        let (done, ended) = oneshot::channel();
        let call = async move {
            halfway.await.unwrap();
            done.send(()).unwrap();
            StatusCode::OK.into_response()
        };
        let mut call = Box::pin(calls.finish(call));
        let is_under_way = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await;
        assert!(is_under_way);
        (go_on, ended)
    }

    #[tokio::test]
    async fn a_call_whose_caller_has_left_comes_to_its_end() {
        let calls = ChangingCalls::default();
        let (go_on, ended) = abandoned(&calls).await;
        go_on.send(()).unwrap();
        assert_eq!(ended.await, Ok(()));
        calls.ended().await;
    }

    #[tokio::test]
    async fn only_so_many_go_on_without_a_caller_and_none_keeps_others_waiting() {
        let calls = ChangingCalls::with_places(1);
        let (first_goes_on, first) = abandoned(&calls).await;
        let (_goes_on, second) = abandoned(&calls).await;
        assert!(second.await.is_err(), "there was no place for it");
        // Those who are there need none.
        let answer = calls.finish(async { StatusCode::OK.into_response() }).await;
        assert_eq!(answer.status(), StatusCode::OK);
        first_goes_on.send(()).unwrap();
        assert_eq!(first.await, Ok(()));
        calls.ended().await;
        let (third_goes_on, third) = abandoned(&calls).await;
        third_goes_on.send(()).unwrap();
        assert_eq!(third.await, Ok(()), "the place was given back");
    }
}
