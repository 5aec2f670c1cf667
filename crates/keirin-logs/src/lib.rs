//! Logs of jobs, agents and services: one store, in which each log has labels and numbered lines.
//!
//! Lines arrive, are kept and are read as chunks ([`keirin_wire::log`]). A small chunk lies in its row, a large one is an
//! object that is written and synced before its row, so what has been acknowledged survives a crash anywhere. Chunks of
//! a log follow one another without gap; when the log is closed its small chunks are merged.
//!
//! | to | use |
//! |---|---|
//! | begin and end a log | [`Logs::open`], [`Logs::close`] |
//! | add lines | [`Logs::append`] (numbered, can be repeated), [`Logs::write`] (at the end) |
//! | read | [`Logs::summary`], [`Logs::read`], [`Logs::follow`], [`Logs::download`], [`Logs::search`] |
//! | merge small chunks | [`Logs::seal`] |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod admit;
mod append;
mod background;
mod body;
mod commit;
mod error;
mod follow;
mod live;
mod logs;
mod part;
mod read;
mod seal;
mod search;
mod steps;

pub use background::background_works;
pub use error::LogError;
pub use keirin_store::logs::{LogFilter, LogRow as LogSummary, LogSource};
pub use logs::{LogSettings, Logs};
pub use part::LogPart;
pub use read::LogTimestamps;
pub use seal::Sealed;
pub use search::{Match, Pattern, PatternError, SearchItem, SearchQuery};
