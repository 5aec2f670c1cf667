//! Which objects a mirror holds: single commits that no branch may lead to, and whether files were left out.

use std::fs;
use std::io;

use crate::classify::{Scene, classify};
use crate::command::TRANSFER_TIMEOUT;
use crate::error::GitError;
use crate::mirror::{Mirror, in_background};
use crate::name::CommitId;

impl Mirror {
    /// Whether the mirror holds the commit. Talks to nobody.
    ///
    /// # Errors
    /// [`GitError::NotMirrored`] and [`GitError::Corrupted`].
    pub async fn has_commit(&self, commit: &CommitId) -> Result<bool, GitError> {
        self.existing()?;
        let finished = self
            .call(["cat-file", "-e"])
            .argument(format!("{commit}^{{commit}}"))
            .run()
            .await?;
        if finished.succeeded() {
            return Ok(true);
        }
        // Git says so in several ways; none of them is damage.
        let absent = finished.code == Some(1) || finished.stderr.contains("Not a valid object name");
        if absent {
            Ok(false)
        } else {
            Err(classify(&finished, self.scene()))
        }
    }

    /// Fetches a commit that no branch or tag may hold, such as the head of a proposed change. Nothing is done when the mirror
    /// has it.
    ///
    /// # Errors
    /// [`GitError::CommitNotFound`] when the repository has it neither, and what keeps it from being reached.
    pub async fn fetch_commit(&self, commit: &CommitId) -> Result<(), GitError> {
        if !self.path.exists() {
            self.fetch().await?;
        }
        if self.has_commit(commit).await? {
            return Ok(());
        }
        let mut call = self.call(["fetch", "--no-tags", "--no-write-fetch-head", "--quiet"]);
        if !self.url.is_local() {
            call = call.argument("--filter=blob:none");
        }
        let scene = Scene {
            url: Some(&self.url),
            commit: Some(commit),
            ..self.scene()
        };
        call.argument("origin")
            .argument(commit.as_str())
            .access(&self.access().await?)
            .timeout(TRANSFER_TIMEOUT)
            .ok_in(scene)
            .await?;
        if self.has_commit(commit).await? {
            return Ok(());
        }
        Err(GitError::CommitNotFound {
            commit: commit.clone(),
            place: self.url.to_string(),
        })
    }

    /// Whether something may have been left out: packs of a partial clone are marked by a file beside them.
    pub(crate) async fn is_partial(&self) -> Result<bool, GitError> {
        let packs = self.path.join("objects/pack");
        in_background("look through the mirror's packs", move || {
            for entry in fs::read_dir(packs)? {
                if entry?
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "promisor")
                {
                    return Ok(true);
                }
            }
            io::Result::Ok(false)
        })
        .await
    }
}
