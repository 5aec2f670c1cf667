//! Facts: what has happened, written down once and not changed.

pub mod git;
pub mod work;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::UnknownWord;

/// A kind of fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<FactKind>, parse_err_ty = UnknownWord)]
pub enum FactKind {
    /// A commit.
    Commit,
    /// A proposed change that was merged.
    PullRequest,
    /// A tag.
    Release,
    /// A flow that finished.
    Flow,
    /// A stage run that finished.
    Run,
    /// A job that finished.
    Job,
    /// An attempt that finished.
    Attempt,
}
