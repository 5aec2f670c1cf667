//! Lines in a row of one log, sharing one decoded chunk.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use keirin_wire::log::{Chunk, ChunkLine};

/// At least one line of a log, and those that follow it in its chunk.
#[derive(Debug, Clone)]
pub struct LogPart {
    chunk: Arc<Chunk>,
    chunk_line: u64,
    range: Range<u32>,
}

impl LogPart {
    /// The lines of a chunk from `line` on; `None` where it has none.
    pub(crate) fn from_line(chunk_line: u64, chunk: Arc<Chunk>, line: u64) -> Option<Self> {
        let start = u32::try_from(line.checked_sub(chunk_line)?).ok()?;
        let range = start..chunk.lines();
        (!range.is_empty()).then_some(Self {
            chunk,
            chunk_line,
            range,
        })
    }

    /// The number of the first line.
    pub fn first_line(&self) -> u64 {
        self.chunk_line + u64::from(self.range.start)
    }

    /// One more than the number of the last line.
    pub fn next_line(&self) -> u64 {
        self.chunk_line + u64::from(self.range.end)
    }

    /// The lines with their numbers. Their texts share one allocation.
    pub fn lines(&self) -> impl Iterator<Item = (u64, ChunkLine)> + '_ {
        (self.first_line()..).zip(self.chunk.slice(self.range.clone()))
    }

    /// All texts, joined by `\n`.
    pub fn text(&self) -> Bytes {
        let start = self
            .chunk
            .text_range(self.range.start)
            .map_or(0, |range| range.start);
        let end = self
            .chunk
            .text_range(self.range.end - 1)
            .map_or(0, |range| range.end);
        self.chunk.text().slice(start..end)
    }

    /// Whether one of the chunk's lines was cut.
    pub(crate) fn has_cut_lines(&self) -> bool {
        self.chunk.runs().iter().any(|run| run.tag.cut)
    }

    /// Those lines that are below `end`, if any.
    pub(crate) fn until(mut self, end: u64) -> Option<Self> {
        let lines = u32::try_from(end.checked_sub(self.chunk_line)?).unwrap_or(u32::MAX);
        self.range.end = self.range.end.min(lines);
        (!self.range.is_empty()).then_some(self)
    }

    pub(crate) fn chunk(&self) -> &Arc<Chunk> {
        &self.chunk
    }

    pub(crate) fn chunk_line(&self) -> u64 {
        self.chunk_line
    }

    pub(crate) fn range(&self) -> Range<u32> {
        self.range.clone()
    }
}
