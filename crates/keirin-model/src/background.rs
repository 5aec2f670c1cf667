//! Where a background job stands.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::UnknownWord;

/// Where a background job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_fn = UnknownWord::of::<BackgroundJobState>, parse_err_ty = UnknownWord)]
pub enum BackgroundJobState {
    /// It waits for its time, or for others of its kind.
    Waiting,
    /// It runs.
    Running,
    /// It has failed too often, and waits for a person.
    Dead,
}
