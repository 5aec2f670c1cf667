//! Projects: list, make, change, remove, and their branches.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use keirin_git::RepositoryUrl;
use keirin_model::ProjectId;
use keirin_model::access::Role;
use keirin_store::projects::{NamedRepository, NewProject, ProjectChange};
use keirin_store::views::{ProjectFilter, ProjectRef, VisibleProjects};
use keirin_wire::api::{Branch, ChangeProject, CreateProject, Credential, Page, Project};

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::{Caller, RequestProject};
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::paging::{self, PageQuery};
use crate::{credentials, repository};

/// The name of the default branch until the repository has been read; nobody sees it before.
const DEFAULT_BRANCH: &str = "main";

/// List projects
///
/// Those that the caller may see, by name.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", params(PageQuery), responses((status = 200, body = Page<Project>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Project>>, ApiError> {
    let sight = caller.sight(&app.store).await?;
    let after = query.after_name();
    let which = ProjectFilter::Page {
        after: after.as_deref(),
        limit: query.limit() + 1,
    };
    let projects = app.store.project_views(&sight, which).await?;
    let cursor = |project: &Project| project.name.clone();
    Ok(Json(paging::page(
        projects,
        query.limit(),
        cursor,
        |mut project| {
            show_to(&caller, &mut project);
            project
        },
    )))
}

/// Make a project
///
/// A path on the server as its repository takes an admin.
#[utoipa::path(post, path = "/api/v1/projects", tag = "projects", request_body = CreateProject, responses((status = 201, body = Project)))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    note: AuditNote,
    Json(wanted): Json<CreateProject>,
) -> Result<(StatusCode, Json<Project>), ApiError> {
    note.detail("name", &wanted.name);
    note.detail("public", wanted.public);
    if wanted.credential.is_some() {
        note.detail("credential", "set");
    }
    keirin_model::project::check_project_name(&wanted.name)
        .map_err(|error| ApiError::invalid(format!("{error}."), "Choose another name."))?;
    let repository = repository::checked(&caller, &wanted.repository)?;
    note.detail("repository", repository.as_str());
    let file = wanted.workflow_file.as_deref();
    let workflow_file = file.map(repository::checked_file).transpose()?;
    let new = NewProject {
        name: &wanted.name,
        repository: named_by(&caller, &repository),
        workflow_file: workflow_file.as_deref(),
        public: wanted.public,
        default_branch: DEFAULT_BRANCH,
    };
    let (project, _) = app.store.create_project(&new, app.outside.now()).await?;
    note.project(project.id, &wanted.name);
    if let Err(error) = begin(&app, project.id, wanted.credential.as_ref()).await {
        // Whoever is told that it failed tries again, and must find the name free.
        app.store.delete_project(project.id).await?;
        return Err(error);
    }
    Ok((StatusCode::CREATED, Json(view(&app, &caller, project.id).await?)))
}

/// Show a project
#[utoipa::path(get, path = "/api/v1/projects/{project}", tag = "projects", params(("project" = String, Path)), responses((status = 200, body = Project)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    caller: Caller,
) -> Result<Json<Project>, ApiError> {
    Ok(Json(view(&app, &caller, place.project).await?))
}

/// Change a project
///
/// A new repository drops the stored credential, so that nobody can have it sent to a server of their own.
#[utoipa::path(patch, path = "/api/v1/projects/{project}", tag = "projects", params(("project" = String, Path)), request_body = ChangeProject, responses((status = 200, body = Project)))]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    caller: Caller,
    note: AuditNote,
    Json(wanted): Json<ChangeProject>,
) -> Result<Json<Project>, ApiError> {
    let repository = wanted.repository.as_deref();
    let repository = repository
        .map(|address| repository::checked(&caller, address))
        .transpose()?;
    note.detail_of("public", wanted.public);
    note.detail_of("workflow_file", wanted.workflow_file.as_deref());
    let address = repository.as_ref().map(|repository| repository.as_str());
    note.detail_of("repository", address);
    let workflow_file = match wanted.workflow_file.as_deref() {
        None => None,
        Some("") => Some(None),
        Some(file) => Some(Some(repository::checked_file(file)?)),
    };
    let change = ProjectChange {
        repository: repository
            .as_ref()
            .map(|repository| named_by(&caller, repository)),
        workflow_file: workflow_file.as_ref().map(Option::as_deref),
        public: wanted.public,
    };
    app.work.change_project(place.project, &change).await?;
    Ok(Json(view(&app, &caller, place.project).await?))
}

/// Remove a project
///
/// With its flows, their logs and all they left, once none of them is under way. It cannot be undone.
#[utoipa::path(delete, path = "/api/v1/projects/{project}", tag = "projects", params(("project" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
) -> Result<StatusCode, ApiError> {
    app.store.delete_project(place.project).await?;
    app.work.project_changed(place.project).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Store a project's credential
///
/// In place of the one before. It is encrypted and never shown.
#[utoipa::path(put, path = "/api/v1/projects/{project}/credential", tag = "projects", params(("project" = String, Path)), request_body = Credential, responses((status = 204)))]
pub(crate) async fn set_credential(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
    Json(credential): Json<Credential>,
) -> Result<StatusCode, ApiError> {
    store_credential(&app, place.project, &credential).await?;
    app.work.project_changed(place.project).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forget a project's credential
#[utoipa::path(delete, path = "/api/v1/projects/{project}/credential", tag = "projects", params(("project" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove_credential(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
) -> Result<StatusCode, ApiError> {
    app.store.set_project_credential(place.project, None).await?;
    app.work.project_changed(place.project).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List a project's branches
///
/// The default one first, then those with the newest flows, and last those that the repository has no more.
#[utoipa::path(get, path = "/api/v1/projects/{project}/branches", tag = "projects", params(("project" = String, Path)), responses((status = 200, body = Page<Branch>)))]
pub(crate) async fn branches(
    State(app): State<Arc<App>>,
    RequestProject(place): RequestProject,
) -> Result<Json<Page<Branch>>, ApiError> {
    Ok(Json(Page::all(app.store.branch_views(place.project).await?)))
}

async fn begin(app: &App, project: ProjectId, credential: Option<&Credential>) -> Result<(), ApiError> {
    if let Some(credential) = credential {
        store_credential(app, project, credential).await?;
    }
    Ok(app.work.project_created(project).await?)
}

fn named_by<'a>(caller: &Caller, repository: &'a RepositoryUrl) -> NamedRepository<'a> {
    NamedRepository {
        address: repository.as_str(),
        by_admin: caller.server_role() == Some(Role::Admin),
    }
}

async fn store_credential(app: &App, project: ProjectId, credential: &Credential) -> Result<(), ApiError> {
    let sealed = credentials::seal(&app.keys, project, credential, &app.outside)?;
    Ok(app.store.set_project_credential(project, Some(&sealed)).await?)
}

async fn view(app: &App, caller: &Caller, project: ProjectId) -> Result<Project, ApiError> {
    let mut projects = app
        .store
        .project_views(&VisibleProjects::All, ProjectFilter::One(project))
        .await?;
    let mut project = projects
        .pop()
        .ok_or_else(|| ApiError::not_found("such project"))?;
    show_to(caller, &mut project);
    Ok(project)
}

/// Fills in what this caller may do there, and leaves out what they may not know.
fn show_to(caller: &Caller, project: &mut Project) {
    let place = ProjectRef {
        project: project.id,
        name: project.name.clone(),
        public: project.public,
    };
    project.role = caller.role_in(&place).unwrap_or(Role::Viewer);
    if project.role < Role::Maintainer {
        project.repository = repository::without_path(&project.repository);
    }
}
