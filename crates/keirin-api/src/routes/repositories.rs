//! Repositories whose history is among the facts, and imports of more of it.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use keirin_model::project::check_repository_name;
use keirin_store::StoreError;
use keirin_wire::api::{FinishImport, HistoryPart, NewFacts, Page, Repository};

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};

/// The most heads that a repository has: one for each of its tags and one more.
const MOST_HEADS: usize = 100_000;
/// The most items in one part.
const MOST_ITEMS: usize = 10_000;

/// List repositories
///
/// Those whose history is among the facts: of the projects that the caller may see, and the others for whoever may see
/// all projects.
#[utoipa::path(get, path = "/api/v1/repositories", tag = "repositories", responses((status = 200, body = Page<Repository>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Page<Repository>>, ApiError> {
    let sight = caller.sight(&app.store).await?;
    let mut repositories = app.store.repository_views(&sight, None).await?;
    for repository in &mut repositories {
        repository.heads.clear();
    }
    Ok(Json(Page::all(repositories)))
}

/// Show a repository
#[utoipa::path(get, path = "/api/v1/repositories/{repository}", tag = "repositories", params(("repository" = String, Path)), responses((status = 200, body = Repository)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    caller: Caller,
) -> Result<Json<Repository>, ApiError> {
    view(&app, &caller, &name).await.map(Json)
}

/// Add part of a repository's history
///
/// The repository is made with its first part. What is known already is passed over, so a part may be sent again. An
/// import sends whom names belong to, then everything else, and ends with its heads.
#[utoipa::path(post, path = "/api/v1/repositories/{repository}/history", tag = "repositories", params(("repository" = String, Path)), request_body = HistoryPart, responses((status = 200, body = NewFacts)))]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(part): Json<HistoryPart>,
) -> Result<Json<NewFacts>, ApiError> {
    check_name(&name)?;
    check(&part)?;
    let repository = app.store.ensure_repository(&name).await?;
    Ok(Json(app.store.add_history(repository.id, &part).await?))
}

/// End an import
///
/// Says up to where the history has been sent; the next import begins there. Where history was rewritten or tags have gone
/// or moved, what is not there any more is forgotten, and figures are counted anew.
#[utoipa::path(put, path = "/api/v1/repositories/{repository}/heads", tag = "repositories", params(("repository" = String, Path)), request_body = FinishImport, responses((status = 200, body = Repository)))]
pub(crate) async fn finish(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    caller: Caller,
    note: AuditNote,
    Json(end): Json<FinishImport>,
) -> Result<Json<Repository>, ApiError> {
    check_name(&name)?;
    if end.heads.len() > MOST_HEADS {
        return Err(too_much(&format!("{} heads", end.heads.len()), MOST_HEADS));
    }
    let tags = end.tags.as_ref().map_or(0, Vec::len);
    if tags > MOST_HEADS {
        return Err(too_much(&format!("{tags} tags"), MOST_HEADS));
    }
    note.detail("repository", &name);
    note.detail("heads", end.heads.len());
    let repository = app.store.ensure_repository(&name).await?;
    let now = app.outside.now();
    app.store.finish_import(repository.id, &end, now).await?;
    app.transforms.wake();
    view(&app, &caller, &name).await.map(Json)
}

async fn view(app: &App, caller: &Caller, name: &str) -> Result<Repository, ApiError> {
    let sight = caller.sight(&app.store).await?;
    let mut found = app.store.repository_views(&sight, Some(name)).await?;
    found
        .pop()
        .ok_or_else(|| StoreError::not_found("repository", name).into())
}

fn check_name(name: &str) -> Result<(), ApiError> {
    check_repository_name(name)
        .map_err(|error| ApiError::invalid(format!("{error}."), "Choose another name."))
}

/// What the database would not take, or what nobody reads from a repository.
fn check(part: &HistoryPart) -> Result<(), ApiError> {
    let items = part.identities.len() + part.commits.len() + part.pull_requests.len() + part.releases.len();
    if items > MOST_ITEMS {
        return Err(too_much(&format!("{items} items"), MOST_ITEMS));
    }
    let of_commits = part
        .commits
        .iter()
        .flat_map(|commit| [commit.authored_at, commit.committed_at]);
    let of_merges = part.pull_requests.iter();
    let of_merges = of_merges
        .flat_map(|merged| [Some(merged.merged_at), merged.first_commit_at])
        .flatten();
    let of_releases = part.releases.iter().map(|release| release.at);
    let mut times = of_commits.chain(of_merges).chain(of_releases);
    if let Some(time) = times.find(|time| *time < Timestamp::UNIX_EPOCH) {
        return Err(ApiError::invalid(
            format!("The time {time} lies before 1970, and git knows none."),
            "Send the times that git gives.",
        ));
    }
    Ok(())
}

fn too_much(what: &str, most: usize) -> ApiError {
    ApiError::invalid(
        format!("There are {what} in one call, and it takes {most} at most."),
        "Send them in several parts.",
    )
}
