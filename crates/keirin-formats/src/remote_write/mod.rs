//! Prometheus' remote write 1.0: samples between servers, in protocol buffers and compressed with Snappy's block format.
//!
//! Definition: <https://prometheus.io/docs/specs/prw/remote_write_spec/>.

mod decode;
mod encode;
mod messages;
#[cfg(test)]
mod properties;
mod scan;

pub use decode::{RemoteWriteError, RemoteWriteLimits, decode};
pub use encode::encode;

/// The header `Content-Type` of a call.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
/// The header `Content-Encoding` of a call.
pub const CONTENT_ENCODING: &str = "snappy";
/// The header that names the protocol's version.
pub const VERSION_HEADER: &str = "X-Prometheus-Remote-Write-Version";
/// The protocol's version.
pub const VERSION: &str = "0.1.0";
