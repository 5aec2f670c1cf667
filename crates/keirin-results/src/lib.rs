//! Reads the report files that test tools leave. No I/O: bytes in, results out.

mod junit;
mod text;

pub use junit::{ReadError, read_junit};
