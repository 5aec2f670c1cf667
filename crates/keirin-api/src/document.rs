//! The OpenAPI document, and the page that shows it.

mod render;

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use keirin_wire::api::{Problem, QueryRefusal};
use utoipa::openapi::{Content, OpenApi, RefOr, Response as Answer};
use utoipa::{OpenApi as _, PartialSchema as _, ToSchema};

use crate::app::App;
use crate::extract::Json;
use crate::pages::policy;
use crate::route_table::{documented, operation_id};

/// The look of the page, in a file of its own so that the browser need not trust any style within it.
const STYLE: &str = include_str!("document/style.css");

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Keirin",
    description = "The HTTP API of Keirin. Ids are strings, times are RFC 3339 in UTC, lists come by the page, and \
        every error is a problem document (RFC 9457) that says what to do. Programs send an API token as \
        `Authorization: Bearer TOKEN`; the page uses a cookie."
))]
struct Head;

/// The document. It is the same for every server of this version, so it stands in the repository too.
pub fn document() -> &'static OpenApi {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(make);
    &DOCUMENT
}

fn make() -> OpenApi {
    let mut document = documented().clone();
    document.info = Head::openapi().info;
    document.info.version = "1".to_owned();
    if let Some(components) = &mut document.components {
        components
            .schemas
            .insert(Problem::name().into_owned(), Problem::schema());
        components
            .schemas
            .insert(QueryRefusal::name().into_owned(), QueryRefusal::schema());
        let mut schemas = Vec::new();
        Problem::schemas(&mut schemas);
        QueryRefusal::schemas(&mut schemas);
        components.schemas.extend(schemas);
    }
    // The router's way to say "everything that is left" is none that OpenAPI knows.
    document.paths.paths = std::mem::take(&mut document.paths.paths)
        .into_iter()
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
    let problem = Content::new(Some(utoipa::openapi::Ref::from_schema_name("Problem")));
    let as_prometheus = Content::new(Some(utoipa::openapi::Ref::from_schema_name("QueryRefusal")));
    for (path, item) in &mut document.paths.paths {
        // Clients of Prometheus read what is wrong with a query in its own shape; the gate speaks before it.
        let speaks_prometheus = path.starts_with("/prometheus/api/") || path == "/api/v1/explain";
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            operation.operation_id = operation_id(operation);
            let mut answer = Answer::new("What went wrong, and what to do.");
            answer
                .content
                .insert("application/problem+json".to_owned(), RefOr::T(problem.clone()));
            if speaks_prometheus {
                answer
                    .content
                    .insert("application/json".to_owned(), RefOr::T(as_prometheus.clone()));
            }
            operation
                .responses
                .responses
                .insert("default".to_owned(), RefOr::T(answer));
        }
    }
    document
}

/// The document in JSON, as it stands in the repository.
///
/// # Errors
/// It cannot be written as JSON, which no document of ours does.
pub fn document_text() -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(document())?;
    text.push('\n');
    Ok(text)
}

/// The document.
pub(crate) async fn json() -> Json<&'static OpenApi> {
    Json(document())
}

/// The page that shows the document.
pub(crate) async fn page(State(app): State<Arc<App>>) -> Response {
    static PAGE: LazyLock<String> = LazyLock::new(|| {
        let document = serde_json::to_value(document()).unwrap_or_default();
        render::page(&document)
    });
    let headers = [
        (CACHE_CONTROL, "no-cache".to_owned()),
        (CONTENT_SECURITY_POLICY, policy("")),
    ];
    let html = PAGE.replace("{base}", app.settings.base());
    (headers, Html(html)).into_response()
}

/// The page's look.
pub(crate) async fn style() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/css"), (CACHE_CONTROL, "max-age=3600")],
        STYLE,
    )
}
