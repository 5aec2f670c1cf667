//! Where a checkout stands.

use std::path::Path;

use crate::command::{Call, Git};
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
    let commit = git.call(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
    let branch = git.call(["symbolic-ref", "--quiet", "--short", "HEAD"]);
    let commit = answer(commit.found_from(folder)).await?;
    Ok(Head {
        branch: answer(branch.found_from(folder)).await?,
        commit: commit.map(|id| CommitId::parse(&id)).transpose()?,
    })
}

/// One line; `None` where git has none to give.
async fn answer(call: Call) -> Result<Option<String>, GitError> {
    let finished = call.run().await?;
    let line = finished.text().trim_end().to_owned();
    Ok((finished.succeeded() && !line.is_empty()).then_some(line))
}
