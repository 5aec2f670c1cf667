//! Series in PostgreSQL, and the ways that samples come in and go out.

pub mod chunk;
pub mod storage;
pub mod transforms;
