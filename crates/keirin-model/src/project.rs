//! Projects and their branches.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::UnknownWord;
use crate::{BranchId, FlowId, ProjectId};

/// A repository and what runs for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Unique; see [`check_project_name`].
    pub name: String,
    /// URL or path of the repository.
    pub repository: String,
    /// Path of the workflow file in the repository where it is not one of the usual ones.
    pub workflow_file: Option<String>,
    /// Whether people who are not signed in may look at it.
    pub public: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a flow runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<BranchKind>, parse_err_ty = UnknownWord)]
pub enum BranchKind {
    /// A branch.
    Branch,
    /// A tag.
    Tag,
}

/// A branch or tag of a project that flows run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// Its id.
    pub id: BranchId,
    /// The project.
    pub project: ProjectId,
    /// Which of the two it is; a branch and a tag may have the same name.
    pub kind: BranchKind,
    /// The name in the repository.
    pub name: String,
    /// Where it stood when it was last looked at for triggers: a commit, or the object that an annotated tag is.
    pub seen_commit: Option<String>,
    /// Since when the repository has it no more.
    pub gone_at: Option<Timestamp>,
}

/// What a push to a branch or tag has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushRecord {
    /// The commit.
    pub commit: String,
    /// When it was found.
    pub at: Timestamp,
    /// The flows that it started.
    pub flows: Vec<FlowId>,
    /// Why a workflow started nothing, or why none did; a sentence each.
    pub reasons: Vec<String>,
}

/// What a notice of a project is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<NoticeKind>, parse_err_ty = UnknownWord)]
pub enum NoticeKind {
    /// The repository cannot be read.
    Repository,
    /// The repository has no commit.
    Empty,
    /// A workflow file on the default branch is broken.
    Workflow,
    /// So much was pushed at once that it started nothing.
    TooMany,
}

/// Something about a project that somebody should know and that goes away once it is mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// What is the matter, in a sentence.
    pub text: String,
    /// What to do, in a sentence.
    pub fix: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why a name cannot be a project's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be a project's name: use 1 to 100 letters, digits, `.`, `_` and `-`, starting with a letter or digit"
)]
pub struct InvalidProjectName(String);

/// Checks a project's name; it stands in URLs and paths, so it holds nothing that either would read otherwise.
///
/// # Errors
/// Says what a name may hold.
pub fn check_project_name(name: &str) -> Result<(), InvalidProjectName> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    let holds_only_good = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if starts_well && holds_only_good && name.len() <= 100 && !name.ends_with(".git") {
        Ok(())
    } else {
        Err(InvalidProjectName(name.chars().take(120).collect()))
    }
}

/// Why a name cannot be a repository's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be a repository's name: use 1 to 200 letters, digits, `.`, `_`, `-` and `/`, starting with a letter \
     or digit"
)]
pub struct InvalidRepositoryName(String);

/// Checks the name that a repository's history is imported under, such as `tools` or `owner/tools`.
///
/// # Errors
/// Says what a name may hold.
pub fn check_repository_name(name: &str) -> Result<(), InvalidRepositoryName> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    let holds_only_good = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'));
    if starts_well && holds_only_good && name.len() <= 200 {
        Ok(())
    } else {
        Err(InvalidRepositoryName(name.chars().take(220).collect()))
    }
}
