//! The commits of a history, parents before their children.

use futures::{TryStreamExt as _, stream};
use jiff::Timestamp;

use super::HistoryReader;
use super::fields::Fields;
use crate::error::GitError;
use crate::name::CommitId;

/// How long git may say nothing while it walks a large history.
pub(super) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// Id, parents, time, then author and committer as written and as `.mailmap` has them.
const GRAPH_FORMAT: &str = "--format=%H%x00%P%x00%at%x00%an%x00%ae%x00%aN%x00%aE%x00%cn%x00%ce%x00%cN%x00%cE";
const GRAPH_FIELDS: usize = 11;
/// Id, parents, author, committer, each with a time, then subject, body, and the trailers as git reads them.
const COMMIT_FORMAT: &str = "--format=%H%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%s%x00%b%x00%(trailers:only=true,unfold=true)";
const COMMIT_FIELDS: usize = 11;

/// A name and an address, neither checked by anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// As the commit says.
    pub name: String,
    /// As the commit says.
    pub email: String,
}

/// A commit's place in the history, and its people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphLine {
    /// Its id.
    pub id: CommitId,
    /// The commits that it follows.
    pub parents: Vec<CommitId>,
    /// When it was written; 1970 where that cannot be read.
    pub authored_at: Timestamp,
    /// The author, and the committer: each as the commit has it, and as `.mailmap` has it.
    pub people: [(Person, Person); 2],
}

/// A commit as the log has it. Texts are as their author wrote them: from outside, each cut at 65,536 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedCommit {
    /// Its id.
    pub id: CommitId,
    /// The commits that it follows; several for a merge.
    pub parents: Vec<CommitId>,
    /// Who wrote it, as the commit says.
    pub author: Person,
    /// When it was written; 1970 where that cannot be read.
    pub authored_at: Timestamp,
    /// Who put it in, as the commit says.
    pub committer: Person,
    /// When it was put in; 1970 where that cannot be read.
    pub committed_at: Timestamp,
    /// The first paragraph of the message, on one line.
    pub subject: String,
    /// The rest of the message.
    pub body: String,
    /// The trailers, by git's own definition: names and values.
    pub trailers: Vec<(String, String)>,
}

impl HistoryReader {
    /// How many commits `heads` reach and `known` do not.
    ///
    /// # Errors
    /// [`GitError::Incomplete`] or [`GitError::Corrupted`] where history is missing.
    pub async fn count(&self, heads: &[CommitId], known: &[CommitId]) -> Result<u64, GitError> {
        let call = self
            .call(["rev-list", "--count", "--stdin"])
            .input(range(heads, known))
            .timeout(PATIENCE);
        let text = self.ok(call).await?.text();
        Ok(text.trim().parse().unwrap_or(0))
    }

    /// Every commit that `heads` reach, parents first: the shape of the history and its people.
    ///
    /// # Errors
    /// [`GitError::Incomplete`] or [`GitError::Corrupted`] where history is missing.
    pub async fn graph(&self, heads: &[CommitId], mut each: impl FnMut(GraphLine)) -> Result<(), GitError> {
        self.log(GRAPH_FORMAT, GRAPH_FIELDS, range(heads, &[]), |fields| {
            let person = |at: usize| Person {
                name: fields[at].clone(),
                email: fields[at + 1].clone(),
            };
            each(GraphLine {
                id: CommitId::parse(&fields[0])?,
                parents: parents(&fields[1])?,
                authored_at: time(&fields[2]),
                people: [(person(3), person(5)), (person(7), person(9))],
            });
            Ok(())
        })
        .await
    }

    /// The commits that `heads` reach and `known` do not, parents first.
    ///
    /// # Errors
    /// [`GitError::Incomplete`] or [`GitError::Corrupted`] where history is missing.
    pub async fn commits(
        &self,
        heads: &[CommitId],
        known: &[CommitId],
        mut each: impl FnMut(LoggedCommit),
    ) -> Result<(), GitError> {
        self.log(COMMIT_FORMAT, COMMIT_FIELDS, range(heads, known), |fields| {
            let person = |at: usize| Person {
                name: fields[at].clone(),
                email: fields[at + 1].clone(),
            };
            each(LoggedCommit {
                id: CommitId::parse(&fields[0])?,
                parents: parents(&fields[1])?,
                author: person(2),
                authored_at: time(&fields[4]),
                committer: person(5),
                committed_at: time(&fields[7]),
                subject: fields[8].clone(),
                body: fields[9].clone(),
                trailers: trailers(&fields[10]),
            });
            Ok(())
        })
        .await
    }

    async fn log(
        &self,
        format: &str,
        count: usize,
        input: String,
        mut each: impl FnMut(&[String]) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        let call = self
            .call([
                "log",
                "-z",
                "--stdin",
                "--topo-order",
                "--reverse",
                "--no-mailmap",
            ])
            .argument("--no-show-signature")
            .argument("--encoding=UTF-8")
            .argument(format)
            .timeout(PATIENCE);
        let mut stream = Box::pin(call.stream(stream::iter([Ok(input.into())]))?);
        let (mut fields, mut commit) = (Fields::default(), Vec::with_capacity(count));
        while let Some(piece) = stream.try_next().await.map_err(|error| self.explain(error))? {
            let mut faulty = None;
            fields.take(&piece, |field| {
                commit.push(String::from_utf8_lossy(field).into_owned());
                if commit.len() == count {
                    faulty = faulty.take().or(each(&commit).err());
                    commit.clear();
                }
            });
            if let Some(error) = faulty {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// What stands on git's input to name a part of the history. With no head at all nothing is meant, not `HEAD`.
pub(super) fn range(heads: &[CommitId], known: &[CommitId]) -> String {
    let known = known.iter().map(|id| format!("^{id}\n"));
    heads.iter().map(|id| format!("{id}\n")).chain(known).collect()
}

fn parents(text: &str) -> Result<Vec<CommitId>, GitError> {
    let ids = text.split_whitespace().map(CommitId::parse);
    Ok(ids.collect::<Result<_, _>>()?)
}

pub(super) fn time(seconds: &str) -> Timestamp {
    let parsed = seconds.parse().ok();
    parsed
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

fn trailers(text: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    text.lines().filter_map(pair).collect()
}
