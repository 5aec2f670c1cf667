//! Lists by the page: how many, and where to go on.

use std::str::FromStr;

use serde::Deserialize;

use crate::error::ApiError;

/// The most entries of a page.
const MOST: u32 = 200;

/// How many entries a page has where nobody says.
const USUAL: u32 = 50;

/// How many entries a page is to have.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(crate) struct Limit(u32);

impl Limit {
    /// Within what a page may hold.
    pub(crate) fn or_default(limit: Option<Self>) -> u32 {
        limit.map_or(USUAL, |limit| limit.0.clamp(1, MOST))
    }
}

/// Reads a cursor that an earlier page gave.
pub(crate) fn cursor<Id: FromStr>(text: Option<&str>) -> Result<Option<Id>, ApiError> {
    text.map(Id::from_str).transpose().map_err(|_| {
        ApiError::invalid(
            "The cursor is none that a page has given.",
            "Give `next_cursor` of the page before, or none to begin at the start.",
        )
    })
}
