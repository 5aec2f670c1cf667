//! The bytes of chunks: in their rows or in objects.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use keirin_model::LogStreamId;
use keirin_objects::{LOGS, ObjectError, ObjectKey, Objects};
use keirin_store::logs::{ChunkBody, LogChunkRow};
use keirin_wire::log::{Chunk, ChunkError, ChunkLimits};

use crate::error::LogError;

pub(crate) struct Bodies {
    objects: Objects,
    inline_bytes: usize,
    instance: u64,
    written: AtomicU64,
}

impl Bodies {
    pub(crate) fn new(objects: Objects, inline_bytes: usize, instance: u64) -> Self {
        Self {
            objects,
            inline_bytes,
            instance,
            written: AtomicU64::new(0),
        }
    }

    /// Makes a chunk ready for its row: a large one is a durable object when this returns.
    pub(crate) async fn keep(
        &self,
        stream: LogStreamId,
        first_line: u64,
        encoded: Bytes,
    ) -> Result<ChunkBody, ObjectError> {
        if encoded.len() <= self.inline_bytes {
            return Ok(ChunkBody::Inline(encoded));
        }
        // No name is used twice: what one writer leaves behind never ends up in the place of what another's row points at.
        let written = self.written.fetch_add(1, Ordering::Relaxed);
        let key = format!("{LOGS}/{stream}/{first_line}-{:016x}-{written:x}", self.instance);
        self.objects.put(&ObjectKey::parse(&key)?, encoded).await?;
        Ok(ChunkBody::Object(key))
    }

    /// The encoded bytes of a chunk.
    pub(crate) async fn fetch(&self, row: &LogChunkRow) -> Result<Bytes, ObjectError> {
        match &row.body {
            ChunkBody::Inline(body) => Ok(body.clone()),
            ChunkBody::Object(key) => self.objects.get(&ObjectKey::parse(key)?).await,
        }
    }
}

/// Decodes what a row points at.
pub(crate) fn decode(row: &LogChunkRow, encoded: &[u8]) -> Result<Chunk, LogError> {
    let broken = |source| LogError::Broken {
        stream: row.stream,
        first_line: row.first_line,
        last_line: row.first_line + u64::from(row.lines) - 1,
        source,
    };
    let chunk = Chunk::decode(encoded, ChunkLimits::CHUNK).map_err(broken)?;
    if chunk.lines() != row.lines {
        return Err(broken(ChunkError::Malformed(
            "it has another number of lines than its row says",
        )));
    }
    Ok(chunk)
}
