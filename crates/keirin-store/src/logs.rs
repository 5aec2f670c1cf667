//! Logs: their streams, and the pointers to their chunks.

mod chunks;
mod rows;
mod streams;

pub use rows::{ChunkBody, Extent, Growth, LogChunkRow, LogFilter, LogRow, LogSource, OpenedLog};
