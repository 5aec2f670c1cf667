//! Bodies of requests on their way in: slow ones are bounded in time, and what nobody has read is taken off the
//! connection, so that it can be used again.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::error::ApiError;

/// How long the server waits for a body, all waits taken together. What comes buys more, up to this.
const PATIENCE: Duration = Duration::from_secs(60);

/// What buys one second of waiting.
const BYTES_FOR_A_SECOND: u32 = 1024;

/// The most bytes that are taken off the connection when a request has been answered before its body was read.
const DRAINED_BYTES: u64 = 256 * 1024;

/// How long they may take.
const DRAINED_WITHIN: Duration = Duration::from_secs(5);

/// Bounds the time that a body takes. Where the answer was found without all of the body, the rest is read if it is
/// short; else the client is told that the connection closes.
pub(crate) async fn bound_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let waits_for_leave = parts.headers.contains_key(EXPECT);
    let too_slow = Arc::new(AtomicBool::new(false));
    let (rest_sender, mut rest_receiver) = oneshot::channel();
    let paced = PacedBody {
        body,
        pace: Pace::default(),
        is_begun: false,
        too_slow: Arc::clone(&too_slow),
        rest_sender: Some(rest_sender),
    };
    let request = Request::from_parts(parts, Body::new(paced));
    let response = next.run(request).await;
    if too_slow.load(Ordering::Relaxed) {
        return closing(body_too_slow().into_response());
    }
    // Where there is none, it has been read to its end, or is being read still.
    let Ok(rest) = rest_receiver.try_recv() else {
        return response;
    };
    // A client that waits for leave to send its body has sent none.
    let is_unsent = waits_for_leave && !rest.is_begun;
    if !is_unsent && drain(rest.body).await {
        response
    } else {
        closing(response)
    }
}

fn body_too_slow() -> ApiError {
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        "body-too-slow",
        format!(
            "The body of the request came too slowly: the server waited {} s for it.",
            PATIENCE.as_secs()
        ),
    )
    .fix("Send it again over a better connection, or in smaller parts.")
}

fn closing(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Reads a body to its end; says whether it was short enough for that.
async fn drain(body: Body) -> bool {
    if body.size_hint().lower() > DRAINED_BYTES {
        return false;
    }
    let read = async {
        let mut read = 0;
        let mut stream: BodyDataStream = body.into_data_stream();
        while let Some(Ok(bytes)) = stream.next().await {
            read += bytes.len() as u64;
            if read > DRAINED_BYTES {
                return false;
            }
        }
        true
    };
    timeout(DRAINED_WITHIN, read).await.unwrap_or(false)
}

/// How much longer the server waits for a body.
struct Pace {
    left: Duration,
    /// Since when it waits, and until when.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            left: PATIENCE,
            waiting: None,
        }
    }
}

impl Pace {
    /// Nothing has come yet; ready when that has been so for too long.
    fn poll_waited(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = self.left;
        let (_, until) = self
            .waiting
            .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        until.as_mut().poll(context)
    }

    /// So many bytes have come.
    fn came(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let bought = Duration::from_secs(1) * bytes / BYTES_FOR_A_SECOND;
        self.left = (self.left + bought).min(PATIENCE);
    }
}

/// What is left of a body that nobody reads any more.
struct Rest {
    body: Body,
    /// Whether any of it has been asked for.
    is_begun: bool,
}

/// A body that fails when it comes too slowly, and is given back when it is dropped before its end.
struct PacedBody {
    body: Body,
    pace: Pace,
    is_begun: bool,
    too_slow: Arc<AtomicBool>,
    rest_sender: Option<oneshot::Sender<Rest>>,
}

impl HttpBody for PacedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_begun = true;
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Pending => {
                if self.pace.poll_waited(context).is_ready() {
                    self.too_slow.store(true, Ordering::Relaxed);
                    let error = io::Error::from(io::ErrorKind::TimedOut);
                    return Poll::Ready(Some(Err(axum::Error::new(error))));
                }
            }
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.pace.came(bytes);
            }
            // There is nothing left to give back.
            Poll::Ready(None | Some(Err(_))) => self.rest_sender = None,
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        if self.body.is_end_stream() {
            return;
        }
        if let Some(rest_sender) = self.rest_sender.take() {
            let rest = Rest {
                body: std::mem::take(&mut self.body),
                is_begun: self.is_begun,
            };
            // Nobody may be left who would have it.
            drop(rest_sender.send(rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    /// A body that comes in pieces of so many bytes, each after this pause.
    fn dripping(pieces: usize, bytes: usize, pause: Duration) -> PacedBody {
        let pieces = stream::iter(0..pieces).then(move |_| async move {
            sleep(pause).await;
            Ok::<_, io::Error>(Bytes::from(vec![b' '; bytes]))
        });
        PacedBody {
            body: Body::from_stream(pieces),
            pace: Pace::default(),
            is_begun: false,
            too_slow: Arc::default(),
            rest_sender: None,
        }
    }

    async fn comes_through(body: PacedBody) -> bool {
        axum::body::to_bytes(Body::new(body), usize::MAX).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_is_too_slow() {
        let second = Duration::from_secs(1);
        assert!(
            comes_through(dripping(50, 1, second)).await,
            "there is some patience"
        );
        assert!(!comes_through(dripping(1_000, 1, second)).await);
        assert!(!comes_through(dripping(10, 1, second * 59)).await);
        assert!(!comes_through(dripping(1, 1_000_000, second * 61)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_may_take_as_long_as_it_needs() {
        let body = dripping(10_000, 2048, Duration::from_secs(1));
        assert!(comes_through(body).await);
        let body = dripping(50, 100_000, Duration::from_secs(59));
        assert!(comes_through(body).await);
    }
}
