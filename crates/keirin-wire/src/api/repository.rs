//! Repositories whose history is among the facts, and imports.

use jiff::Timestamp;
use keirin_model::RepositoryId;
use keirin_model::facts::git::{Identity, MergedPullRequest, NewCommit, Tag};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A repository whose history is among the facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repository {
    /// Its id.
    pub id: RepositoryId,
    /// The project's name, or what an import was told.
    pub name: String,
    /// The project whose repository it is; the server reads its history by itself.
    #[schema(required)]
    pub project: Option<String>,
    /// The commits whose whole history is among the facts. A list leaves them out: there is one for each tag.
    pub heads: Vec<String>,
    /// When an import ended well last.
    #[schema(required)]
    pub imported_at: Option<Timestamp>,
    /// Why the last import by the server failed; `null` where it did not.
    #[schema(required)]
    pub last_error: Option<String>,
    /// How many commits are among the facts.
    pub commits: u64,
    /// How many proposed changes that were merged.
    pub pull_requests: u64,
    /// How many releases.
    pub releases: u64,
    /// How many people have written or put in commits; programs are not counted.
    pub people: u64,
    /// How many programs have.
    pub bots: u64,
}

/// Part of a repository's history. What is known already is passed over, so a part may be sent twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryPart {
    /// Whom names and addresses belong to. Each that a commit has must be here or in an earlier part. What was known of
    /// them before is replaced.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// Commits.
    #[serde(default)]
    pub commits: Vec<NewCommit>,
    /// Proposed changes that were merged.
    #[serde(default)]
    pub pull_requests: Vec<MergedPullRequest>,
    /// Releases.
    #[serde(default)]
    pub releases: Vec<Tag>,
}

/// What of a part was new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewFacts {
    /// How many commits.
    pub commits: u64,
    /// How many proposed changes that were merged.
    pub pull_requests: u64,
    /// How many releases.
    pub releases: u64,
}

/// The end of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FinishImport {
    /// The commits whose whole history has been sent, now or before. The next import reads what they do not reach.
    pub heads: Vec<String>,
    /// Whether commits that were known are not reached any more: history was rewritten. What the heads do not reach is
    /// forgotten.
    #[serde(default)]
    pub rewritten: bool,
    /// All tags that there are, with the commits that they lead to; the others are forgotten. Where absent, none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

impl std::ops::AddAssign for NewFacts {
    fn add_assign(&mut self, other: Self) {
        self.commits += other.commits;
        self.pull_requests += other.pull_requests;
        self.releases += other.releases;
    }
}
