//! Addresses of repositories and paths of workflow files, checked before they are kept; and addresses as they are shown.

use keirin_git::{RepositoryUrl, TreePath};
use keirin_model::access::Role;

use crate::caller::Caller;
use crate::error::ApiError;

/// Checks a repository's address. What lies on the server itself is an admin's to name: the server reads it with its
/// own rights.
pub(crate) fn checked(caller: &Caller, text: &str) -> Result<RepositoryUrl, ApiError> {
    let repository = RepositoryUrl::parse(text).map_err(|error| {
        ApiError::invalid(
            format!("The repository cannot be used: {error}."),
            "Give an address such as `https://host/owner/name.git`.",
        )
    })?;
    if repository.is_local() && caller.server_role() != Some(Role::Admin) {
        return Err(ApiError::role_needed(
            Role::Admin,
            "in all projects, because the repository is a path on the server",
        ));
    }
    Ok(repository)
}

/// A repository's address for those who may not change it: where it is a path on the server its last part alone, since
/// where things lie there is not theirs to know.
pub(crate) fn without_path(text: &str) -> String {
    let local = RepositoryUrl::parse(text).ok();
    let local = local.as_ref().and_then(RepositoryUrl::local_path);
    match local {
        None => text.to_owned(),
        Some(path) => path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
    }
}

/// Checks the path of a workflow file.
pub(crate) fn checked_file(text: &str) -> Result<String, ApiError> {
    TreePath::parse(text).map(|_| text.to_owned()).map_err(|error| {
        ApiError::invalid(
            format!("The workflow file's path cannot be used: {error}."),
            "Give a path within the repository, such as `ci/keirin.yaml`.",
        )
    })
}
