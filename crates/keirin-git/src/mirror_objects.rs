//! Which objects a mirror holds: fetching single commits and the files that a partial clone has left out.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use crate::classify::{Scene, classify};
use crate::command::TRANSFER_TIMEOUT;
use crate::error::GitError;
use crate::mirror::{Mirror, in_background};
use crate::name::CommitId;

/// Deeper than this, history is fetched whole: walking it level by level would cost more.
const DEEPEST_WALK: u32 = 100;
/// How many objects are asked for at a time.
const BATCH: usize = 20_000;
/// How many commits are remembered to be complete.
const MOST_REMEMBERED: usize = 10_000;
/// A list of all that a mirror of a large repository lacks.
const OBJECT_LIST_LIMIT: usize = 512 * 1024 * 1024;

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

    /// Makes sure that the mirror holds the commit with all files of its last `depth` levels of history (`None`: of all of it),
    /// so that it can be served without asking the repository again. Call it before an agent is sent to the mirror, and always
    /// before the mirror's folder itself is used as a source.
    ///
    /// # Errors
    /// [`GitError::CommitNotFound`] and what keeps the repository from being reached.
    pub async fn ensure_commit(&self, commit: &CommitId, depth: Option<u32>) -> Result<(), GitError> {
        let depth = depth.filter(|depth| (1..=DEEPEST_WALK).contains(depth));
        // Held while working: who asks for the same commit waits instead of fetching it again.
        let mut complete = self.state.complete.lock().await;
        if !self.path.exists() {
            complete.clear();
        }
        let wanted = (commit.clone(), depth);
        if complete.contains(&wanted) || complete.contains(&(commit.clone(), None)) {
            return Ok(());
        }
        self.fetch_commit(commit).await?;
        if self.is_partial().await? {
            let missing = self.missing_objects(commit, depth).await?;
            for batch in missing.chunks(BATCH) {
                self.fetch_objects(batch).await?;
            }
        }
        if complete.len() >= MOST_REMEMBERED {
            complete.clear();
        }
        complete.insert(wanted);
        Ok(())
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

    async fn missing_objects(&self, commit: &CommitId, depth: Option<u32>) -> Result<Vec<String>, GitError> {
        let list = self
            .call([
                "rev-list",
                "--objects",
                "--no-object-names",
                "--missing=print",
                // Of all that is listed only what is missing is printed.
                "--quiet",
                "--stdin",
            ])
            .output_limit(OBJECT_LIST_LIMIT);
        let list = match depth {
            None => list.input(format!("{commit}\n")),
            Some(depth) => {
                let commits = self.last_levels(commit, depth).await?;
                let lines: String = commits.iter().map(|commit| format!("{commit}\n")).collect();
                list.argument("--no-walk=unsorted").input(lines)
            }
        };
        let listed = list.timeout(TRANSFER_TIMEOUT).ok_in(self.scene()).await?.text();
        Ok(listed
            .lines()
            .filter_map(|line| line.strip_prefix('?'))
            .map(str::to_owned)
            .collect())
    }

    /// The commits that a clone of that depth holds.
    async fn last_levels(&self, commit: &CommitId, depth: u32) -> Result<BTreeSet<String>, GitError> {
        let mut all = BTreeSet::from([commit.as_str().to_owned()]);
        let mut level = all.clone();
        for _ in 1..depth {
            let lines: String = level.iter().map(|commit| format!("{commit}\n")).collect();
            let call = self
                .call(["rev-list", "--parents", "--no-walk=unsorted", "--stdin"])
                .input(lines);
            let listed = call.ok_in(self.scene()).await?.text();
            let parents = listed
                .lines()
                .flat_map(|line| line.split(' ').skip(1))
                .map(str::to_owned);
            level = parents.filter(|parent| !all.contains(parent)).collect();
            if level.is_empty() {
                break;
            }
            all.extend(level.iter().cloned());
        }
        Ok(all)
    }

    async fn fetch_objects(&self, ids: &[String]) -> Result<(), GitError> {
        let arguments = [
            "fetch",
            "--no-tags",
            "--no-write-fetch-head",
            "--quiet",
            "--filter=blob:none",
            "--stdin",
            "origin",
        ];
        // What is asked for is known to be missing, so there is nothing to negotiate.
        let call = self
            .call(arguments)
            .config("fetch.negotiationAlgorithm", "noop")
            .input(ids.join("\n") + "\n");
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
}
