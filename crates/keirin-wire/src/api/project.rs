//! Projects and their branches.

use std::fmt;

use jiff::Timestamp;
use keirin_model::access::Role;
use keirin_model::project::Notice;
use keirin_model::{BranchId, FlowId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::flow::FlowSummary;

/// A repository and what runs for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Unique, and its name in addresses.
    pub name: String,
    /// URL of the repository, or its path on the server; of a path only the last part is shown to those who may not change
    /// the project.
    pub repository: String,
    /// Path of the workflow file in the repository where it is not one of the usual ones.
    #[schema(required)]
    pub workflow_file: Option<String>,
    /// Whether people who are not signed in may look at it.
    pub public: bool,
    /// Whether a credential for the repository is stored.
    pub has_credential: bool,
    /// The branch that flows run on unless another is named: the one that the repository presents first. `null` until
    /// the repository has been read.
    #[schema(required)]
    pub default_branch: Option<String>,
    /// What should be known until it is mended.
    pub notices: Vec<Notice>,
    /// What the caller may do here.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// The newest flow.
    #[schema(required)]
    pub latest_flow: Option<FlowSummary>,
}

/// Makes a project.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreateProject {
    /// 1 to 100 letters, digits, `.`, `_` and `-`, starting with a letter or digit.
    pub name: String,
    /// URL of the repository; a path on the server only from an admin.
    pub repository: String,
    /// Path of the workflow file in the repository where it is not one of the usual ones.
    #[serde(default)]
    pub workflow_file: Option<String>,
    /// Whether people who are not signed in may look at it.
    #[serde(default)]
    pub public: bool,
    /// What the repository asks for.
    #[serde(default)]
    pub credential: Option<Credential>,
}

/// Changes a project: what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ChangeProject {
    /// URL of the repository; a path on the server only from an admin. A new one drops the stored credential.
    #[serde(default)]
    pub repository: Option<String>,
    /// Path of the workflow file in the repository; an empty text goes back to the usual ones.
    #[serde(default)]
    pub workflow_file: Option<String>,
    /// Whether people who are not signed in may look at it.
    #[serde(default)]
    pub public: Option<bool>,
}

/// What a repository asks for. Stored encrypted, never shown again.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Credential {
    /// For `https://` and `http://`.
    Basic {
        /// The user name; many forges take any with a token.
        username: String,
        /// The password or token.
        password: String,
    },
    /// For ssh.
    SshKey {
        /// The private key as in its file, without a passphrase.
        private_key: String,
        /// Lines as in `known_hosts`; absent trusts what the server's own account trusts.
        #[serde(default)]
        known_hosts: Option<String>,
    },
}

impl fmt::Debug for Credential {
    /// Leaves the secret out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Basic { .. } => "Credential::Basic(***)",
            Self::SshKey { .. } => "Credential::SshKey(***)",
        })
    }
}

/// A branch of a project that flows run on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Branch {
    /// Its id.
    pub id: BranchId,
    /// The name in the repository.
    pub name: String,
    /// Whether flows run on it where nobody names a branch.
    pub is_default: bool,
    /// The newest commit that has been looked at for triggers.
    #[schema(required)]
    pub seen_commit: Option<String>,
    /// Since when the repository has it no more; `null` while it is there.
    #[schema(required)]
    pub gone_at: Option<Timestamp>,
    /// What the last push to it has done; `null` where none was seen.
    #[schema(required)]
    pub last_push: Option<Push>,
    /// How many flows it has had.
    pub flows: i64,
    /// The newest flow.
    #[schema(required)]
    pub latest_flow: Option<FlowSummary>,
}

/// What a push has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Push {
    /// The commit.
    pub commit: String,
    /// When it was found.
    pub at: Timestamp,
    /// The flows that it started.
    pub flows: Vec<PushedFlow>,
    /// Why a workflow started nothing, or why none did; a sentence each.
    pub reasons: Vec<String>,
}

/// A flow that a push started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PushedFlow {
    /// Its id.
    pub id: FlowId,
    /// Counts up within its project, from 1; a number may be left out.
    pub number: i64,
    /// The workflow's name.
    pub workflow: String,
    /// How many errors its workflow file has: with some it failed from the start.
    pub workflow_errors: u32,
}
