//! Reading a mirror: commits, files and what changed between two commits.

use bytes::Bytes;

use crate::classify::{Scene, classify};
use crate::credential::Access;
use crate::error::GitError;
use crate::mirror::Mirror;
use crate::name::{CommitId, TreePath};

/// What a link is that leads to nothing.
const NOWHERE: &str = "a link that leads nowhere";

/// What lies in a folder of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// From the root of the repository. Bytes that are no UTF-8 are replaced.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
}

/// The kinds of entries that git knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A file that may be run.
    Executable,
    /// A symbolic link.
    Link,
    /// A folder.
    Folder,
    /// A submodule.
    Submodule,
}

/// A path that differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPath {
    /// From the root of the repository. Bytes that are no UTF-8 are replaced.
    pub path: String,
    /// In which way.
    pub change: PathChange,
}

/// A rename is a removal and an addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathChange {
    /// Only the later commit has it.
    Added,
    /// Both have it, with other content, mode or kind.
    Modified,
    /// Only the earlier commit has it.
    Removed,
}

impl Mirror {
    /// A file at a commit, of at most `limit_bytes`. Links inside the repository are followed.
    /// Of a partial clone a file that nobody has read yet is fetched now; what is here is read without asking anybody.
    ///
    /// # Errors
    /// [`GitError::PathNotFound`], [`GitError::NotAFile`], [`GitError::FileTooLarge`], [`GitError::CommitNotFound`] among others.
    pub async fn read_file(
        &self,
        commit: &CommitId,
        path: &TreePath,
        limit_bytes: u64,
    ) -> Result<Bytes, GitError> {
        self.existing()?;
        let here = self
            .read_file_by(&Access::default(), commit, path, limit_bytes)
            .await;
        let found = match here {
            // What was left out looks as if it were not there, and so does what a link leads to that was left out.
            Ok(None) | Err(GitError::NotAFile { kind: NOWHERE, .. }) if !self.url.is_local() => {
                self.read_file_by(&self.access().await?, commit, path, limit_bytes)
                    .await?
            }
            here => here?,
        };
        match found {
            Some(content) => Ok(content),
            None => Err(self.explain_missing(commit, path).await),
        }
    }

    /// A file, `None` where there is none; fetched where it was left out and the access allows it.
    async fn read_file_by(
        &self,
        access: &Access,
        commit: &CommitId,
        path: &TreePath,
        limit_bytes: u64,
    ) -> Result<Option<Bytes>, GitError> {
        let scene = Scene {
            url: (!self.url.is_local()).then_some(&self.url),
            ..self.scene()
        };
        let limit = usize::try_from(limit_bytes).unwrap_or(usize::MAX / 2);
        let finished = self
            .call(["cat-file", "--batch", "--follow-symlinks"])
            .access(access)
            .input(format!("{commit}:{path}\n"))
            .output_limit(limit.saturating_add(1024))
            .run()
            .await?;
        let header_end = finished.output.iter().position(|byte| *byte == b'\n');
        let Some(header_end) = header_end else {
            return Err(classify(&finished, scene));
        };
        let header = String::from_utf8_lossy(&finished.output[..header_end]).into_owned();
        let not_a_file = |kind| GitError::NotAFile {
            commit: commit.clone(),
            path: path.clone(),
            kind,
        };
        let mut words = header.rsplitn(3, ' ');
        match (words.next(), words.next()) {
            (Some("missing"), _) => Ok(None),
            (Some(size), Some("blob")) => {
                let bytes: u64 = size.parse().map_err(|_| self.corrupted(&header))?;
                if bytes > limit_bytes {
                    return Err(GitError::FileTooLarge {
                        path: path.clone(),
                        bytes,
                        limit_bytes,
                    });
                }
                let content = Bytes::from(finished.output).slice(header_end + 1..);
                let length = usize::try_from(bytes).unwrap_or(usize::MAX);
                if content.len() < length {
                    Err(self.corrupted("a file ends too early"))
                } else {
                    Ok(Some(content.slice(..length)))
                }
            }
            (_, Some("tree")) => Err(not_a_file("a folder")),
            (_, Some("commit")) => Err(not_a_file("a submodule")),
            (_, Some("symlink")) => Err(not_a_file("a link out of the repository")),
            (_, Some("dangling" | "loop" | "notdir")) => Err(not_a_file(NOWHERE)),
            _ => Err(classify(&finished, scene)),
        }
    }

    /// What lies directly in a folder of a commit; `None` is the root.
    ///
    /// # Errors
    /// [`GitError::PathNotFound`] when there is no such folder, [`GitError::CommitNotFound`] among others.
    pub async fn list_files(
        &self,
        commit: &CommitId,
        folder: Option<&TreePath>,
    ) -> Result<Vec<TreeEntry>, GitError> {
        self.existing()?;
        let (tree, prefix) = match folder {
            None => (format!("{commit}^{{tree}}"), String::new()),
            Some(folder) => (format!("{commit}:{folder}"), format!("{folder}/")),
        };
        let finished = self
            .call(["ls-tree", "-z", "--full-tree"])
            .argument(tree)
            .run()
            .await?;
        if !finished.succeeded() {
            return match folder {
                Some(folder)
                    if finished.stderr.contains("Not a valid object name")
                        || finished.stderr.contains("not a tree object") =>
                {
                    Err(self.explain_missing(commit, folder).await)
                }
                _ => Err(self.explain(commit, classify(&finished, self.scene())).await),
            };
        }
        let text = finished.text();
        let entries = text.split_terminator('\0').filter_map(|line| {
            let (facts, name) = line.split_once('\t')?;
            let kind = match facts.split(' ').next()? {
                "100755" => EntryKind::Executable,
                "120000" => EntryKind::Link,
                "040000" => EntryKind::Folder,
                "160000" => EntryKind::Submodule,
                _ => EntryKind::File,
            };
            Some(TreeEntry {
                path: format!("{prefix}{name}"),
                kind,
            })
        });
        Ok(entries.collect())
    }

    /// The paths that differ between two commits. For a proposed change compare with the [`Self::merge_base`].
    ///
    /// # Errors
    /// [`GitError::CommitNotFound`], [`GitError::TooMuchOutput`] among others.
    pub async fn changed_paths(
        &self,
        base: &CommitId,
        head: &CommitId,
    ) -> Result<Vec<ChangedPath>, GitError> {
        self.existing()?;
        let call = self
            .call(["diff-tree", "-r", "-z", "--name-status", "--no-renames"])
            .argument(base.as_str())
            .argument(head.as_str());
        let text = match call.ok_in(self.scene()).await {
            Ok(finished) => finished.text(),
            Err(error) => return Err(self.explain_both(base, head, error).await),
        };
        let mut fields = text.split_terminator('\0');
        let mut changes = Vec::new();
        while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
            let change = match status {
                "A" => PathChange::Added,
                "D" => PathChange::Removed,
                _ => PathChange::Modified,
            };
            changes.push(ChangedPath {
                path: path.to_owned(),
                change,
            });
        }
        Ok(changes)
    }

    /// Says why something at a commit is not there.
    async fn explain_missing(&self, commit: &CommitId, path: &TreePath) -> GitError {
        self.explain(
            commit,
            GitError::PathNotFound {
                commit: commit.clone(),
                path: path.clone(),
            },
        )
        .await
    }

    async fn explain_both(&self, one: &CommitId, other: &CommitId, error: GitError) -> GitError {
        let error = self.explain(one, error).await;
        self.explain(other, error).await
    }

    /// Replaces an error by a better one when the commit itself is missing: damage, if a branch says that it should be here.
    async fn explain(&self, commit: &CommitId, error: GitError) -> GitError {
        match self.has_commit(commit).await {
            Ok(true) | Err(_) => return error,
            Ok(false) => {}
        }
        match self.references().await {
            Ok(references) if references.ids.values().any(|id| id == commit.as_str()) => self.corrupted(
                &format!("commit {commit} is missing, and a branch or tag leads to it"),
            ),
            Ok(_) => GitError::CommitNotFound {
                commit: commit.clone(),
                place: format!("the mirror of {}", self.url),
            },
            Err(error) => error,
        }
    }
}
