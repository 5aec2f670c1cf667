//! How long calls take, by route, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use keirin_model::histogram::{Histogram, MOMENT_BOUNDS};
use tokio::time::Instant;

use crate::app::App;

/// A method and the pattern of a path; the files of the page are one route.
type RouteName = (&'static str, String);

/// The calls of one route since the server started.
#[derive(Debug, Clone)]
pub(crate) struct RouteFigures {
    /// How many, by the status of the answer.
    pub(crate) answers: BTreeMap<u16, u64>,
    /// How long it took until the head of the answer was there. A body that is streamed goes on after it.
    pub(crate) durations: Histogram,
}

/// The calls of all routes.
#[derive(Debug, Default)]
pub(crate) struct HttpFigures(Mutex<BTreeMap<RouteName, RouteFigures>>);

impl HttpFigures {
    fn count(&self, route: RouteName, status: StatusCode, took: Duration) {
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = routes.entry(route).or_insert_with(|| RouteFigures {
            answers: BTreeMap::new(),
            durations: Histogram::new(MOMENT_BOUNDS),
        });
        *figures.answers.entry(status.as_u16()).or_default() += 1;
        figures.durations.observe(took);
    }

    pub(crate) fn all(&self) -> BTreeMap<RouteName, RouteFigures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Counts each call, and how long it took.
pub(crate) async fn measure(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or("page", MatchedPath::as_str).to_owned();
    let route = (known_method(request.method()), path);
    let begun = Instant::now();
    let response = next.run(request).await;
    app.http_figures.count(route, response.status(), begun.elapsed());
    response
}

/// Anybody can make methods up, and each would be series of its own.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
