//! Who may do what: roles, rising from reading to everything, and those who have them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::status::{UnknownWord, words};

words! { "role",
    /// What a person or a token may do, in one project or in all. A higher role may do all that a lower one may.
    Role {
        /// Sees projects, flows, logs and results.
        Viewer = "viewer",
        /// Also starts, cancels and reruns flows.
        Developer = "developer",
        /// Also changes the project's settings and starts guarded stages.
        Maintainer = "maintainer",
        /// Also people, tokens, agents and the server itself.
        Admin = "admin",
    }
}

words! { "kind of principal",
    /// What somebody is who changes something.
    PrincipalKind {
        /// A person who has signed in.
        Person = "person",
        /// A program with a person's token.
        Token = "token",
        /// An agent.
        Agent = "agent",
        /// A job, by the token of its attempt.
        Job = "job",
        /// The program itself, at the word of whoever owns its machine.
        Service = "service",
    }
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

words! { "outcome of a change",
    /// What became of a change that somebody asked for.
    ChangeOutcome {
        /// It was made.
        Made = "made",
        /// It was refused: something about it was wrong.
        Refused = "refused",
        /// It failed: the server could not do it, at least not all of it.
        Failed = "failed",
        /// It is under way, or the server ended before it could say.
        Open = "open",
    }
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
