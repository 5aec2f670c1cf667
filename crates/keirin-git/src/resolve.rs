//! From what a person names a commit by to the commit.

use crate::classify::classify;
use crate::error::GitError;
use crate::mirror::Mirror;
use crate::name::{CommitId, Revision};

impl Mirror {
    /// The commit that a revision names in the mirror as it is; fetch first to see the repository's present state.
    /// A branch comes before a tag of the same name, and both before a shortened id. A full id always is a commit.
    ///
    /// # Errors
    /// [`GitError::RevisionNotFound`], [`GitError::Ambiguous`], [`GitError::NotMirrored`] and [`GitError::Corrupted`].
    pub async fn resolve(&self, revision: &Revision) -> Result<CommitId, GitError> {
        let not_found = || GitError::RevisionNotFound {
            revision: revision.clone(),
            place: self.url.to_string(),
        };
        if let Ok(commit) = CommitId::parse(revision.as_str()) {
            return if self.has_commit(&commit).await? {
                Ok(commit)
            } else {
                Err(not_found())
            };
        }
        let references = self.references().await?;
        let text = revision.as_str();
        let candidates = match text {
            "HEAD" => vec![references.head.clone().unwrap_or_default()],
            _ if text.starts_with("refs/") => vec![text.to_owned()],
            _ => vec![format!("refs/heads/{text}"), format!("refs/tags/{text}")],
        };
        let found = candidates
            .into_iter()
            .find_map(|name| references.ids.get(&name).map(|id| (name, id)));
        match found {
            // Git lets a branch lead to nothing but a commit.
            Some((name, id)) if name.starts_with("refs/heads/") => return Ok(CommitId::parse(id)?),
            Some((name, _)) => {
                let commit = self.commit_of(&name).await?;
                return commit.ok_or_else(|| self.corrupted(&format!("{name} leads to no commit")));
            }
            None => {}
        }
        if revision.is_shortened_id() {
            self.lengthen(revision).await?.ok_or_else(not_found)
        } else {
            Err(not_found())
        }
    }

    /// Follows a tag to its commit.
    pub(crate) async fn commit_of(&self, name: &str) -> Result<Option<CommitId>, GitError> {
        let call = self
            .call(["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .argument(format!("{name}^{{commit}}"));
        let finished = call.run().await?;
        Ok(if finished.succeeded() {
            CommitId::parse(finished.text().trim()).ok()
        } else {
            None
        })
    }

    async fn lengthen(&self, revision: &Revision) -> Result<Option<CommitId>, GitError> {
        let call = self
            .call(["rev-parse", "--verify", "--end-of-options"])
            .argument(format!("{revision}^{{commit}}"));
        let finished = call.run().await?;
        if finished.succeeded() {
            return Ok(CommitId::parse(finished.text().trim()).ok());
        }
        if finished.stderr.contains("ambiguous") {
            return Err(GitError::Ambiguous {
                revision: revision.clone(),
            });
        }
        if finished.stderr.contains("Needed a single revision") {
            Ok(None)
        } else {
            Err(classify(&finished, self.scene()))
        }
    }
}
