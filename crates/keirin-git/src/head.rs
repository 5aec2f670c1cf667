//! Where a checkout stands.

use std::path::Path;

use crate::command::Git;
use crate::error::GitError;
use crate::name::CommitId;

/// Where a checkout stands, as far as it stands anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The branch; `None` when a commit is checked out by itself, or where there is no checkout.
    pub branch: Option<String>,
    /// The commit; `None` before the first one.
    pub commit: Option<CommitId>,
}

/// Where the checkout stands that `folder` lies in.
///
/// # Errors
/// [`GitError::GitMissing`] and others; lying in no checkout is none.
pub async fn head_of(git: &Git, folder: &Path) -> Result<Head, GitError> {
    let commit = ask(
        git,
        folder,
        &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"],
    )
    .await?;
    let branch = ask(git, folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await?;
    Ok(Head {
        branch,
        commit: commit.map(|id| CommitId::parse(&id)).transpose()?,
    })
}

/// One line of an answer; `None` where git has none to give.
async fn ask(git: &Git, folder: &Path, arguments: &[&'static str]) -> Result<Option<String>, GitError> {
    let finished = git
        .call(arguments.iter().copied())
        .found_from(folder)
        .run()
        .await?;
    let line = finished.text().trim_end().to_owned();
    Ok((finished.succeeded() && !line.is_empty()).then_some(line))
}
