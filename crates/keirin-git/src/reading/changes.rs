//! How many files and lines commits change.
//!
//! Renames are followed as `git log --numstat -M` does, so the sums are git's own. Lines are counted where every file of
//! both sides is here: a partial clone is not made to fetch what it has left out, and files that a copy of a repository
//! has lost cost it a count and no more. Where lines are not counted, files are: of their ids alone, so that a file which
//! was renamed and changed at once counts as one removed and one added there.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::HistoryReader;
use super::fields::Fields;
use crate::command::Call;
use crate::error::GitError;
use crate::name::CommitId;

/// How many commits one git is asked about.
const AT_A_TIME: usize = 500;
/// The most that git may say about so many, in bytes: a folder that holds itself a million times would never end.
const OUTPUT_LIMIT: usize = 1024 * 1024 * 1024;
/// How long git may compare two large files.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many files of one commit are compared with each other to find renames: git's own default.
const RENAME_LIMIT: &str = "1000";
/// The kind of a submodule: its id is a commit of another repository.
const SUBMODULE: &[u8] = b"160000";

/// What a commit changes against its first parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeCount {
    /// How many files. A renamed one counts once; where lines are `None`, only if it was not changed as well.
    pub files: u32,
    /// Lines added and removed; `None` where files are not here.
    pub lines: Option<(u64, u64)>,
}

impl HistoryReader {
    /// What each of these commits changes, in their order. `counted` is told of progress, in commits.
    ///
    /// # Errors
    /// [`GitError::Incomplete`] or [`GitError::Corrupted`] where a folder is missing or a file is damaged, and
    /// [`GitError::TooMuchOutput`].
    pub async fn changes(
        &self,
        commits: &[CommitId],
        counted: impl Fn(usize),
    ) -> Result<Vec<ChangeCount>, GitError> {
        let at_once = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8));
        let parts: Vec<_> = commits
            .chunks(AT_A_TIME)
            .map(|part| self.clone().changes_of(part.to_vec()))
            .collect();
        let mut done = stream::iter(parts).buffered(at_once);
        let mut changes = Vec::with_capacity(commits.len());
        while let Some(part) = done.try_next().await? {
            counted(part.len());
            changes.extend(part);
        }
        Ok(changes)
    }

    async fn changes_of(self, commits: Vec<CommitId>) -> Result<Vec<ChangeCount>, GitError> {
        let places: HashMap<&[u8], usize> =
            commits.iter().map(|id| id.as_str().as_bytes()).zip(0..).collect();
        let touched = self.touched(&commits, &places).await?;
        let mut changes: Vec<ChangeCount> = touched
            .files
            .iter()
            .map(|files| ChangeCount {
                files: *files,
                lines: None,
            })
            .collect();
        if self.is_partial {
            return Ok(changes);
        }
        let missing = self.missing(&touched.contents).await?;
        let whole = |at: &usize| {
            let contents = &touched.contents[touched.of_commit[*at].clone()];
            !contents.iter().any(|id| missing.contains(id))
        };
        let countable: Vec<&CommitId> = (0..commits.len()).filter(whole).map(|at| &commits[at]).collect();
        for id in &countable {
            changes[places[id.as_str().as_bytes()]] = ChangeCount {
                files: 0,
                lines: Some((0, 0)),
            };
        }
        self.count_lines(&countable, |commit, added, removed| {
            let Some(change) = places.get(commit).and_then(|at| changes.get_mut(*at)) else {
                return;
            };
            change.files = change.files.saturating_add(1);
            if let Some((all_added, all_removed)) = change.lines.as_mut() {
                *all_added += added;
                *all_removed += removed;
            }
        })
        .await?;
        Ok(changes)
    }

    /// Which files the commits touch, by number and by content.
    async fn touched(
        &self,
        commits: &[CommitId],
        places: &HashMap<&[u8], usize>,
    ) -> Result<Touched, GitError> {
        let mut touched = Touched {
            files: vec![0; commits.len()],
            contents: Vec::new(),
            of_commit: vec![0..0; commits.len()],
        };
        // Renames are told by equal ids, which needs no file.
        let call = self.diff(["--raw", "--no-abbrev", "--find-renames=100%"]);
        let (mut at, mut paths) = (None, 0);
        self.say(call, commits.iter(), |field| {
            if paths > 0 {
                paths -= 1;
            } else if let Some(entry) = field.strip_prefix(b":") {
                paths = if is_rename(entry) { 2 } else { 1 };
                let Some(at) = at else { return };
                touched.take(at, entry);
            } else {
                at = places.get(field.trim_ascii()).copied();
            }
        })
        .await?;
        Ok(touched)
    }

    /// Those of the files' contents that are not here.
    async fn missing(&self, contents: &[Vec<u8>]) -> Result<HashSet<Vec<u8>>, GitError> {
        let wanted: HashSet<&Vec<u8>> = contents.iter().collect();
        if wanted.is_empty() {
            return Ok(HashSet::new());
        }
        let mut input = Vec::new();
        for id in wanted {
            input.extend_from_slice(id);
            input.push(b'\n');
        }
        // In somebody's partial clone the second would try to fetch, and the first stumbles over damaged files.
        let call = if self.is_marked {
            self.call(["rev-list", "--no-walk=unsorted", "--objects", "--no-object-names"])
                .argument("--missing=print")
                .argument("--ignore-missing")
                .argument("--stdin")
        } else {
            self.call(["cat-file", "--batch-check=%(objectname)", "--buffer"])
        };
        let call = call.input(input).output_limit(OUTPUT_LIMIT).timeout(PATIENCE);
        let answers = self.ok(call).await?.output;
        let lines = answers.split(|byte| *byte == b'\n');
        let here: HashSet<&[u8]> = lines.filter(|line| !line.ends_with(b" missing")).collect();
        let missing = contents.iter().filter(|id| !here.contains(id.as_slice()));
        Ok(missing.cloned().collect())
    }

    async fn count_lines(
        &self,
        commits: &[&CommitId],
        mut each: impl FnMut(&[u8], u64, u64),
    ) -> Result<(), GitError> {
        if commits.is_empty() {
            return Ok(());
        }
        let call = self.diff(["--numstat", "--diff-algorithm=myers", "--find-renames"]);
        let (mut commit, mut paths) = (Vec::new(), 0);
        self.say(call, commits.iter().copied(), |field| {
            if paths > 0 {
                paths -= 1;
                return;
            }
            let mut parts = field.splitn(3, |byte| *byte == b'\t');
            match (parts.next(), parts.next(), parts.next()) {
                // A file that is no text has a dash in place of a number; the two names of a renamed one follow.
                (Some(added), Some(removed), Some(path)) => {
                    paths = if path.is_empty() { 2 } else { 0 };
                    each(&commit, number(added), number(removed));
                }
                _ => commit = field.trim_ascii().to_vec(),
            }
        })
        .await
    }

    /// Compares commits that are named on the input with their first parents, and first commits with nothing.
    fn diff<const N: usize>(&self, options: [&str; N]) -> Call {
        let call = self.call(["diff-tree", "--stdin", "-r", "-z", "--root"]);
        let plain = ["--no-ext-diff", "--no-textconv", "--ignore-submodules=none"];
        let call = plain.iter().chain(&options).fold(call, Call::argument);
        call.config("diff.renameLimit", RENAME_LIMIT).timeout(PATIENCE)
    }

    async fn say<'a>(
        &self,
        call: Call,
        commits: impl Iterator<Item = &'a CommitId>,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), GitError> {
        let input: String = commits.flat_map(|id| [id.as_str(), "\n"]).collect();
        let mut stream = Box::pin(call.stream(stream::iter([Ok(input.into())]))?);
        let (mut fields, mut said) = (Fields::default(), 0);
        while let Some(piece) = stream.try_next().await.map_err(|error| self.explain(error))? {
            said += piece.len();
            if said > OUTPUT_LIMIT {
                return Err(GitError::TooMuchOutput {
                    what: "git diff-tree".to_owned(),
                    limit_bytes: OUTPUT_LIMIT as u64,
                });
            }
            fields.take(&piece, &mut each);
        }
        Ok(())
    }
}

/// Which files some commits touch.
struct Touched {
    /// How many, of each commit.
    files: Vec<u32>,
    /// The ids of their contents, before and after.
    contents: Vec<Vec<u8>>,
    /// Which of those are each commit's.
    of_commit: Vec<Range<usize>>,
}

impl Touched {
    /// `MODE MODE ID ID STATUS`: before and after.
    fn take(&mut self, at: usize, entry: &[u8]) {
        let words: Vec<&[u8]> = entry.split(|byte| *byte == b' ').collect();
        let [mode_before, mode_after, before, after, ..] = words[..] else {
            return;
        };
        self.files[at] = self.files[at].saturating_add(1);
        if self.of_commit[at].is_empty() {
            self.of_commit[at] = self.contents.len()..self.contents.len();
        }
        for (mode, id) in [(mode_before, before), (mode_after, after)] {
            let is_absent = id.iter().all(|digit| *digit == b'0');
            if mode != SUBMODULE && !is_absent {
                self.contents.push(id.to_vec());
            }
        }
        self.of_commit[at].end = self.contents.len();
    }
}

/// `MODE MODE ID ID STATUS`, where a rename's status is `R` with a likeness.
fn is_rename(entry: &[u8]) -> bool {
    let status = entry.rsplit(|byte| *byte == b' ').next();
    status.is_some_and(|status| status.starts_with(b"R"))
}

fn number(digits: &[u8]) -> u64 {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}
