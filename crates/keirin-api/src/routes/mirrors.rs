//! Mirrors of repositories, for agents to fetch from: git's smart HTTP protocol, reading only.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use crate::app::App;
use crate::caller::RequestProject;
use crate::error::ApiError;
use crate::extract::Query;
use crate::serving;

/// What git says that it wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Wants {
    service: Option<String>,
}

/// The references of a project's mirror.
pub(crate) async fn refs(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    headers: HeaderMap,
    Query(wants): Query<Wants>,
) -> Result<Response, ApiError> {
    if wants.service.as_deref() != Some("git-upload-pack") {
        return Err(
            ApiError::forbidden("The mirror is for reading only.").fix("Push to the repository itself.")
        );
    }
    serving::refs(&app, place.project, &headers).await
}

/// The objects that an agent asks for.
pub(crate) async fn pack(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    serving::pack(&app, place.project, &headers, body).await
}
