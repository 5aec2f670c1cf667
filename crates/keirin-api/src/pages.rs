//! The web page's files, built into the program.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::error::ApiError;

/// What `npm run build` makes. A build for development reads the folder anew at each request.
#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Built;

/// Whether the web page is in this program.
pub fn page_is_built() -> bool {
    Built::get("index.html").is_some()
}

/// Shown where the page has not been built.
const NOT_BUILT: &str = include_str!("pages/not_built.html");

/// The scripts that stand in the page itself, as the browser is told to trust them: by their hashes.
static INLINE_SCRIPTS: LazyLock<String> = LazyLock::new(|| {
    let index = Built::get("index.html").map(text).unwrap_or_default();
    inline_scripts(&index)
});

/// The addresses that the page makes sense of, as its router writes them: a part with `$` stands for anything.
const PAGES: &[&str] = &[
    "/",
    "/agents",
    "/dashboards",
    "/dashboards/$uid",
    "/data",
    "/explore",
    "/facts",
    "/flows/$flow",
    "/insights",
    "/insights/$insight",
    "/jobs/$job",
    "/logs",
    "/projects",
    "/projects/$project",
    "/projects/$project/branches/$branch",
    "/projects/$project/branches/$branch/workflow",
    "/projects/$project/settings",
    "/projects/$project/start",
    "/projects/new",
    "/queue",
    "/runs/$run",
    "/settings/audit-log",
    "/settings/background-jobs",
    "/settings/password",
    "/settings/storage",
    "/settings/tokens",
    "/settings/users",
    "/sign-in",
    "/targets",
];

/// Whether the page makes sense of this address.
fn is_page(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    PAGES.iter().any(|page| {
        let mut parts = path.split('/');
        let pattern = page.trim_end_matches('/').split('/');
        let matches = pattern.into_iter().all(|wanted| {
            let part = parts.next();
            part.is_some_and(|part| part == wanted || (wanted.starts_with('$') && !part.is_empty()))
        });
        matches && parts.next().is_none()
    })
}

/// Whether somebody looks at the answer: a browser that goes to an address says that it wants a page.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/html"))
}

/// Answers what no route answers: a file of the page, or the page itself for addresses that it makes sense of. For
/// others a person gets the page too, which says that there is nothing; a program is told so.
pub(crate) async fn page(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let path = uri.path().trim_start_matches('/');
    let of_program = ["api/", "agent/", "git/", "webhooks/", "prometheus/"];
    if of_program.iter().any(|prefix| path.starts_with(prefix)) {
        return Err(ApiError::not_found("such address").fix("`/api/docs` lists the addresses."));
    }
    let is_page = is_page(uri.path());
    let is_file = !path.is_empty() && path != "index.html" && Built::get(path).is_some();
    if !is_page && !is_file && (!wants_page(&headers) || path.starts_with("assets/")) {
        return Err(ApiError::not_found("such address").fix("`/api/docs` lists the addresses."));
    }
    if method != Method::GET && method != Method::HEAD {
        return Err(ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong-method",
            "This address is a page; it can be read only.",
        ));
    }
    match Built::get(path) {
        Some(file) if is_file => Ok(send(path, file, &headers)),
        _ if is_page => Ok(index(&app)),
        _ => Ok((StatusCode::NOT_FOUND, index(&app)).into_response()),
    }
}

fn index(app: &App) -> Response {
    match Built::get("index.html") {
        Some(file) => {
            // The page says where it lies; below a sub-path that is somewhere else.
            let base = format!("<base href=\"{}/\" />", app.settings.base());
            let html = text(file).replacen("<base href=\"/\" />", &base, 1);
            let headers = [
                (CACHE_CONTROL, "no-cache".to_owned()),
                (CONTENT_SECURITY_POLICY, policy(&INLINE_SCRIPTS)),
            ];
            (headers, Html(html)).into_response()
        }
        None => (StatusCode::NOT_FOUND, Html(NOT_BUILT)).into_response(),
    }
}

fn send(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", STANDARD.encode(file.metadata.sha256_hash()));
    // The names of what lies in `assets` hold a hash of what stands in it.
    let keep = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    let headers = [
        (CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (CACHE_CONTROL, keep.to_owned()),
        (ETAG, tag),
    ];
    (headers, file.data.into_owned()).into_response()
}

fn text(file: EmbeddedFile) -> String {
    String::from_utf8_lossy(&file.data).into_owned()
}

/// What the browser may load: what this server sends, and nothing else.
pub(crate) fn policy(scripts: &str) -> String {
    format!(
        "default-src 'self'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; \
         form-action 'self'; frame-ancestors 'none'"
    )
}

/// The hashes of the scripts that stand in a page, each with a space before it.
fn inline_scripts(html: &str) -> String {
    let mut hashes = String::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once("<script") {
        let Some((attributes, body)) = after.split_once('>') else {
            break;
        };
        let Some((body, after_script)) = body.split_once("</script>") else {
            break;
        };
        if !attributes.contains("src=") && !body.is_empty() {
            let hash = STANDARD.encode(Sha256::digest(body.as_bytes()));
            hashes.push_str(&format!(" 'sha256-{hash}'"));
        }
        rest = after_script;
    }
    hashes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_pages_are_those_of_the_pages_router() {
        let router = include_str!("../../../ui/src/router.tsx");
        let lines = router
            .lines()
            .filter_map(|line| line.trim().strip_prefix("path: \""));
        let routed: BTreeSet<&str> = lines.filter_map(|line| line.split('"').next()).collect();
        assert_eq!(routed, PAGES.iter().copied().collect());
    }

    #[test]
    fn an_address_is_a_page_by_its_parts() {
        for page in [
            "/",
            "/projects",
            "/projects/",
            "/projects/app",
            "/projects/app/branches/a%2Fb",
        ] {
            assert!(is_page(page), "{page}");
        }
        for other in [
            "/ping",
            "/query",
            "/nothing/like/this",
            "/projects/app/flows/3",
            "/flows",
            "//projects",
        ] {
            assert!(!is_page(other), "{other}");
        }
    }

    #[test]
    fn only_scripts_within_the_page_are_hashed() {
        let hashes = inline_scripts("<script>let a</script><script type=\"module\" src=\"x.js\"></script>");
        assert_eq!(hashes.matches("sha256-").count(), 1);
        assert_eq!(inline_scripts("<script src=x></script>"), "");
        assert_eq!(inline_scripts("<script>unfinished"), "");
    }
}
