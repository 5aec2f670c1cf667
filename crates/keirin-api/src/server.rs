//! The whole router: routes, the gate, limits, headers, compression, the page, the sub-path.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, Version};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate as _, SizeAbove};
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;

use crate::app::App;
use crate::error::ApiError;
use crate::gate::gate;
use crate::http_figures::measure;
use crate::pages::{page, policy};
use crate::request_body::bound_body;
use crate::routes::routes;

/// The header that names a request in the server's log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most bytes of a text that becomes part of a problem document.
const MOST_OF_REASON: usize = 4096;

/// What fits into one packet is not compressed: it would take time, and save none.
const ONE_PACKET: u64 = 1400;

/// The router of the whole HTTP layer.
pub fn router(app: &Arc<App>) -> Router {
    let router = routes(&app.settings)
        .into_router()
        .fallback(page)
        .layer(middleware::from_fn_with_state(Arc::clone(app), gate))
        .layer(middleware::from_fn(bound_body))
        .layer(middleware::map_response(as_problem))
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(ONE_PACKET).and(compresses_well)))
        .layer(middleware::from_fn_with_state(Arc::clone(app), secure))
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::internal("a handler panicked").into_response()
        }))
        .layer(middleware::from_fn_with_state(Arc::clone(app), measure))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_request(())
                .on_response(answered)
                .on_failure(()),
        )
        .layer(SetRequestIdLayer::new(REQUEST_ID, DrawnId(Arc::clone(app))))
        .with_state(Arc::clone(app));
    below(app.settings.base().to_owned(), router)
}

/// Serves a router below a sub-path. A proxy may take the sub-path off or leave it on: both lead to the same place.
fn below(base: String, router: Router) -> Router {
    if base.is_empty() {
        return router;
    }
    let stripped = router.map_request(move |mut request: Request| {
        if let Some(uri) = strip(&base, request.uri()) {
            *request.uri_mut() = uri;
        }
        request
    });
    Router::new().fallback_service(stripped)
}

fn strip(base: &str, uri: &Uri) -> Option<Uri> {
    let rest = uri.path().strip_prefix(base)?;
    let path = match rest {
        "" => "/",
        rest if rest.starts_with('/') => rest,
        _ => return None,
    };
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    target.parse().ok()
}

/// Names every request at random. A name that a caller brings along is replaced: it could be anything.
#[derive(Clone)]
struct DrawnId(Arc<App>);

impl MakeRequestId for DrawnId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let number = u64::from_be_bytes(self.0.outside.random::<8>());
        HeaderValue::from_str(&format!("{number:016x}"))
            .ok()
            .map(RequestId::new)
    }
}

/// Of the address only the route's pattern is logged: the address itself may hold a secret.
fn span(request: &Request) -> tracing::Span {
    let route = request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or("page", |path| path.as_str());
    let id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    tracing::info_span!("request", method = %request.method(), route, id)
}

fn answered(response: &Response, took: Duration, _: &tracing::Span) {
    tracing::debug!(
        status = response.status().as_u16(),
        milliseconds = took.as_millis() as u64,
        "answered"
    );
}

/// Text is worth compressing; streams of events are not, since they would be held up.
fn compresses_well(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind {
        "text/event-stream" => false,
        "application/json" | "application/problem+json" | "application/javascript" | "image/svg+xml" => true,
        kind => kind.starts_with("text/"),
    }
}

/// What goes wrong before a handler runs, as a body that is too large for its extractor, is a problem document too.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if ["application/problem+json", "application/json", "text/html"]
        .iter()
        .any(|known| kind.starts_with(known))
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, MOST_OF_REASON)
        .await
        .unwrap_or_default();
    let problem = ApiError::of_status(status, &String::from_utf8_lossy(&text));
    for header in [CONTENT_TYPE, CONTENT_LENGTH] {
        parts.headers.remove(header);
    }
    let mut response = problem.into_response();
    response.headers_mut().extend(parts.headers);
    response
}

/// Headers that every answer has.
async fn secure(
    axum::extract::State(app): axum::extract::State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    // What is answered to one caller is no other's.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    headers
        .entry(REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("same-origin"));
    if !headers.contains_key(CONTENT_SECURITY_POLICY)
        && let Ok(policy) = HeaderValue::from_str(&policy(""))
    {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if app.settings.external_url.scheme() == "https" {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    response
}
