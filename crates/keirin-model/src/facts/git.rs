//! Facts of a repository's history: commits, the proposed changes that were merged, and releases.
//!
//! Ids of commits are hexadecimal. Names, addresses and texts are as somebody wrote them: from outside, and cut to a
//! length.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{PersonId, ProjectId, RepositoryId};

/// A repository whose history is among the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its id.
    pub id: RepositoryId,
    /// The project's name, or what an import was told.
    pub name: String,
    /// The project whose repository it is.
    pub project: Option<ProjectId>,
    /// The commits whose whole history is among the facts.
    pub heads: Vec<String>,
    /// When an import ended well last.
    pub imported_at: Option<Timestamp>,
    /// Why the last import failed; `None` where it did not.
    pub last_error: Option<String>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFact {
    /// The repository.
    pub repository: RepositoryId,
    /// Its id.
    pub id: String,
    /// The commits that it follows; several for a merge.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: Contributor,
    /// Who put it in.
    pub committer: Contributor,
    /// When it was written.
    pub authored_at: Timestamp,
    /// When it was put in.
    pub committed_at: Timestamp,
    /// The first paragraph of its message, on one line.
    pub subject: String,
    /// What it changed.
    pub changes: Changes,
    /// The lines at the end of its message that have a name and a value, such as `Signed-off-by`.
    pub trailers: Vec<Trailer>,
}

impl CommitFact {
    /// Whether it joins histories.
    pub fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }
}

/// Somebody who writes or puts in commits, as the repository's `.mailmap` names them now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Contributor {
    /// Who.
    pub person: PersonId,
    /// Whether it is a program.
    pub bot: bool,
}

/// What a commit changed against its parent; a first commit against nothing. A renamed file is one removed and one
/// added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Changes {
    /// How many files. Not counted for merges.
    #[schema(required)]
    pub files: Option<u32>,
    /// Lines added. Not counted for merges and where the repository does not hold all files; files that are no text
    /// have no lines.
    #[schema(required)]
    pub lines_added: Option<u64>,
    /// Lines removed; counted where [`Self::lines_added`] are.
    #[schema(required)]
    pub lines_removed: Option<u64>,
}

/// A line at the end of a commit's message: `name: value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Trailer {
    /// What stands before the colon.
    pub name: String,
    /// What stands after it.
    pub value: String,
}

/// A name and an address, neither checked by anybody.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema
)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// Whom a name and an address in commits belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Identity {
    /// As commits have it.
    pub signature: Signature,
    /// As the repository's `.mailmap` names that person.
    pub person: Signature,
    /// Whether that is a program.
    pub bot: bool,
}

/// A commit as it was read from a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NewCommit {
    /// Its id.
    pub id: String,
    /// The commits that it follows; several for a merge.
    pub parents: Vec<String>,
    /// Who wrote it, as the commit says.
    pub author: Signature,
    /// Who put it in, as the commit says.
    pub committer: Signature,
    /// When it was written.
    pub authored_at: Timestamp,
    /// When it was put in.
    pub committed_at: Timestamp,
    /// The first paragraph of its message, on one line.
    pub subject: String,
    /// What it changed.
    pub changes: Changes,
    /// The lines at the end of its message that have a name and a value.
    pub trailers: Vec<Trailer>,
}

/// A proposed change that was merged, as the message of a commit tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestFact {
    /// The repository.
    pub repository: RepositoryId,
    /// What the history tells of it.
    pub merged: MergedPullRequest,
}

/// What a history tells of a proposed change that was merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MergedPullRequest {
    /// The forge's number of it.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// A name on the forge where the history has it, else the name of a commit's author.
    pub author: String,
    /// Whether the author is a program.
    pub bot: bool,
    /// The branch that it was proposed from; `None` where the history does not tell.
    #[schema(required)]
    pub branch: Option<String>,
    /// The commit that merged it.
    pub merge_commit: String,
    /// When that was put in.
    pub merged_at: Timestamp,
    /// How many commits it brought: those that the merge reaches and its first parent does not, the merge itself not
    /// counted; 1 where it came as one commit.
    pub commits: u32,
    /// When the first of its commits was written. `None` where the history does not tell: a forge that makes one commit
    /// of a change may give it the time of the merge.
    #[schema(required)]
    pub first_commit_at: Option<Timestamp>,
}

/// A release: a tag on a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFact {
    /// The repository.
    pub repository: RepositoryId,
    /// The tag.
    pub tag: Tag,
}

/// A tag on a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tag {
    /// Its name, without `refs/tags/`.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// When the tag was made, or its commit where the tag does not say.
    pub at: Timestamp,
}

/// A commit's place in the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphCommit {
    /// Its id.
    pub id: String,
    /// The commits that it follows.
    pub parents: Vec<String>,
    /// When it was written.
    pub authored_at: Timestamp,
}

/// How many commits somebody wrote that were put in on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorDay {
    /// Who.
    pub author: Contributor,
    /// The day, in UTC.
    pub day: jiff::civil::Date,
    /// How many, merges not counted.
    pub commits: u64,
}
