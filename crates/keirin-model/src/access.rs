//! Who may do what: roles, rising from reading to everything, and those who have them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::UnknownWord;

/// What a person or a token may do, in one project or in all. A higher role may do all that a lower one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<Role>, parse_err_ty = UnknownWord)]
pub enum Role {
    /// Sees projects, flows, logs and results.
    Viewer,
    /// Also starts, cancels and reruns flows.
    Developer,
    /// Also changes the project's settings and starts guarded stages.
    Maintainer,
    /// Also people, tokens, agents and the server itself.
    Admin,
}

/// What somebody is who changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<PrincipalKind>, parse_err_ty = UnknownWord)]
pub enum PrincipalKind {
    /// A person who has signed in.
    Person,
    /// A program with a person's token.
    Token,
    /// An agent.
    Agent,
    /// A job, by the token of its attempt.
    Job,
    /// The program itself, at the word of whoever owns its machine.
    Service,
}

/// Somebody who changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// What they are.
    pub kind: PrincipalKind,
    /// The id of the person, the token, the agent or the attempt; a service has none.
    pub id: Option<i64>,
    /// Their name at that time: of a token it is its owner's.
    pub name: Option<String>,
}

/// What became of a change that somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<ChangeOutcome>, parse_err_ty = UnknownWord)]
pub enum ChangeOutcome {
    /// It was made.
    Made,
    /// It was refused: something about it was wrong.
    Refused,
    /// It failed: the server could not do it, at least not all of it.
    Failed,
    /// It is under way, or the server ended before it could say.
    Open,
}

impl ChangeOutcome {
    /// By the HTTP status that it was answered with.
    pub const fn of_status(status: u16) -> Self {
        match status {
            ..400 => Self::Made,
            400..500 => Self::Refused,
            500.. => Self::Failed,
        }
    }
}
