//! Where a call comes from: what changes something by a cookie must come from our own page.

use axum::http::request::Parts;
use axum::http::{Method, header};

use crate::error::ApiError;
use crate::settings::HttpSettings;

/// What the browser says about the page that makes the call.
enum From {
    Ours,
    Foreign,
    /// It says nothing, so it is no browser of this decade.
    Unsaid,
}

/// Refuses a call that changes something unless the browser says that our own page makes it.
pub(crate) fn must_be_ours(parts: &Parts, settings: &HttpSettings) -> Result<(), ApiError> {
    if changes_nothing(&parts.method) {
        return Ok(());
    }
    match origin(parts, settings) {
        From::Ours => Ok(()),
        From::Foreign | From::Unsaid => Err(refused()),
    }
}

/// Refuses a call that changes something where the browser says that another page makes it.
pub(crate) fn must_not_be_foreign(parts: &Parts, settings: &HttpSettings) -> Result<(), ApiError> {
    if changes_nothing(&parts.method) {
        return Ok(());
    }
    match origin(parts, settings) {
        From::Ours | From::Unsaid => Ok(()),
        From::Foreign => Err(refused()),
    }
}

const fn changes_nothing(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn origin(parts: &Parts, settings: &HttpSettings) -> From {
    let said = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    match said("sec-fetch-site") {
        Some("same-origin" | "none") => return From::Ours,
        Some(_) => return From::Foreign,
        None => {}
    }
    let Some(origin) = said(header::ORIGIN.as_str()) else {
        return From::Unsaid;
    };
    let of_host = said(header::HOST.as_str())
        .is_some_and(|host| origin == format!("http://{host}") || origin == format!("https://{host}"));
    if of_host || origin == settings.external_url.origin().ascii_serialization() {
        From::Ours
    } else {
        From::Foreign
    }
}

fn refused() -> ApiError {
    ApiError::forbidden("The call comes from a page of another server, so it is not believed to be yours.")
        .fix("Do it on Keirin's own page; a program sends an API token in place of the cookie.")
}
