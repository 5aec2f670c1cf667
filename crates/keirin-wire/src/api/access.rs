//! People, their roles, tokens and sessions.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use keirin_model::access::Role;
use keirin_model::{TokenId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Unique.
    pub name: String,
    /// What they may do in all projects; `null` where only their projects' roles count.
    #[schema(required)]
    pub role: Option<Role>,
    /// Roles in single projects.
    pub projects: Vec<ProjectRole>,
    /// Whether they are kept out for now.
    pub disabled: bool,
    /// Whether they can sign in by a password.
    pub has_password: bool,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they last signed in.
    #[schema(required)]
    pub signed_in_at: Option<Timestamp>,
}

/// What somebody may do in one project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectRole {
    /// The project's name.
    pub project: String,
    /// What they may do there.
    pub role: Role,
}

/// Adds a person.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreateUser {
    /// 1 to 64 letters, digits, `.`, `_`, `-` and `@`.
    pub name: String,
    /// What they may do in all projects.
    #[serde(default)]
    pub role: Option<Role>,
    /// At least 10 characters. Without one they sign in by a link.
    #[serde(default)]
    pub password: Option<String>,
}

impl fmt::Debug for CreateUser {
    /// Leaves the secret out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CreateUser")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Changes a person: what is absent stays.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ChangeUser {
    /// What they may do in all projects.
    #[serde(default)]
    pub role: Option<Role>,
    /// `true` takes the role in all projects away.
    #[serde(default)]
    pub no_role: bool,
    /// `true` keeps them out and ends their sessions.
    #[serde(default)]
    pub disabled: Option<bool>,
    /// A new password; it ends their sessions.
    #[serde(default)]
    pub password: Option<String>,
    /// `true` ends all their tokens.
    #[serde(default)]
    pub revoke_tokens: bool,
}

impl fmt::Debug for ChangeUser {
    /// Leaves the secret out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ChangeUser")
            .field("role", &self.role)
            .field("no_role", &self.no_role)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// A person with a role in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// Their id.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// What they may do in the project.
    pub role: Role,
}

/// Gives a person a role in a project.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct SetMember {
    /// What they may do in the project.
    pub role: Role,
}

/// Signs a person in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SignIn {
    /// Their name.
    pub name: String,
    /// Their password.
    pub password: String,
}

impl fmt::Debug for SignIn {
    /// Leaves the secret out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignIn")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Sets one's own password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewPassword {
    /// The present one; absent where there is none yet.
    #[serde(default)]
    pub current: Option<String>,
    /// At least 10 characters.
    pub new: String,
    /// Whether all one's tokens end too. Sessions always do.
    #[serde(default)]
    pub revoke_tokens: bool,
}

impl fmt::Debug for NewPassword {
    /// Leaves the secrets out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NewPassword").finish_non_exhaustive()
    }
}

/// A link that signs a person in once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SignInLink {
    /// Where to go.
    pub url: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl fmt::Debug for SignInLink {
    /// Leaves the secret out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignInLink")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// How the server knows.
    pub kind: IdentityKind,
    /// The person; for a token, whose it is.
    #[schema(required)]
    pub user: Option<UserId>,
    /// Their name.
    #[schema(required)]
    pub name: Option<String>,
    /// What the caller may do in all projects.
    #[schema(required)]
    pub role: Option<Role>,
    /// What the caller may do in single projects.
    pub projects: Vec<ProjectRole>,
    /// Whether the person can sign in by a password.
    pub has_password: bool,
    /// When the session or the token ends.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
    /// The server's version.
    pub version: String,
}

/// How the server knows who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// It does not.
    Nobody,
    /// By the cookie of somebody who signed in.
    Session,
    /// By an API token.
    Token,
}

/// A secret that lets a program or an agent in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What it is for, in words of its owner.
    pub name: String,
    /// What it opens.
    pub kind: TokenKind,
    /// How the secret begins, to tell it from others.
    pub prefix: String,
    /// Its owner's name.
    pub owner: String,
    /// The most that it may do; `null` for a join token.
    #[schema(required)]
    pub role: Option<Role>,
    /// The only project that it opens; `null` for all that its owner may see.
    #[schema(required)]
    pub project: Option<String>,
    /// The only groups that agents which it lets in may be in; empty for any. Always empty for an API token.
    pub groups: BTreeSet<String>,
    /// How many more agents it lets in; `null` for any number.
    #[schema(required)]
    pub uses_left: Option<i32>,
    /// The token that it was made with and ends with; `null` where a person made it.
    #[schema(required)]
    pub parent: Option<TokenId>,
    /// Whether it may make others, and links by which people sign in.
    pub can_create_tokens: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `null` for never.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    #[schema(required)]
    pub used_at: Option<Timestamp>,
}

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// The API, for a program.
    Api,
    /// The door for a new agent.
    Join,
}

/// Makes a token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreateToken {
    /// What it opens.
    pub kind: TokenKind,
    /// What it is for.
    #[serde(default)]
    pub name: Option<String>,
    /// The most that it may do, for an API token: `viewer` where absent, never more than the caller may.
    #[serde(default)]
    pub role: Option<Role>,
    /// The only project that it opens, for an API token.
    #[serde(default)]
    pub project: Option<String>,
    /// The only groups that agents may be in, for a join token.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// How many agents it lets in, for a join token; any number where absent.
    #[serde(default)]
    pub uses: Option<i32>,
    /// How long it works, in seconds; 90 days for an API token and one day for a join token where absent. A token that
    /// is made with another ends with that one at the latest.
    #[serde(default)]
    pub expires_in_seconds: Option<i64>,
    /// Whether an API token may make others, and links by which people sign in.
    #[serde(default)]
    pub can_create_tokens: bool,
}

/// A new token. The secret is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// Its id.
    pub id: TokenId,
    /// The secret.
    pub token: String,
    /// When it ends; `null` for never.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for CreatedToken {
    /// Leaves the secret out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CreatedToken")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
