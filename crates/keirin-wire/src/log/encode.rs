//! Lines to a chunk.

use bytes::Bytes;
use jiff::Timestamp;
use zstd::zstd_safe::CParameter;

use super::{Chunk, ChunkError, ChunkLine, LineTag, Stream, TaggedLines, varint};

pub(super) const MAGIC: u8 = b'K';
pub(super) const VERSION: u8 = 1;

pub(super) const ERROR: u64 = 1;
pub(super) const AGENT: u64 = 2;
pub(super) const STREAM: u64 = 3;
pub(super) const CUT: u64 = 4;
pub(super) const STEP: u64 = 8;

/// How much work compression may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For what is on its way.
    Quick,
    /// For what will be kept.
    Thorough,
}

/// Collects lines, with no allocation for each, and makes a chunk of them.
#[derive(Debug, Clone, Default)]
pub struct ChunkBuilder {
    lines: u32,
    first_time: i64,
    last_time: i64,
    times: Vec<u8>,
    runs: Vec<TaggedLines>,
    text: Vec<u8>,
}

impl ChunkBuilder {
    /// A builder with no lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line. Its time is kept in whole milliseconds.
    ///
    /// # Errors
    /// [`ChunkError::LineFeed`] when the text holds a `\n`, [`ChunkError::Time`] before 1970,
    /// [`ChunkError::TooLarge`] at four billion lines.
    pub fn push(&mut self, time: Timestamp, tag: LineTag, text: &[u8]) -> Result<(), ChunkError> {
        if memchr::memchr(b'\n', text).is_some() {
            return Err(ChunkError::LineFeed);
        }
        let too_many = ChunkError::TooLarge {
            what: "lines",
            limit: u32::MAX.into(),
            found: u64::from(u32::MAX) + 1,
        };
        let lines = self.lines.checked_add(1).ok_or(too_many)?;
        let milliseconds = time.as_millisecond();
        if milliseconds < 0 {
            return Err(ChunkError::Time);
        }
        if self.lines == 0 {
            self.first_time = milliseconds;
            self.last_time = milliseconds;
        } else {
            self.text.push(b'\n');
        }
        self.lines = lines;
        varint::put(&mut self.times, varint::zigzag(milliseconds - self.last_time));
        self.last_time = milliseconds;
        match self.runs.last_mut() {
            Some(run) if run.tag == tag => run.lines += 1,
            _ => self.runs.push(TaggedLines { lines: 1, tag }),
        }
        self.text.extend_from_slice(text);
        Ok(())
    }

    /// How many lines there are.
    pub fn lines(&self) -> u32 {
        self.lines
    }

    /// Bytes of text so far, with the line feeds between lines.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Whether there is no line yet.
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// The encoded chunk.
    ///
    /// # Errors
    /// [`ChunkError::Compression`] when zstd fails, which is for want of memory.
    pub fn finish(self, effort: Effort) -> Result<Bytes, ChunkError> {
        let mut body = self.times;
        for run in &self.runs {
            put_run(&mut body, run);
        }
        let mut encoded = Vec::with_capacity(64);
        encoded.extend([MAGIC, VERSION]);
        varint::put(&mut encoded, self.lines.into());
        varint::put(&mut encoded, varint::zigzag(self.first_time));
        varint::put(&mut encoded, body.len() as u64);
        varint::put(&mut encoded, self.text.len() as u64);
        body.extend_from_slice(&self.text);
        let frame = compress(&body, effort).map_err(|error| ChunkError::Compression(error.to_string()))?;
        encoded.extend_from_slice(&frame);
        Ok(encoded.into())
    }
}

impl Chunk {
    /// Encodes lines, quickly.
    ///
    /// # Errors
    /// As [`ChunkBuilder::push`] and [`ChunkBuilder::finish`].
    pub fn encode(lines: &[ChunkLine]) -> Result<Bytes, ChunkError> {
        let mut builder = ChunkBuilder::new();
        for line in lines {
            builder.push(line.time, line.tag(), &line.text)?;
        }
        builder.finish(Effort::Quick)
    }
}

fn put_run(columns: &mut Vec<u8>, run: &TaggedLines) {
    let stream = match run.tag.stream {
        Stream::Output => 0,
        Stream::Error => ERROR,
        Stream::Agent => AGENT,
    };
    let cut = if run.tag.cut { CUT } else { 0 };
    let step = if run.tag.step.is_some() { STEP } else { 0 };
    varint::put(columns, run.lines.into());
    varint::put(columns, stream | cut | step);
    if let Some(step) = run.tag.step {
        varint::put(columns, step.into());
    }
}

fn compress(body: &[u8], effort: Effort) -> std::io::Result<Vec<u8>> {
    let level = match effort {
        Effort::Quick => 1,
        Effort::Thorough => 3,
    };
    let mut compressor = zstd::bulk::Compressor::new(level)?;
    // A log that rotted on its disk must be told from one that a job wrote.
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    compressor.compress(body)
}
