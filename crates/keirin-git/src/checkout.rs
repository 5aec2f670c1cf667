//! Making a checkout of one commit, as agents do for a job.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::classify::Scene;
use crate::command::{Git, ProgressReporter, TRANSFER_TIMEOUT};
use crate::credential::{Access, Credential};
use crate::error::GitError;
use crate::mirror::in_background;
use crate::name::CommitId;
use crate::refs::ObjectFormat;
use crate::url::RepositoryUrl;

/// What to check out, and where.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// The repository: the server's mirror, or any other.
    pub source: RepositoryUrl,
    /// The exact commit.
    pub commit: CommitId,
    /// Levels of history; `None` is all of it, with all branches and tags. One is usual and quickest.
    pub depth: Option<u32>,
    /// The folder, which is made when it is missing and must hold no repository yet. Files in it that the commit has too are
    /// replaced, others stay.
    pub into: PathBuf,
    /// Who fetches. It is not left in the checkout.
    pub credential: Option<Credential>,
    /// Whether tags are fetched too. With the whole history they always are.
    pub tags: bool,
    /// Whether submodules are checked out too, with theirs.
    pub submodules: bool,
}

impl Checkout {
    /// Makes the checkout, with `HEAD` on the commit and on no branch. It may take an hour; dropping the future earlier ends
    /// git with all that it started, and what lies in the folder then is of no use.
    ///
    /// # Errors
    /// [`GitError::CommitNotFound`], [`GitError::AuthenticationFailed`], [`GitError::HostUnknown`] and others that say what to do.
    pub async fn make(&self, git: &Git, progress: Option<&ProgressReporter>) -> Result<(), GitError> {
        let access = Access::new(&self.source, self.credential.as_ref())?;
        self.prepare(git).await?;
        self.fetch(git, &access, progress).await?;
        let checkout = git
            .call(["checkout", "--force", "--detach", "--progress"])
            .argument(self.commit.as_str())
            .checkout(&self.into);
        let scene = Scene {
            commit: Some(&self.commit),
            ..Scene::default()
        };
        // A server that leaves files out of a fetch may be asked for them now.
        checkout
            .access(&access)
            .progress(progress)
            .timeout(TRANSFER_TIMEOUT)
            .ok_in(scene)
            .await?;
        if self.submodules {
            self.update_submodules(git, &access, progress).await
        } else {
            Ok(())
        }
    }

    async fn prepare(&self, git: &Git) -> Result<(), GitError> {
        let into = self.into.clone();
        let has_repository = in_background("look into the folder for the checkout", move || {
            exists(&into.join(".git"))
        })
        .await?;
        if has_repository {
            return Err(GitError::AlreadyACheckout {
                path: self.into.clone(),
            });
        }
        git.call(["init", "--quiet", "--template=", "--initial-branch=main"])
            .argument(ObjectFormat::of(self.commit.as_str()).option())
            .argument("--")
            .argument(&self.into)
            .ok()
            .await?;
        let (config, remote) = (self.into.join(".git/config"), remote_section(&self.source));
        in_background("write the checkout's configuration", move || {
            OpenOptions::new()
                .append(true)
                .open(config)?
                .write_all(remote.as_bytes())
        })
        .await
    }

    async fn fetch(
        &self,
        git: &Git,
        access: &Access,
        progress: Option<&ProgressReporter>,
    ) -> Result<(), GitError> {
        let access = access.clone().with_origin(&self.source);
        let mut call = git
            .call(["fetch", "--progress", "--force", "--no-write-fetch-head"])
            .checkout(&self.into);
        let whole = ["--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"];
        let shallow = format!("--depth={}", self.depth.unwrap_or(1).max(1));
        let tags = if self.tags { "--tags" } else { "--no-tags" };
        let part = [shallow.as_str(), tags, "origin"];
        for argument in if self.depth.is_none() {
            whole.as_slice()
        } else {
            part.as_slice()
        } {
            call = call.argument(argument);
        }
        let scene = Scene {
            url: Some(&self.source),
            commit: Some(&self.commit),
            ..Scene::default()
        };
        let call = call
            .argument(self.commit.as_str())
            .access(&access)
            .progress(progress)
            .timeout(TRANSFER_TIMEOUT);
        call.ok_in(scene).await.map(drop)
    }

    /// Submodules come from where the repository says, by the protocols that its own address allows.
    async fn update_submodules(
        &self,
        git: &Git,
        access: &Access,
        progress: Option<&ProgressReporter>,
    ) -> Result<(), GitError> {
        let mut call = git.call([
            "submodule",
            "update",
            "--init",
            "--recursive",
            "--force",
            "--progress",
        ]);
        if let Some(depth) = self.depth {
            call = call.argument(format!("--depth={}", depth.max(1)));
        }
        let call = call
            .inside(&self.into)
            .access(access)
            .progress(progress)
            .timeout(TRANSFER_TIMEOUT);
        call.ok_in(Scene {
            url: Some(&self.source),
            ..Scene::default()
        })
        .await
        .map(drop)
    }
}

/// What a clone would write, for the job's own use of git; it holds no credential. An address has no control characters.
fn remote_section(source: &RepositoryUrl) -> String {
    let url = source.as_str().replace('\\', r"\\").replace('"', "\\\"");
    format!("[remote \"origin\"]\n\turl = \"{url}\"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n")
}

fn exists(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
