//! Serving the mirrors of repositories to agents.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use keirin_git::{GitError, Mirror, RepositoryUrl, Served};
use keirin_model::ProjectId;

use crate::app::App;
use crate::credentials;
use crate::error::ApiError;
use crate::work::WorkError;

/// The references of a project's mirror.
pub(crate) async fn refs(app: &App, project: ProjectId, headers: &HeaderMap) -> Result<Response, ApiError> {
    let mirror = mirror(app, project).await?;
    Ok(answer(mirror.serve_info_refs(protocol(headers)).await?))
}

/// The objects that an agent asks for.
pub(crate) async fn pack(
    app: &App,
    project: ProjectId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let mirror = mirror(app, project).await?;
    let served = mirror
        .serve_upload_pack(protocol(headers), body.into_data_stream())
        .await?;
    Ok(answer(served))
}

/// The mirror of a project's repository. It is named by the project's id, which stays when the project is renamed.
pub(crate) async fn mirror(app: &App, project: ProjectId) -> Result<Mirror, ApiError> {
    let access = app.store.repository_access(project).await?;
    let url = RepositoryUrl::parse(&access.address).map_err(ApiError::internal)?;
    let sealed = access.credential;
    let credential = sealed.map(|sealed| credentials::open(&app.keys, project, &sealed));
    let credential = credential.transpose().map_err(ApiError::internal)?;
    let named_by = keirin_controller::named_by(access.named_by_admin);
    Ok(app
        .mirrors
        .mirror(&project.to_string(), url, credential, named_by)?)
}

fn protocol(headers: &HeaderMap) -> Option<&str> {
    headers.get("git-protocol")?.to_str().ok()
}

fn answer(served: Served) -> Response {
    let headers = [(CONTENT_TYPE, served.content_type), (CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(served.body)).into_response()
}

impl From<GitError> for ApiError {
    fn from(error: GitError) -> Self {
        match error {
            GitError::NotMirrored { .. } => Self::not_found("mirror of the repository yet"),
            error => WorkError::from(error).into(),
        }
    }
}
