//! Series in PostgreSQL, and the ways that samples come in and go out.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod batch;
pub mod chunk;
pub mod collect;
pub mod duration;
pub mod exchange;
pub mod forward;
pub mod http;
pub mod influx;
mod live;
pub mod pushgateway;
pub mod query;
pub mod relabel;
pub mod remote_write;
pub mod scrape;
pub mod sink;
pub mod source;
pub mod sql;
pub mod storage;
pub mod text;
pub mod transforms;
