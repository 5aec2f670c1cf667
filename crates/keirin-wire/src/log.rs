//! Log lines and the chunks that carry them: the unit of sending, storing and reading.
//!
//! An encoded chunk is a short head in the clear and one zstd frame:
//!
//! | part | content |
//! |---|---|
//! | head | `K`, version, then as varints: lines, first time (zigzag, ms), bytes of the columns, bytes of the text |
//! | columns | each line's time as a zigzag varint (ms since the line before), then runs of equal [`LineTag`]s |
//! | text | the lines' texts, joined by `\n` |
//!
//! The text stays in one piece, so that searching a chunk is one pass of a regular expression over it.

mod chunk;
mod encode;
mod error;
mod varint;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use chunk::{Chunk, ChunkLimits, TaggedLines};
pub use encode::{ChunkBuilder, Effort};
pub use error::ChunkError;

/// The longest text of one line, in bytes. What writes lines cuts a longer one here and sets [`LineTag::cut`].
pub const LINE_BYTES: usize = 64 * 1024;

/// What stands behind a line that was cut, wherever people read it as text.
pub const CUT_MARK: &str = " [cut here: the line is longer]";

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// The standard output of a step's process.
    Output,
    /// The standard error of a step's process.
    Error,
    /// Keirin itself: what it did, and why something went wrong.
    Agent,
}

/// What most lines have in common with the line before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineTag {
    /// The step's place in the job, from 0; `None` for what belongs to no step.
    pub step: Option<u16>,
    /// Where the line came from.
    pub stream: Stream,
    /// The line went on, but what follows here was dropped.
    pub cut: bool,
}

/// Where the lines of one step lie in its log. Lines of other steps may stand between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepLines {
    /// The step's place in the job, from 0; `None` for what belongs to no step.
    pub step: Option<u16>,
    /// The number of its first line.
    pub first_line: u64,
    /// One more than the number of its last line.
    pub next_line: u64,
    /// How many lines it has.
    pub lines: u64,
    /// The number of its first line on [`Stream::Error`].
    pub first_error: Option<u64>,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkLine {
    /// When it was written, in whole milliseconds.
    pub time: Timestamp,
    /// The step's place in the job, from 0; `None` for what belongs to no step.
    pub step: Option<u16>,
    /// Where it came from.
    pub stream: Stream,
    /// The line went on, but what follows here was dropped.
    pub cut: bool,
    /// The text as the program wrote it, ANSI sequences included: any bytes but `\n`.
    pub text: Bytes,
}

impl ChunkLine {
    /// Step, stream and cut together.
    pub fn tag(&self) -> LineTag {
        LineTag {
            step: self.step,
            stream: self.stream,
            cut: self.cut,
        }
    }
}
