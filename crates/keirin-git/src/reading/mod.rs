//! Reading a whole history, or what is new of it: of a mirror, or of any repository on this machine.
//!
//! What is read is what the repository's `HEAD` and its tags reach. Nothing is written, nothing is fetched, and whatever
//! stands in names, messages and paths is taken as bytes of somebody else's choice.

mod changes;
mod fields;
mod log;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use self::changes::ChangeCount;
pub use self::log::{GraphLine, LoggedCommit, Person};
use crate::command::{Call, Git};
use crate::error::GitError;
use crate::mirror::{Mirror, in_background};
use crate::name::{CommitId, TreePath};

/// Names with several people's addresses; larger ones are not looked into.
const MAILMAP_LIMIT: u64 = 4 * 1024 * 1024;
/// A list of tags, with some hundred bytes for each.
const TAGS_LIMIT: usize = 256 * 1024 * 1024;

/// A list of all commits, of some 40 or 64 bytes each.
const COMMITS_LIMIT: usize = 1024 * 1024 * 1024;
/// A list of the files that [`SAMPLES`] commits lack.
const OBJECTS_LIMIT: usize = 512 * 1024 * 1024;
/// How many commits are looked at for missing files.
const SAMPLES: usize = 200;

/// A repository whose history is read.
#[derive(Clone, Debug)]
pub struct HistoryReader {
    git: Git,
    git_folder: PathBuf,
    shown: PathBuf,
    is_mirror: bool,
    /// Whether packs came from a server that was allowed to leave something out.
    is_marked: bool,
    /// Whether files have been left out.
    is_partial: bool,
}

/// Where a history begins to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Starts {
    /// The commit of the branch that the repository presents first; `None` where it has none yet.
    pub head: Option<CommitId>,
    /// The tags that lead to commits, by name.
    pub tags: Vec<TaggedCommit>,
}

/// A tag that leads to a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedCommit {
    /// Its name, without `refs/tags/`. Bytes that are no UTF-8 are replaced.
    pub name: String,
    /// The commit.
    pub commit: CommitId,
    /// When the tag was made, or its commit where the tag does not say; 1970 where neither says.
    pub at: Timestamp,
}

impl Starts {
    /// The commits, each once.
    pub fn commits(&self) -> Vec<CommitId> {
        let mut seen = HashSet::new();
        let all = self.head.iter().chain(self.tags.iter().map(|tag| &tag.commit));
        all.filter(|commit| seen.insert(*commit)).cloned().collect()
    }
}

impl HistoryReader {
    /// Of the repository that `folder` is or lies in.
    ///
    /// # Errors
    /// [`GitError::NotARepository`], [`GitError::Shallow`] among others.
    pub async fn open(git: &Git, folder: &Path) -> Result<Self, GitError> {
        let call = git.call(["rev-parse", "--absolute-git-dir", "--git-common-dir"]);
        let finished = call.found_from(folder).run().await?;
        let text = finished.text();
        let mut lines = text.lines();
        let (true, Some(git_folder), Some(common)) = (finished.succeeded(), lines.next(), lines.next())
        else {
            return Err(GitError::NotARepository {
                path: folder.to_owned(),
                detail: finished.detail(),
            });
        };
        // The second is said from `folder`.
        let common = folder.join(common);
        Self::at(git, git_folder.into(), &common, folder.to_owned(), false).await
    }

    async fn at(
        git: &Git,
        git_folder: PathBuf,
        common: &Path,
        shown: PathBuf,
        is_mirror: bool,
    ) -> Result<Self, GitError> {
        let (is_shallow, is_marked) = look_into(common.to_owned()).await?;
        if is_shallow {
            return Err(GitError::Shallow { path: shown });
        }
        let mut reader = Self {
            git: git.clone(),
            git_folder,
            shown,
            is_mirror,
            is_marked,
            is_partial: false,
        };
        if is_marked {
            reader.is_partial = reader.lacks_files().await?;
        }
        Ok(reader)
    }

    /// Whether files are missing. Marks beside packs alone do not say so: a server that leaves nothing out is marked too,
    /// and so is a clone that has been filled up. Some commits from all of the history are looked at, of a short history
    /// every one; in a clone with something left out hardly any commit but the newest has all of its files.
    async fn lacks_files(&self) -> Result<bool, GitError> {
        let starts = self.starts().await?.commits();
        let all = self
            .call(["rev-list", "--stdin"])
            .input(log::range(&starts, &[]))
            .output_limit(COMMITS_LIMIT)
            .timeout(log::PATIENCE);
        let all = self.ok(all).await?.text();
        let ids: Vec<&str> = all.lines().collect();
        let sampled = ids.iter().step_by(ids.len().div_ceil(SAMPLES).max(1));
        let input: String = sampled.flat_map(|id| [*id, "\n"]).collect();
        if input.is_empty() {
            return Ok(false);
        }
        let call = self
            .call(["rev-list", "--no-walk=unsorted", "--objects", "--no-object-names"])
            .argument("--missing=print")
            // Of all that is listed only what is missing is printed.
            .argument("--quiet")
            .argument("--stdin")
            .input(input)
            .output_limit(OBJECTS_LIMIT)
            .timeout(log::PATIENCE);
        let listed = self.ok(call).await?.output;
        Ok(listed
            .split(|byte| *byte == b'\n')
            .any(|line| line.starts_with(b"?")))
    }

    /// Whether files have been left out; lines are not counted then.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Where the history begins to be read.
    ///
    /// # Errors
    /// The repository is damaged.
    pub async fn starts(&self) -> Result<Starts, GitError> {
        let listed = self
            .call([
                "for-each-ref",
                "--format=%(objectname) %(creatordate:unix) %(*committerdate:unix) %(refname:strip=2)",
            ])
            .argument("refs/tags")
            .output_limit(TAGS_LIMIT);
        let listed = self.ok(listed).await?.text();
        // Each part that a tag has not is empty.
        let tags: Vec<[&str; 4]> = listed
            .lines()
            .filter_map(|line| line.splitn(4, ' ').collect::<Vec<_>>().try_into().ok())
            .collect();
        let wanted = tags.iter().map(|[id, ..]| format!("{id}^{{commit}}"));
        let peeled = self.look_up(wanted).await?;
        let tags = tags
            .iter()
            .zip(peeled)
            .filter_map(|([_, made, committed, name], commit)| {
                Some(TaggedCommit {
                    name: (*name).to_owned(),
                    commit: commit?,
                    at: log::time(if made.is_empty() { committed } else { made }),
                })
            });
        Ok(Starts {
            head: self.head().await?,
            tags: tags.collect(),
        })
    }

    /// The commit of `HEAD`; none on a branch that has no commit yet.
    async fn head(&self) -> Result<Option<CommitId>, GitError> {
        // This reads what the branch names and not the commit itself, which may be damaged.
        let named = self.call(["rev-parse", "--verify", "--quiet", "HEAD"]);
        if !named.run().await?.succeeded() {
            return Ok(None);
        }
        let commit = self.call(["rev-parse", "--verify", "HEAD^{commit}"]);
        let commit = self.ok(commit).await?.text();
        Ok(Some(CommitId::parse(commit.trim())?))
    }

    /// Those of these commits that the repository still has: a forced push may have taken some.
    ///
    /// # Errors
    /// The repository is damaged.
    pub async fn present(&self, commits: &[CommitId]) -> Result<Vec<CommitId>, GitError> {
        let wanted = commits.iter().map(|id| format!("{id}^{{commit}}"));
        Ok(self.look_up(wanted).await?.into_iter().flatten().collect())
    }

    /// The commits that these expressions lead to, one answer each.
    async fn look_up(
        &self,
        expressions: impl Iterator<Item = String>,
    ) -> Result<Vec<Option<CommitId>>, GitError> {
        let input: String = expressions.flat_map(|line| [line, "\n".to_owned()]).collect();
        if input.is_empty() {
            return Ok(Vec::new());
        }
        let call = self
            .call(["cat-file", "--batch-check=%(objectname) %(objecttype)"])
            .input(input)
            .output_limit(TAGS_LIMIT);
        let text = self.ok(call).await?.text();
        let answers = text.lines().map(|line| {
            let id = line.strip_suffix(" commit")?;
            CommitId::parse(id).ok()
        });
        Ok(answers.collect())
    }

    /// A call that talks to nobody. The repository counts as one without a work tree, so that only what is committed
    /// is read, and its `.mailmap` is that of `HEAD`.
    fn call<const N: usize>(&self, arguments: [&str; N]) -> Call {
        self.git
            .call(arguments)
            .bare(&self.git_folder)
            .config("core.bare", "true")
            .config("core.quotePath", "false")
            .config("mailmap.blob", "HEAD:.mailmap")
            .config("mailmap.file", "")
    }

    async fn ok(&self, call: Call) -> Result<crate::process::Finished, GitError> {
        call.ok().await.map_err(|error| self.explain(error))
    }

    /// What fails here for no special reason has found a damaged repository: every call is one that cannot fail.
    fn explain(&self, error: GitError) -> GitError {
        match error {
            GitError::Failed { detail, .. } if self.is_mirror => GitError::Corrupted {
                path: self.git_folder.clone(),
                detail,
            },
            GitError::Failed { detail, .. } => GitError::Incomplete {
                path: self.shown.clone(),
                detail,
            },
            error => error,
        }
    }
}

impl Mirror {
    /// The history of the mirror as it is; fetch first to see the repository's present state.
    ///
    /// # Errors
    /// [`GitError::NotMirrored`], [`GitError::Shallow`] where a repository on this machine is, and what keeps its
    /// `.mailmap` from being fetched.
    pub async fn history_reader(&self) -> Result<HistoryReader, GitError> {
        let folder = self.existing()?.to_owned();
        if let Some(origin) = self.url().local_path() {
            self.route().await?;
            // `project` may stand for `project.git`.
            let place = if origin.exists() {
                origin.to_owned()
            } else {
                origin.with_added_extension("git")
            };
            // Git passes nothing of a shallow clone on, so its mirror is empty rather than shallow.
            HistoryReader::open(&self.mirrors.git, &place).await?;
        }
        let reader =
            HistoryReader::at(&self.mirrors.git, folder.clone(), &folder, folder.clone(), true).await?;
        if let (true, Some(head)) = (reader.is_partial, reader.starts().await?.head) {
            let mailmap = TreePath::parse(".mailmap")?;
            match self.read_file(&head, &mailmap, MAILMAP_LIMIT).await {
                // It is here now, or there is none that can be read.
                Ok(_)
                | Err(
                    GitError::PathNotFound { .. } | GitError::NotAFile { .. } | GitError::FileTooLarge { .. },
                ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(reader)
    }
}

/// Whether history was cut off, and whether files may have been left out: packs from a server that was allowed to are
/// marked by a file beside them.
async fn look_into(common: PathBuf) -> Result<(bool, bool), GitError> {
    in_background("look into the repository", move || {
        let is_shallow = common.join("shallow").exists();
        let packs = match fs::read_dir(common.join("objects/pack")) {
            Ok(packs) => packs,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((is_shallow, false)),
            Err(error) => return Err(error),
        };
        for entry in packs {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "promisor") {
                return Ok((is_shallow, true));
            }
        }
        Ok((is_shallow, false))
    })
    .await
}
