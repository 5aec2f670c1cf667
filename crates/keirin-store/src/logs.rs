//! Logs: their streams, and the pointers to their chunks.

mod chunks;
mod rows;
mod streams;

pub use rows::{ChunkBody, ChunkRow, Extent, Growth, LogFilter, LogSource, OpenedLog, StreamRow};
