//! The formats that samples come in and go out in. No I/O: bytes in, samples out, and the other way round.
//!
//! Whatever is read becomes [`batch::Received`]: a line or series that cannot be read is refused alone, with which it was and
//! why ([`refusal`]). How much may be read at once is told to each reader, because whoever sends is not to be trusted with
//! memory.
//!
//! | format | read by | written by |
//! |---|---|---|
//! | Prometheus' text and OpenMetrics | [`text::read`], piece by piece [`text::TextReader`] | [`text::write`] in [`text::TextFormat::negotiated`] |
//! | remote write | [`remote_write::decode`] of the body as it arrived | [`remote_write::encode`] |
//! | InfluxDB's lines | [`influx::read`] of the text, then [`influx::into_samples`] with the [`influx::Precision`] of the address | [`influx::from_batch`], then [`influx::write`] |
//! | a Pushgateway's pushes | [`pushgateway::grouping`] of the path, [`pushgateway::read_body`] | |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod batch;
pub mod influx;
mod protobuf;
pub mod pushgateway;
pub mod refusal;
pub mod remote_write;
pub mod text;
