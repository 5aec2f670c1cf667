//! A chunk to its lines, whoever made it: nothing in it is believed before it is checked.

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;

use super::encode::{AGENT, CUT, ERROR, MAGIC, STEP, STREAM, VERSION};
use super::{ChunkError, ChunkLine, LINE_BYTES, LineTag, Stream, varint};

/// What a reader is ready to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkLimits {
    /// Bytes of the encoded chunk.
    pub encoded_bytes: usize,
    /// Bytes of all text, with the line feeds between lines.
    pub text_bytes: usize,
    /// Number of lines.
    pub lines: u32,
    /// Bytes of one line's text.
    pub line_bytes: usize,
}

impl ChunkLimits {
    /// What every chunk keeps to, sent or stored.
    pub const CHUNK: Self = Self {
        encoded_bytes: 8 * 1024 * 1024,
        text_bytes: 4 * 1024 * 1024,
        lines: 256 * 1024,
        line_bytes: LINE_BYTES,
    };
}

/// Lines in a row that have the same tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaggedLines {
    /// How many.
    pub lines: u32,
    /// What they have in common.
    pub tag: LineTag,
}

/// A decoded chunk: all text in one piece, and where each line ends.
#[derive(Debug, Clone)]
pub struct Chunk {
    times: Vec<i64>,
    runs: Vec<TaggedLines>,
    ends: Vec<u32>,
    text: Bytes,
}

impl Chunk {
    /// Decodes what [`super::ChunkBuilder`] made. Memory is bounded by the limits, whatever the bytes are.
    ///
    /// # Errors
    /// [`ChunkError`] says what is wrong.
    pub fn decode(encoded: &[u8], limits: ChunkLimits) -> Result<Self, ChunkError> {
        within("encoded bytes", limits.encoded_bytes as u64, encoded.len() as u64)?;
        let mut rest = encoded;
        let head = Head::take(&mut rest)?;
        head.check(limits)?;
        let body_bytes = head.columns_bytes + head.text_bytes;
        let body = zstd::bulk::decompress(rest, body_bytes)
            .map_err(|error| ChunkError::Compression(error.to_string()))?;
        if body.len() != body_bytes {
            return Err(ChunkError::Malformed("its head gives another length than it has"));
        }
        let body = Bytes::from(body);
        let text = body.slice(head.columns_bytes..);
        let mut columns = &body[..head.columns_bytes];
        let times = take_times(&mut columns, head.lines, head.first_time)?;
        let runs = take_runs(columns, head.lines)?;
        let ends = find_ends(&text, head.lines, limits.line_bytes)?;
        Ok(Self {
            times,
            runs,
            ends,
            text,
        })
    }

    /// How many bytes of text an encoded chunk says that it has, without decoding it.
    ///
    /// # Errors
    /// [`ChunkError`] when it does not begin as a chunk does.
    pub fn declared_text_bytes(mut encoded: &[u8]) -> Result<usize, ChunkError> {
        Ok(Head::take(&mut encoded)?.text_bytes)
    }

    /// How many lines it has.
    pub fn lines(&self) -> u32 {
        self.times.len() as u32
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// All texts, joined by `\n`.
    pub fn text(&self) -> &Bytes {
        &self.text
    }

    /// Where each line's text ends in [`Self::text`].
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The earliest and the latest time of a line; `None` where there is no line.
    pub fn time_span(&self) -> Option<(Timestamp, Timestamp)> {
        let (earliest, latest) = (self.times.iter().min()?, self.times.iter().max()?);
        Some((timestamp(*earliest), timestamp(*latest)))
    }

    /// Lines with equal tags, in order.
    pub fn runs(&self) -> &[TaggedLines] {
        &self.runs
    }

    /// When a line was written.
    pub fn time(&self, index: u32) -> Option<Timestamp> {
        self.times.get(index as usize).map(|&time| timestamp(time))
    }

    /// Where a line's text stands in [`Self::text`].
    pub fn text_range(&self, index: u32) -> Option<Range<usize>> {
        let end = *self.ends.get(index as usize)? as usize;
        let start = match index {
            0 => 0,
            _ => self.ends[index as usize - 1] as usize + 1,
        };
        Some(start..end)
    }

    /// A line's tag.
    pub fn tag(&self, index: u32) -> Option<LineTag> {
        let mut first = 0;
        self.runs.iter().find_map(|run| {
            first += run.lines;
            (index < first).then_some(run.tag)
        })
    }

    /// A line, sharing the chunk's text.
    pub fn line(&self, index: u32) -> Option<ChunkLine> {
        let text = self.text.slice(self.text_range(index)?);
        let LineTag { step, stream, cut } = self.tag(index)?;
        Some(ChunkLine {
            time: self.time(index)?,
            step,
            stream,
            cut,
            text,
        })
    }

    /// A range of lines, cut to those that there are, sharing the chunk's text.
    pub fn slice(&self, range: Range<u32>) -> impl Iterator<Item = ChunkLine> + '_ {
        let tags = self
            .runs
            .iter()
            .flat_map(|run| std::iter::repeat_n(run.tag, run.lines as usize));
        let tags = tags.skip(range.start as usize);
        let indexes = range.start..range.end.min(self.lines()).max(range.start);
        indexes
            .zip(tags)
            .filter_map(|(index, LineTag { step, stream, cut })| {
                let text = self.text.slice(self.text_range(index)?);
                Some(ChunkLine {
                    time: self.time(index)?,
                    step,
                    stream,
                    cut,
                    text,
                })
            })
    }

    /// All lines, sharing the chunk's text.
    pub fn iter(&self) -> impl Iterator<Item = ChunkLine> + '_ {
        self.slice(0..self.lines())
    }
}

struct Head {
    lines: u32,
    first_time: i64,
    columns_bytes: usize,
    text_bytes: usize,
}

impl Head {
    fn take(bytes: &mut &[u8]) -> Result<Self, ChunkError> {
        let Some((&[magic, version], rest)) = bytes.split_first_chunk() else {
            return Err(ChunkError::Malformed("it is shorter than any"));
        };
        if magic != MAGIC {
            return Err(ChunkError::Malformed("it does not begin like one"));
        }
        if version != VERSION {
            return Err(ChunkError::Version(version));
        }
        *bytes = rest;
        let broken = ChunkError::Malformed("its head is broken");
        let mut number = || varint::take(bytes).ok_or(broken.clone());
        let lines = number()?;
        let first_time = varint::unzigzag(number()?);
        let columns_bytes = number()?;
        let text_bytes = number()?;
        // Each number is checked against its limit next; here it only has to fit.
        Ok(Self {
            lines: u32::try_from(lines).map_err(|_| broken.clone())?,
            first_time,
            columns_bytes: usize::try_from(columns_bytes).map_err(|_| broken.clone())?,
            text_bytes: usize::try_from(text_bytes).map_err(|_| broken.clone())?,
        })
    }

    fn check(&self, limits: ChunkLimits) -> Result<(), ChunkError> {
        // A line takes at most ten bytes of time and as many as a run of its own, a step included.
        const COLUMN_BYTES: u64 = 10 + 9;
        within("lines", limits.lines.into(), self.lines.into())?;
        within("bytes of text", limits.text_bytes as u64, self.text_bytes as u64)?;
        within(
            "bytes of columns",
            u64::from(self.lines) * COLUMN_BYTES,
            self.columns_bytes as u64,
        )?;
        if u32::try_from(self.text_bytes).is_err() {
            return Err(ChunkError::Malformed("its text is longer than four gigabytes"));
        }
        Ok(())
    }
}

fn within(what: &'static str, limit: u64, found: u64) -> Result<(), ChunkError> {
    if found > limit {
        Err(ChunkError::TooLarge { what, limit, found })
    } else {
        Ok(())
    }
}

fn take_times(columns: &mut &[u8], lines: u32, first_time: i64) -> Result<Vec<i64>, ChunkError> {
    let known = 0..=Timestamp::MAX.as_millisecond();
    // A line has a byte at least, so hostile heads cannot make this large.
    let mut times = Vec::with_capacity(columns.len().min(lines as usize));
    let mut time = first_time;
    for _ in 0..lines {
        let delta = varint::take(columns).ok_or(ChunkError::Malformed("the time of a line is missing"))?;
        time = time
            .checked_add(varint::unzigzag(delta))
            .filter(|time| known.contains(time))
            .ok_or(ChunkError::Time)?;
        times.push(time);
    }
    Ok(times)
}

fn take_runs(mut columns: &[u8], lines: u32) -> Result<Vec<TaggedLines>, ChunkError> {
    let broken = ChunkError::Malformed("the steps and streams of its lines are broken");
    let mut runs: Vec<TaggedLines> = Vec::new();
    let mut missing = lines;
    while !columns.is_empty() {
        let mut number = || varint::take(&mut columns).ok_or(broken.clone());
        let run_lines = u32::try_from(number()?).map_err(|_| broken.clone())?;
        let flags = number()?;
        let step = if flags & STEP == 0 { None } else { Some(number()?) };
        let step = step.map(u16::try_from).transpose().map_err(|_| broken.clone())?;
        let stream = match flags & STREAM {
            0 => Stream::Output,
            ERROR => Stream::Error,
            AGENT => Stream::Agent,
            _ => return Err(broken),
        };
        if run_lines == 0 || flags > (STEP | CUT | STREAM) {
            return Err(broken);
        }
        missing = missing.checked_sub(run_lines).ok_or(broken.clone())?;
        runs.push(TaggedLines {
            lines: run_lines,
            tag: LineTag {
                step,
                stream,
                cut: flags & CUT != 0,
            },
        });
    }
    if missing == 0 { Ok(runs) } else { Err(broken) }
}

fn find_ends(text: &[u8], lines: u32, line_bytes: usize) -> Result<Vec<u32>, ChunkError> {
    let mut ends = Vec::with_capacity((lines as usize).min(text.len() + 1));
    if lines > 0 {
        ends.extend(memchr::memchr_iter(b'\n', text).map(|end| end as u32));
        ends.push(text.len() as u32);
    }
    if ends.len() != lines as usize || (lines == 0 && !text.is_empty()) {
        return Err(ChunkError::Malformed(
            "its text has another number of lines than its head says",
        ));
    }
    let mut start = 0;
    for &end in &ends {
        within("bytes in a line", line_bytes as u64, u64::from(end - start))?;
        start = end + 1;
    }
    Ok(ends)
}

fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).expect("invariant: decoding refused times beyond the calendar")
}
