//! Lists by the page: how many, and where to go on.

use std::str::FromStr;

use keirin_wire::api::Page;
use serde::Deserialize;
use utoipa::IntoParams;

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

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, at most 200; 50 where absent.
    #[param(value_type = Option<u32>)]
    limit: Option<Limit>,
}

impl PageQuery {
    pub(crate) fn limit(&self) -> u32 {
        Limit::or_default(self.limit)
    }

    /// The id after which to go on.
    pub(crate) fn after<Id: FromStr>(&self) -> Result<Option<Id>, ApiError> {
        cursor(self.cursor.as_deref())
    }

    /// The name after which to go on, without what no text in the database can hold.
    pub(crate) fn after_name(&self) -> Option<String> {
        self.cursor.as_ref().map(|cursor| cursor.replace('\0', ""))
    }
}

/// A page of rows, of which one more was asked for than it holds.
pub(crate) fn page<Row, Item>(
    mut rows: Vec<Row>,
    limit: u32,
    cursor: impl FnOnce(&Row) -> String,
    item: impl FnMut(Row) -> Item,
) -> Page<Item> {
    let is_last = rows.len() <= limit as usize;
    rows.truncate(limit as usize);
    Page {
        next_cursor: rows.last().filter(|_| !is_last).map(cursor),
        items: rows.into_iter().map(item).collect(),
    }
}
