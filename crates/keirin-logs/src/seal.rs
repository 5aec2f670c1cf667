//! Merging small chunks: a log that came in a thousand pieces is kept in few.

use std::ops::Range;

use bytes::Bytes;
use keirin_model::LogStreamId;
use keirin_store::logs::{ChunkBody, Extent, LogChunkRow};
use keirin_wire::log::{ChunkBuilder, ChunkLimits, Effort};

use crate::body;
use crate::error::{LogError, off_thread};
use crate::logs::Logs;

/// Chunks are merged up to this much text.
const TARGET_BYTES: u32 = 1024 * 1024;

/// A chunk with less text than this is worth merging with its neighbours.
pub(crate) const SMALL_BYTES: u32 = TARGET_BYTES / 2;

/// Logs that one call works on at most.
const LOGS_AT_ONCE: u32 = 100;

/// What one call of [`Logs::seal`] did.
#[derive(Debug, Default)]
pub struct Sealed {
    /// Logs whose chunks have been merged.
    pub sealed: usize,
    /// Logs that stay as they are, and why. Closed ones are tried again by the next call.
    pub failed: Vec<(LogStreamId, LogError)>,
}

impl Logs {
    /// Merges the small chunks of logs that were closed since, or have many of them; call it until nothing is sealed.
    /// New objects are written first, then rows are swapped, then old objects removed, so the log can be read at every
    /// moment and after a crash.
    ///
    /// # Errors
    /// [`LogError::Store`] when the list of logs cannot be read.
    pub async fn seal(&self) -> Result<Sealed, LogError> {
        let mut done = Sealed::default();
        for stream in self.inner.store.take_unsealed_logs(LOGS_AT_ONCE).await? {
            match self.seal_one(stream).await {
                Ok(()) => done.sealed += 1,
                Err(error) => done.failed.push((stream, error)),
            }
        }
        Ok(done)
    }

    async fn seal_one(&self, stream: LogStreamId) -> Result<(), LogError> {
        let extents = self.inner.store.log_extents(stream).await?;
        for group in plan(&extents) {
            self.merge(stream, &extents[group]).await?;
        }
        Ok(self.inner.store.seal_log(stream).await?)
    }

    async fn merge(&self, stream: LogStreamId, group: &[Extent]) -> Result<(), LogError> {
        let old: Vec<u64> = group.iter().map(|extent| extent.first_line).collect();
        let rows = self
            .inner
            .store
            .log_chunks(&[stream], (stream, old[0]), old.len() as u32)
            .await?;
        if !rows.iter().map(|row| row.first_line).eq(old.iter().copied()) {
            // Another server merges the same log.
            return Ok(());
        }
        let mut bodies = Vec::with_capacity(rows.len());
        for row in &rows {
            bodies.push(self.inner.bodies.fetch(row).await?);
        }
        let (mut merged, encoded) = off_thread(move || merge(&rows, &bodies)).await??;
        merged.body = self.inner.bodies.keep(stream, merged.first_line, encoded).await?;
        let is_in_place = self.inner.store.swap_log_chunks(&old, &merged).await?;
        if !is_in_place && let ChunkBody::Object(key) = merged.body {
            self.inner.store.discard_objects(&[key]).await?;
        }
        Ok(())
    }
}

/// Which chunks in a row are to become one.
fn plan(extents: &[Extent]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    let (mut text_bytes, mut lines) = (0_u32, 0_u32);
    for (place, extent) in extents.iter().enumerate() {
        let large = extent.text_bytes >= SMALL_BYTES;
        let full = text_bytes.saturating_add(extent.text_bytes) > TARGET_BYTES
            || lines.saturating_add(extent.lines) > ChunkLimits::CHUNK.lines;
        if large || full {
            groups.push(start..place);
            start = place;
            (text_bytes, lines) = (0, 0);
        }
        if large {
            start = place + 1;
        } else {
            text_bytes += extent.text_bytes;
            lines += extent.lines;
        }
    }
    groups.push(start..extents.len());
    groups.retain(|group| group.len() > 1);
    groups
}

/// One row of many, its body still to be kept, and its bytes.
fn merge(rows: &[LogChunkRow], bodies: &[Bytes]) -> Result<(LogChunkRow, Bytes), LogError> {
    let mut builder = ChunkBuilder::new();
    for (row, encoded) in rows.iter().zip(bodies) {
        for line in body::decode(row, encoded)?.iter() {
            builder.push(line.time, line.tag(), &line.text)?;
        }
    }
    let mut merged = rows[0].clone();
    for row in &rows[1..] {
        merged.lines += row.lines;
        merged.text_bytes += row.text_bytes;
        merged.first_time = merged.first_time.min(row.first_time);
        merged.last_time = merged.last_time.max(row.last_time);
    }
    let encoded = builder.finish(Effort::Thorough)?;
    merged.encoded_bytes = encoded.len() as u32;
    Ok((merged, encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(extents: &[Extent]) -> Vec<(usize, usize)> {
        plan(extents)
            .into_iter()
            .map(|group| (group.start, group.end))
            .collect()
    }

    fn planned(text_bytes: &[u32]) -> Vec<(usize, usize)> {
        let extent = |&text_bytes| Extent {
            first_line: 0,
            lines: 10,
            text_bytes,
        };
        places(&text_bytes.iter().map(extent).collect::<Vec<_>>())
    }

    #[test]
    fn small_neighbours_are_merged_up_to_the_target() {
        assert_eq!(planned(&[]), []);
        assert_eq!(planned(&[5]), []);
        assert_eq!(planned(&[5, 5, 5]), [(0, 3)]);
        let third = TARGET_BYTES / 3;
        assert_eq!(planned(&[third; 7]), [(0, 3), (3, 6)]);
    }

    #[test]
    fn large_chunks_stay_as_they_are() {
        let large = SMALL_BYTES;
        assert_eq!(planned(&[large, large]), []);
        assert_eq!(planned(&[5, large, 5, 5, large, 5]), [(2, 4)]);
        assert_eq!(planned(&[5, 5, large]), [(0, 2)]);
    }

    #[test]
    fn many_empty_lines_keep_to_the_limit_of_lines() {
        let half = Extent {
            first_line: 0,
            lines: ChunkLimits::CHUNK.lines / 2,
            text_bytes: 1,
        };
        assert_eq!(places(&[half; 5]), [(0, 2), (2, 4)]);
    }
}
