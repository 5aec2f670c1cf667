//! Who has changed what.

use std::collections::BTreeMap;

use keirin_model::access::{ChangeOutcome, PrincipalKind};
use keirin_model::{AuditEntryId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A change that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its id; later ones have higher ones.
    pub id: AuditEntryId,
    /// When it was asked for.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: AuditPrincipal,
    /// The address that the call came from; `null` for a command on the server's own machine.
    #[schema(required)]
    pub address: Option<String>,
    /// Which change: an operation of the OpenAPI document, or a command.
    pub operation: String,
    /// What the operation does, in a few words.
    pub summary: String,
    /// The name that the project had, where it was about one.
    #[schema(required)]
    pub project: Option<String>,
    /// What it was about: the ids in the address, and what was set. Secrets are never in it.
    pub details: BTreeMap<String, String>,
    /// What became of it.
    pub outcome: ChangeOutcome,
    /// The HTTP status that it was answered with.
    #[schema(required)]
    pub status: Option<u16>,
    /// How the server's log names the call.
    pub request: String,
}

/// Who asked for a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditPrincipal {
    /// What they are; `null` where nobody had proved who they were.
    #[schema(required)]
    pub kind: Option<PrincipalKind>,
    /// The id of the person, the token, the agent or the attempt.
    #[schema(required)]
    pub id: Option<String>,
    /// Their name at that time: of a token it is its owner's.
    #[schema(required)]
    pub name: Option<String>,
}
