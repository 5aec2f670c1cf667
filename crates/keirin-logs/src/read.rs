//! Reading lines by their numbers, and whole logs as text.

use std::ops::Range;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use keirin_model::LogStreamId;
use keirin_store::logs::LogChunkRow;
use keirin_wire::log::{CUT_MARK, Chunk, ChunkLine};

use crate::body;
use crate::error::{LogError, off_thread};
use crate::logs::Logs;
use crate::part::LogPart;

/// How often a chunk is looked up afresh because it was merged between its row and its bytes.
const ROUNDS: usize = 4;

/// Whether a downloaded log has times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTimestamps {
    /// The texts alone.
    Without,
    /// Each line begins with its time (RFC 3339, UTC, milliseconds) and a space.
    With,
}

impl Logs {
    /// Lines with these numbers, as far as there are; reads no more of the log than their chunks.
    ///
    /// # Errors
    /// [`LogError::Broken`] and others when storage fails. A log that is not there has no lines.
    pub async fn read(
        &self,
        stream: LogStreamId,
        range: Range<u64>,
    ) -> Result<Vec<(u64, ChunkLine)>, LogError> {
        let mut lines = Vec::new();
        let mut next_line = range.start;
        while next_line < range.end {
            let Some(part) = self.part_at(stream, next_line).await? else {
                break;
            };
            let Some(part) = part.until(range.end) else { break };
            lines.extend(part.lines());
            next_line = part.next_line();
        }
        Ok(lines)
    }

    /// The line with this number and those that follow it in its chunk; `None` where the log ends before it.
    ///
    /// # Errors
    /// [`LogError::Broken`] and others when storage fails.
    pub async fn part_at(&self, stream: LogStreamId, line: u64) -> Result<Option<LogPart>, LogError> {
        for _ in 0..ROUNDS {
            let Some(row) = self.inner.store.log_chunk_at(stream, line).await? else {
                return Ok(None);
            };
            if line >= row.first_line + u64::from(row.lines) {
                return Ok(None);
            }
            match self.load(&row).await {
                Ok(chunk) => return Ok(LogPart::from_line(row.first_line, chunk, line)),
                Err(LogError::Objects(error)) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Err(LogError::Missing { stream, line })
    }

    async fn load(&self, row: &LogChunkRow) -> Result<Arc<Chunk>, LogError> {
        let encoded = self.inner.bodies.fetch(row).await?;
        let row = row.clone();
        off_thread(move || body::decode(&row, &encoded).map(Arc::new)).await?
    }

    /// The whole log as text, each line with `\n` at its end. Lines that come while it is read are in it.
    ///
    /// An error is the last item.
    pub fn download(
        &self,
        stream: LogStreamId,
        times: LogTimestamps,
    ) -> BoxStream<'static, Result<Bytes, LogError>> {
        let logs = self.clone();
        let parts = stream::try_unfold(0, move |line| {
            let logs = logs.clone();
            async move {
                let part = logs.part_at(stream, line).await?;
                if part.is_none() {
                    // A log that was removed meanwhile has not come to its end.
                    logs.summary(stream).await?;
                }
                Ok(part.map(|part| (text(&part, times), part.next_line())))
            }
        });
        parts.boxed()
    }
}

fn text(part: &LogPart, times: LogTimestamps) -> Bytes {
    let texts = part.text();
    let mut out = BytesMut::with_capacity(texts.len() + 1);
    // Nearly always the texts go out as they lie there.
    if times == LogTimestamps::Without && !part.has_cut_lines() {
        out.put(texts);
        out.put_u8(b'\n');
        return out.freeze();
    }
    for (_, line) in part.lines() {
        if times == LogTimestamps::With {
            out.put(format!("{:.3} ", line.time).as_bytes());
        }
        out.put(line.text);
        if line.cut {
            out.put(CUT_MARK.as_bytes());
        }
        out.put_u8(b'\n');
    }
    out.freeze()
}
