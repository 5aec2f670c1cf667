//! What an answer says when something went wrong: a problem document.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keirin_model::access::Role;
use keirin_store::StoreError;
use keirin_wire::api::{Diagnostic, Problem};

use crate::work::WorkError;

/// What a problem of this status is called: the standard phrase, but for the status of what was understood and is wrong,
/// whose phrase says nothing to people.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => "Invalid request",
        _ => status.canonical_reason().unwrap_or("Error"),
    }
}

/// The type of problem that tells an agent to stop an attempt and forget it.
pub(crate) const LEASE_LOST: &str = "lease-lost";

/// An answer that is a problem document.
#[derive(Debug)]
pub struct ApiError {
    problem: Box<Problem>,
    retry_after_seconds: Option<u64>,
    challenge: &'static str,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem.fmt(formatter)
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// A problem of this kind; `kind` is a word for programs that stays the same between versions.
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            problem: Box::new(Problem {
                kind: kind.to_owned(),
                title: title(status).to_owned(),
                status: status.as_u16(),
                detail: Some(detail.into()),
                fix: None,
                diagnostics: Vec::new(),
            }),
            retry_after_seconds: None,
            challenge: "Bearer",
        }
    }

    /// What to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.problem.fix = Some(fix.into());
        self
    }

    /// The faults of a workflow file.
    #[must_use]
    pub fn diagnostics(mut self, diagnostics: Vec<Diagnostic>) -> Self {
        self.problem.diagnostics = diagnostics;
        self
    }

    /// When to try again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// How to prove oneself, for an answer that asks for it.
    #[must_use]
    pub const fn challenge(mut self, challenge: &'static str) -> Self {
        self.challenge = challenge;
        self
    }

    /// There is no such thing, or the caller may not know that there is.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            format!("There is no {what} that you may see."),
        )
    }

    /// There is nothing of this name or id, or the caller may not know of it: in the same words, so that they tell nothing.
    pub fn nothing_to_see() -> Self {
        Self::not_found("such thing")
    }

    /// It was there, and has been kept long enough.
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "gone", detail)
            .fix("How long a project keeps what stands in its settings. A flow that is pinned in time keeps all that it left.")
    }

    /// The caller has to say who they are.
    pub fn sign_in_needed() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "sign-in-needed",
            "This needs somebody who is signed in.",
        )
        .fix(
            "Sign in on the page, run `keirin login`, or send an API token as `Authorization: Bearer TOKEN`.",
        )
    }

    /// What the caller proved themselves with does not hold.
    pub fn not_accepted(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-accepted", detail)
    }

    /// The caller may not do this.
    pub fn role_needed(role: Role, place: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "role-needed",
            format!("This needs the role {role} {place}."),
        )
        .fix("Ask an admin for that role.")
    }

    /// The caller may not do this, whatever their role.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// What was sent cannot be taken.
    pub fn invalid(detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).fix(fix)
    }

    /// What was asked contradicts what is there.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// More was sent than is taken.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// What a library that reads requests says of one.
    pub(crate) fn of_status(status: StatusCode, text: &str) -> Self {
        let detail = match text.trim() {
            "" => format!("The request is not valid: {}.", title(status).to_lowercase()),
            text => sentence(text),
        };
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::too_large("The body of the request is larger than this route takes.")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(status, "unsupported-media-type", detail)
                .fix("Send what `/api/docs` names, compressed with gzip or not at all."),
            status if status.is_client_error() => {
                Self::new(status, "bad-request", detail).fix("`/api/docs` says what this route takes.")
            }
            _ => Self::internal(detail),
        }
    }

    /// Too many calls in too short a time.
    pub fn too_many(detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", detail)
            .fix(format!("Wait {retry_after_seconds} s."))
            .retry_after(retry_after_seconds)
    }

    /// It cannot be done now, but later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .fix("Try again in a few seconds.")
            .retry_after(2)
    }

    /// There is no room to keep what was sent.
    pub fn storage_full(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "storage-full", detail)
            .fix("Make room in the object storage.")
    }

    /// A fault of the server. What it is stands in the server's log alone.
    pub fn internal(error: impl fmt::Display) -> Self {
        tracing::error!(%error, "a request failed by a fault of the server");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server could not do this because of a fault of its own.",
        )
        .fix("Look for `a request failed` in the server's log, with the id in this answer's `x-request-id`.")
    }

    /// A fault of the server that people may know of. It stays until somebody mends it.
    pub fn server_fault(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server-fault", detail)
            .fix("Ask an admin; the server's log says more.")
    }

    /// The document.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&*self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(self.challenge));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::not_found(what),
            StoreError::Conflict(detail) => Self::conflict(sentence(&detail)),
            StoreError::Nul => Self::invalid("No text may hold the character NUL.", "Leave it out."),
            StoreError::Unavailable(error) => {
                tracing::warn!(%error, "the database cannot be reached");
                Self::unavailable("The server cannot reach its database at the moment.")
            }
            error => Self::internal(error),
        }
    }
}

impl From<WorkError> for ApiError {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::NotFound(what) => Self::not_found(what),
            WorkError::Conflict(detail) => Self::conflict(sentence(&detail)),
            WorkError::Forbidden(detail) => Self::forbidden(detail),
            WorkError::Invalid {
                detail,
                fix,
                diagnostics,
            } => Self::invalid(detail, fix).diagnostics(diagnostics),
            WorkError::NoBranch { detail, fix } | WorkError::Inaccessible { detail, fix } => {
                Self::invalid(detail, fix)
            }
            WorkError::LeaseLost => Self::new(
                StatusCode::CONFLICT,
                LEASE_LOST,
                "The attempt is no longer this agent's.",
            )
            .fix("Stop the job and forget it."),
            WorkError::Gap { expected } => Self::new(
                StatusCode::CONFLICT,
                "gap",
                format!("Event {expected} has to come first."),
            )
            .fix(format!("Send again from event {expected} on.")),
            WorkError::Unavailable(detail) => Self::unavailable(detail),
            WorkError::ServerFault(detail) => Self::server_fault(detail),
            WorkError::Internal(error) => Self::internal(error),
        }
    }
}

/// A text with a capital at its beginning and a full stop at its end, as people read it.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_read_is_a_sentence() {
        assert_eq!(sentence("there is no room"), "There is no room.");
        assert_eq!(sentence("There is no room."), "There is no room.");
    }
}
