//! Addresses of repositories and paths of workflow files, checked before they are kept; and addresses as they are shown.

use std::path::Path;

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

/// Folders that many machines have, so that to name them tells nothing; those right below the root are such too.
const COMMON_FOLDERS: [&str; 8] = [
    "/usr/lib",
    "/usr/local",
    "/usr/local/lib",
    "/usr/local/share",
    "/usr/local/src",
    "/usr/share",
    "/usr/src",
    "/var/lib",
];

/// The path of a repository on the server and the folders that it lies in, which no log shows: the submodules of one are
/// beside it.
pub(crate) fn local_folders(repository: &str) -> Vec<String> {
    // The root and two names.
    const TELLING: usize = 3;
    let local = RepositoryUrl::parse(repository).ok();
    let local = local.as_ref().and_then(RepositoryUrl::local_path);
    let folders = local.into_iter().flat_map(Path::ancestors);
    let is_common = |folder: &Path| COMMON_FOLDERS.iter().any(|common| folder == Path::new(common));
    let telling = folders.filter(|folder| folder.components().count() >= TELLING && !is_common(folder));
    telling
        .map(|folder| folder.to_string_lossy().into_owned())
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_a_repository_on_the_server_are_named_and_those_of_others_are_not() {
        let folders = local_folders("/srv/git/group/project.git");
        assert_eq!(
            folders,
            ["/srv/git/group/project.git", "/srv/git/group", "/srv/git"]
        );
        assert_eq!(
            local_folders("/usr/local/src/project"),
            ["/usr/local/src/project"]
        );
        assert!(local_folders("https://example.org/srv/git/project.git").is_empty());
    }
}
