//! Bringing a mirror up to date: asked by many, done once, and left whole by any crash.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use walkdir::WalkDir;

use crate::classify::Scene;
use crate::command::TRANSFER_TIMEOUT;
use crate::error::GitError;
use crate::mirror::{Mirror, Mirrors, in_background};
use crate::name::{BranchName, CommitId};
use crate::refs::{ObjectFormat, RefStore, References};

/// What a fetch has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchResult {
    /// Branches that were made, moved or removed, by name.
    pub branches: Vec<BranchChange>,
    /// Names of tags that were made, moved or removed.
    pub tags: Vec<String>,
}

/// A branch before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchChange {
    /// Its name.
    pub branch: BranchName,
    /// Its commit before; `None` for a new branch.
    pub before: Option<CommitId>,
    /// Its commit now; `None` for a removed branch.
    pub after: Option<CommitId>,
}

type SharedFetch = Shared<BoxFuture<'static, Result<FetchResult, GitError>>>;

/// At most one fetch runs and one waits; who asks while one runs joins the one that waits, for the running one may have
/// looked before the change that the asker knows of.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) running: tokio::sync::Mutex<()>,
    waiting: Mutex<Option<SharedFetch>>,
}

impl Mirror {
    /// Brings the mirror up to date with the repository, making it first if need be. Calls at the same time share one
    /// fetch, and dropping the call does not end it. When nothing has changed, nothing is transferred.
    ///
    /// # Errors
    /// What keeps the repository from being reached, and [`GitError::Corrupted`].
    pub async fn fetch(&self) -> Result<FetchResult, GitError> {
        let fetch = {
            let mut waiting = self
                .state
                .fetches
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            waiting.get_or_insert_with(|| self.start_fetch()).clone()
        };
        fetch.await
    }

    fn start_fetch(&self) -> SharedFetch {
        let mirror = self.clone();
        let task = tokio::spawn(async move {
            let queue = &mirror.state.fetches;
            let _running = queue.running.lock().await;
            *queue.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
            mirror.fetch_now().await
        });
        let done =
            task.map(|done| done.unwrap_or_else(|error| Err(GitError::io("fetch", io::Error::other(error)))));
        done.boxed().shared()
    }

    async fn fetch_now(&self) -> Result<FetchResult, GitError> {
        let _lock = self.mirrors.lock(&self.name).await?;
        let remote = self.remote_references().await?;
        self.make_for(remote.object_format()).await?;
        let before = self.references().await?;
        if before.ids != remote.ids {
            self.transfer().await?;
        }
        if let Some(head) = remote
            .head
            .filter(|head| before.head.as_ref() != Some(head) && head.starts_with("refs/heads/"))
        {
            self.call(["symbolic-ref", "HEAD"])
                .argument(head)
                .ok_in(self.scene())
                .await?;
        }
        if before.ids == remote.ids {
            return Ok(FetchResult::default());
        }
        let after = self.references().await?;
        Ok(difference(&before, &after))
    }

    async fn transfer(&self) -> Result<(), GitError> {
        self.clear_leftovers().await?;
        let mut call = self.call([
            "fetch",
            "--prune",
            "--no-tags",
            "--no-write-fetch-head",
            "--quiet",
        ]);
        if !self.url.is_local() {
            call = call.argument("--filter=blob:none");
        }
        for argument in ["origin", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"] {
            call = call.argument(argument);
        }
        let scene = Scene {
            url: Some(&self.url),
            ..self.scene()
        };
        call.access(&self.access().await?)
            .timeout(TRANSFER_TIMEOUT)
            .ok_in(scene)
            .await
            .map(drop)
    }

    /// Makes the mirror where there is none, or where it is for objects of another format: a repository says which only
    /// with its first commit, and objects of two formats never lie in one repository.
    async fn make_for(&self, wanted: Option<ObjectFormat>) -> Result<(), GitError> {
        if !self.path.exists() {
            return self.make(wanted.unwrap_or(ObjectFormat::Sha1)).await;
        }
        let path = self.path.clone();
        let made = in_background("look into the mirror", move || RefStore::object_format(&path)).await?;
        match wanted {
            Some(wanted) if wanted != made => self.make(wanted).await,
            _ => Ok(()),
        }
    }

    /// Makes the mirror beside its place and moves it there, so that what stands there is whole.
    async fn make(&self, format: ObjectFormat) -> Result<(), GitError> {
        let making = self.mirrors.root().join(format!(".making-{}", self.name));
        let leftover = making.clone();
        in_background("clear a half-made mirror", move || {
            match fs::remove_dir_all(&leftover) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        })
        .await?;
        let call = self.mirrors.git.call([
            "init",
            "--quiet",
            "--bare",
            "--template=",
            "--initial-branch=main",
        ]);
        let call = call.argument(format.option()).argument("--");
        call.argument(&making).ok().await?;
        let path = self.path.clone();
        in_background("move the new mirror to its place", move || {
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::rename(&making, &path)
        })
        .await
    }

    /// Removes what a git left in the mirror that was ended. To be called while other writers are kept out.
    pub(crate) async fn clear_leftovers(&self) -> Result<(), GitError> {
        let path = self.path.clone();
        in_background("clear what an ended git left in the mirror", move || {
            remove_stale_locks(&path)?;
            remove_stale_packs(&path.join("objects/pack"))
        })
        .await
    }

    /// Keeps every other writer out: of this process, and of others.
    pub(crate) async fn lock_writing(&self) -> Result<(tokio::sync::MutexGuard<'_, ()>, File), GitError> {
        let running = self.state.fetches.running.lock().await;
        Ok((running, self.mirrors.lock(&self.name).await?))
    }
}

impl Mirrors {
    /// Keeps other processes out of a mirror while this one writes.
    pub(crate) async fn lock(&self, name: &str) -> Result<File, GitError> {
        let root = self.root().to_owned();
        let name = format!(".lock-{name}");
        in_background("lock the mirror", move || {
            fs::create_dir_all(&root)?;
            let file = File::create(root.join(name))?;
            file.lock()?;
            Ok(file)
        })
        .await
    }
}

/// A git that was killed leaves its locks. Nobody else writes references here, and the mirror's own lock is held.
fn remove_stale_locks(mirror: &Path) -> io::Result<()> {
    let is_lock = |path: &Path| path.extension().is_some_and(|extension| extension == "lock");
    let top = fs::read_dir(mirror)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    let below = WalkDir::new(mirror.join("refs"))
        .into_iter()
        .map(|entry| entry.map(walkdir::DirEntry::into_path).map_err(io::Error::from));
    for path in top.into_iter().map(Ok).chain(below) {
        let path = path?;
        if is_lock(&path) && path.is_file() {
            tracing::warn!(path = %path.display(), "a git that was ended has left a lock; it is removed");
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// A git that was ended, or could not go on, leaves the pack that it had begun. Whoever reads a partial clone may be writing one
/// too, so only those are removed that nobody has written to for as long as a git may run.
fn remove_stale_packs(packs: &Path) -> io::Result<()> {
    for entry in fs::read_dir(packs)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_begun = [b"tmp_".as_slice(), b".tmp-"]
            .iter()
            .any(|prefix| name.as_encoded_bytes().starts_with(prefix));
        if !is_begun {
            continue;
        }
        let modified = match entry.metadata().and_then(|metadata| metadata.modified()) {
            Ok(modified) => modified,
            // Whoever was writing it has finished it just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if modified.elapsed().is_ok_and(|age| age > TRANSFER_TIMEOUT) {
            tracing::warn!(path = %entry.path().display(), "a git that was ended has left part of a pack; it is removed");
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn difference(before: &References, after: &References) -> FetchResult {
    let mut fetched = FetchResult::default();
    let names: BTreeSet<&String> = before.ids.keys().chain(after.ids.keys()).collect();
    for name in names {
        let (old, new) = (before.ids.get(name), after.ids.get(name));
        if old == new {
            continue;
        }
        let id = |id: Option<&String>| id.and_then(|id| CommitId::parse(id).ok());
        if let Some(tag) = name.strip_prefix("refs/tags/") {
            fetched.tags.push(tag.to_owned());
        } else if let Some(Ok(branch)) = name.strip_prefix("refs/heads/").map(BranchName::parse) {
            fetched.branches.push(BranchChange {
                branch,
                before: id(old),
                after: id(new),
            });
        }
    }
    fetched
}
