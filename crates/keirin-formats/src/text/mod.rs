//! The text formats that metrics are exposed in: Prometheus' own and OpenMetrics.
//!
//! Definitions: <https://prometheus.io/docs/instrumenting/exposition_formats/> (versions 0.0.4 and 1.0.0, the latter
//! with quoted names in UTF-8) and <https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>
//! (1.0). What comes in is read as both definitions allow, with every bound that the reader is told; what goes out keeps
//! to the stricter reading of them.

mod families;
mod format;
mod line;
mod names;
mod number;
#[cfg(test)]
mod properties;
mod reader;
mod writer;

use keirin_model::series::{Labels, Sample};

pub use families::family_of;
pub use format::TextFormat;
pub use names::{is_plain_label, is_plain_metric};
pub use reader::TextReader;
pub use writer::{SampleTimestamps, write};

use crate::batch::{Batch, Metadata, Received};
use crate::refusal::RefusedItems;

/// How much one text may hold. Whoever exposes metrics is not to be trusted with memory. Too many samples refuse the whole
/// text, every other limit the line alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextLimits {
    /// Samples in all.
    pub samples: usize,
    /// Bytes of a line.
    pub line_bytes: usize,
    /// Labels of a series, the metric's name among them.
    pub labels: usize,
    /// Bytes of a label's name, and of a metric's.
    pub name_bytes: usize,
    /// Bytes of a label's value.
    pub value_bytes: usize,
}

impl Default for TextLimits {
    fn default() -> Self {
        Self {
            samples: 100_000,
            line_bytes: 64 * 1024,
            labels: 64,
            name_bytes: 512,
            value_bytes: 4096,
        }
    }
}

/// A sample as a text says it: the time may be left to whoever reads.
#[derive(Debug, Clone, PartialEq)]
pub struct TextSample {
    /// Of which series.
    pub labels: Labels,
    /// The value.
    pub value: f64,
    /// Milliseconds since 1970, where the text says.
    pub time_ms: Option<i64>,
}

/// Everything that a text exposes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exposition {
    /// In the order of the text.
    pub samples: Vec<TextSample>,
    /// Each metric that something was said of, in the order of the text.
    pub metadata: Vec<Metadata>,
    /// Lines that are none of the format's, or pass a limit.
    pub refused: RefusedItems,
}

impl Exposition {
    /// As samples at a time, where the text has none of its own.
    pub fn received(self, now_ms: i64) -> Received {
        let at = |sample: TextSample| {
            let time_ms = sample.time_ms.unwrap_or(now_ms);
            (sample.labels, vec![Sample::new(time_ms, sample.value)])
        };
        Received {
            batch: Batch {
                series: self.samples.into_iter().map(at).collect(),
                metadata: self.metadata,
            },
            refused: self.refused,
        }
    }
}

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {reason}")]
pub struct TextError {
    /// Counted from 1.
    pub line: u64,
    /// Goes on where "line 3" begins.
    pub reason: String,
}

/// Reads a whole text. A line that cannot be read is refused alone.
///
/// # Errors
/// No line can be read, there are too many samples, or the text was cut off.
pub fn read(text: &[u8], format: TextFormat, limits: TextLimits) -> Result<Exposition, TextError> {
    let mut reader = TextReader::new(format, limits);
    reader.push(text)?;
    reader.finish()
}
