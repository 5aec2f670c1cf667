//! Reading a mirror: commits, files and what changed between two commits.

use bytes::Bytes;
use jiff::Timestamp;

use crate::classify::{Scene, classify};
use crate::credential::Access;
use crate::error::GitError;
use crate::mirror::Mirror;
use crate::name::{CommitId, TreePath};

/// One commit in a list: id, parents, author, committer, subject and body, parted by zero bytes.
const COMMIT_FORMAT: &str = "--format=%H%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%s%x00%b";
const COMMIT_FIELDS: usize = 10;
/// Longest body of a commit message that is kept, in characters.
const BODY_LIMIT: usize = 16 * 1024;

/// What a link is that leads to nothing.
const NOWHERE: &str = "a link that leads nowhere";

/// A commit without its files. Names and texts are as their author wrote them: from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id.
    pub id: CommitId,
    /// The commits that it follows; several for a merge.
    pub parents: Vec<CommitId>,
    /// Who wrote it.
    pub author: Person,
    /// When it was written.
    pub authored_at: Timestamp,
    /// Who put it in.
    pub committer: Person,
    /// When it was put in.
    pub committed_at: Timestamp,
    /// The first paragraph of the message, on one line.
    pub subject: String,
    /// The rest of the message, at most 16,384 characters.
    pub body: String,
}

/// A name and an address, neither checked by anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// As the commit says.
    pub name: String,
    /// As the commit says.
    pub email: String,
}

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

    /// The newest commit that both have in their history; `None` when their histories never met.
    ///
    /// # Errors
    /// [`GitError::CommitNotFound`] among others.
    pub async fn merge_base(&self, one: &CommitId, other: &CommitId) -> Result<Option<CommitId>, GitError> {
        self.existing()?;
        let finished = self
            .call(["merge-base"])
            .argument(one.as_str())
            .argument(other.as_str())
            .run()
            .await?;
        match finished.code {
            Some(0) => Ok(Some(CommitId::parse(finished.text().trim())?)),
            Some(1) if finished.stderr.is_empty() => Ok(None),
            _ => Err(self
                .explain_both(one, other, classify(&finished, self.scene()))
                .await),
        }
    }

    /// Who made a commit, when, and what they say about it.
    ///
    /// # Errors
    /// [`GitError::CommitNotFound`] among others.
    pub async fn commit_info(&self, commit: &CommitId) -> Result<CommitInfo, GitError> {
        let found = self.log(&[commit.as_str(), "--"], 1).await;
        match found {
            Ok(commits) => commits
                .into_iter()
                .next()
                .ok_or_else(|| self.corrupted("a commit cannot be read")),
            Err(error) => Err(self.explain(commit, error).await),
        }
    }

    /// The commits that `head` has and `base` has not, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`GitError::CommitNotFound`] among others.
    pub async fn commits_between(
        &self,
        base: &CommitId,
        head: &CommitId,
        limit: u32,
    ) -> Result<Vec<CommitInfo>, GitError> {
        match self.log(&[head.as_str(), &format!("^{base}"), "--"], limit).await {
            Ok(commits) => Ok(commits),
            Err(error) => Err(self.explain_both(base, head, error).await),
        }
    }

    async fn log(&self, range: &[&str], limit: u32) -> Result<Vec<CommitInfo>, GitError> {
        self.existing()?;
        let mut call = self.call([
            "log",
            "-z",
            "--no-show-signature",
            "--no-mailmap",
            "--encoding=UTF-8",
            COMMIT_FORMAT,
        ]);
        call = call.argument(format!("--max-count={limit}"));
        for argument in range {
            call = call.argument(argument);
        }
        let text = call.ok_in(self.scene()).await?.text();
        // Each commit ends in a zero byte, as each of its fields but the last does.
        let Some(text) = text.strip_suffix('\0') else {
            return Ok(Vec::new());
        };
        let fields: Vec<&str> = text.split('\0').collect();
        fields
            .chunks(COMMIT_FIELDS)
            .map(|fields| commit_from(fields).ok_or_else(|| self.corrupted("a commit cannot be read")))
            .collect()
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

fn commit_from(fields: &[&str]) -> Option<CommitInfo> {
    let [
        id,
        parents,
        author,
        author_email,
        authored,
        committer,
        committer_email,
        committed,
        subject,
        body,
    ] = fields
    else {
        return None;
    };
    let time = |seconds: &str| Timestamp::from_second(seconds.parse().ok()?).ok();
    let person = |name: &str, email: &str| Person {
        name: name.to_owned(),
        email: email.to_owned(),
    };
    Some(CommitInfo {
        id: CommitId::parse(id).ok()?,
        parents: parents
            .split_whitespace()
            .map(CommitId::parse)
            .collect::<Result<_, _>>()
            .ok()?,
        author: person(author, author_email),
        authored_at: time(authored)?,
        committer: person(committer, committer_email),
        committed_at: time(committed)?,
        subject: (*subject).to_owned(),
        body: body.trim_end().chars().take(BODY_LIMIT).collect(),
    })
}
