//! Taking lines in: each chunk is checked, made durable, and only then acknowledged.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use bytesize::ByteSize;
use keirin_model::LogStreamId;
use keirin_store::logs::{Growth, LogChunkRow};
use keirin_wire::log::{Chunk, ChunkBuilder, ChunkLimits, ChunkLine, Effort, LINE_BYTES, LineTag, Stream};
use tokio::sync::SemaphorePermit;

use crate::admit::{Admission, Place, admit};
use crate::background::hasten_sealing;
use crate::error::{LogError, off_thread};
use crate::live::{Live, StreamState};
use crate::logs::{Inner, Logs};
use crate::seal::SMALL_BYTES;
use crate::steps;

/// Text below this is decoded where it is; more of it would hold up others on the same thread.
const QUICK_BYTES: usize = 64 * 1024;

/// After this many small chunks a log is put up for merging though it still grows.
const LOOSE_CHUNKS: u32 = 256;

/// How often the end of a log is looked up afresh because another server moved it.
const ROUNDS: usize = 4;

impl Logs {
    /// Adds lines that begin with the number `first_line`, encoded as a [`Chunk`], and gives the number that the sender
    /// goes on with: every line below it is durable, or was dropped because the log is cut. Lines that the log already
    /// has are skipped, so a chunk can be sent again.
    ///
    /// # Errors
    /// [`LogError::Gap`] names the line that is expected; [`LogError::Chunk`] when the bytes are no chunk;
    /// [`LogError::Closed`]; [`LogError::NotFound`]; others when storage fails, after which it can be sent again.
    pub async fn append(
        &self,
        stream: LogStreamId,
        first_line: u64,
        encoded: Bytes,
    ) -> Result<u64, LogError> {
        self.add(stream, Place::At(first_line), encoded).await
    }

    /// Adds lines at the end, for logs that are written here rather than sent; gives the number of the next line. Texts
    /// are cut at [`LINE_BYTES`].
    ///
    /// # Errors
    /// As [`Self::append`]; after an error some of the lines may have been added.
    pub async fn write(&self, stream: LogStreamId, lines: &[ChunkLine]) -> Result<u64, LogError> {
        let mut builder = ChunkBuilder::new();
        for line in lines {
            let full =
                builder.text_bytes() + line.text.len().min(LINE_BYTES) >= ChunkLimits::CHUNK.text_bytes;
            if full || builder.lines() == ChunkLimits::CHUNK.lines {
                let encoded = std::mem::take(&mut builder).finish(Effort::Quick)?;
                self.add(stream, Place::End, encoded).await?;
            }
            let cut = line.text.len() > LINE_BYTES;
            let text = if cut { &line.text[..LINE_BYTES] } else { &line.text };
            builder.push(
                line.time,
                LineTag {
                    cut: cut || line.cut,
                    ..line.tag()
                },
                text,
            )?;
        }
        self.add(stream, Place::End, builder.finish(Effort::Quick)?).await
    }

    async fn add(&self, stream: LogStreamId, place: Place, encoded: Bytes) -> Result<u64, LogError> {
        let inner = Arc::clone(&self.inner);
        // In a task of its own: a sender that hangs up after the commit must not keep it from those who follow.
        let adding = tokio::spawn(async move { inner.add(stream, place, encoded).await });
        adding.await.map_err(|_| LogError::Interrupted)?
    }
}

/// A chunk as it will be kept.
struct Taken {
    encoded: Bytes,
    chunk: Arc<Chunk>,
    /// Where the sender goes on, where that is not at the new end of the log.
    cut: Option<u64>,
}

impl Inner {
    async fn add(&self, stream: LogStreamId, place: Place, encoded: Bytes) -> Result<u64, LogError> {
        let text_bytes = Chunk::declared_text_bytes(&encoded)?;
        let _room = self.intake_room(text_bytes.saturating_add(encoded.len())).await?;
        let chunk = Arc::new(decode(encoded.clone(), text_bytes).await?);
        let live = self.live.get(stream);
        let mut state = live.state.lock().await;
        let added = self
            .add_locked(stream, place, encoded, chunk, &live, &mut state)
            .await;
        let forget = match &*state {
            None => matches!(added, Err(LogError::NotFound(_))),
            Some(state) => state.closed,
        };
        drop(state);
        if forget {
            self.live.forget(stream, &live);
        }
        added
    }

    async fn intake_room(&self, bytes: usize) -> Result<SemaphorePermit<'_>, LogError> {
        // What is over the limits is refused when it is decoded, so its size here does not matter.
        let most = ChunkLimits::CHUNK.text_bytes + ChunkLimits::CHUNK.encoded_bytes;
        let kibibytes = bytes.min(most) / 1024 + 1;
        self.intake
            .acquire_many(kibibytes as u32)
            .await
            .map_err(|_| LogError::Interrupted)
    }

    async fn add_locked(
        &self,
        stream: LogStreamId,
        place: Place,
        encoded: Bytes,
        chunk: Arc<Chunk>,
        live: &Live,
        state: &mut Option<StreamState>,
    ) -> Result<u64, LogError> {
        for _ in 0..ROUNDS {
            let known = match state.take() {
                Some(known) => known,
                None => self
                    .store
                    .log(stream)
                    .await?
                    .ok_or(LogError::NotFound(stream))?
                    .into(),
            };
            let admission = admit(stream, &known, place, &chunk, self.settings.stream_bytes);
            // Only a commit of which nobody knows whether it happened leaves the state unknown.
            *state = Some(known.clone());
            let taken = match admission? {
                Admission::Nothing { next_line } => return Ok(next_line),
                Admission::Whole => Taken {
                    encoded: encoded.clone(),
                    chunk: Arc::clone(&chunk),
                    cut: None,
                },
                Admission::Part(kept) => take(&chunk, kept, None, self.settings.stream_bytes)?,
                Admission::Cut { kept, next_line } => {
                    take(&chunk, kept, Some(next_line), self.settings.stream_bytes)?
                }
            };
            let (growth, grown) = self.growth(stream, &known, &taken).await?;
            let object = growth.chunk.body.clone();
            *state = None;
            if self.committer.commit(growth).await? {
                let next_line = taken.cut.unwrap_or(grown.lines);
                live.publish(known.lines, taken.chunk);
                if grown.loose == 0 && known.loose > 0 {
                    hasten_sealing(&self.store).await?;
                }
                *state = Some(grown);
                return Ok(next_line);
            }
            if let keirin_store::logs::ChunkBody::Object(key) = object {
                self.store.discard_objects(&[key]).await?;
            }
        }
        Err(LogError::Contended(stream))
    }

    /// Writes the object of a chunk, if it needs one, and gives its row and what the log is with it.
    async fn growth(
        &self,
        stream: LogStreamId,
        known: &StreamState,
        taken: &Taken,
    ) -> Result<(Growth, StreamState), LogError> {
        let Taken { encoded, chunk, cut } = taken;
        let (first_time, last_time) = chunk
            .time_span()
            .expect("invariant: a chunk with no lines is never admitted");
        let text_bytes = chunk.text().len() as u32 + 1;
        let mut grown = known.clone();
        steps::extend(&mut grown.steps, known.lines, chunk.runs())?;
        grown.lines += u64::from(chunk.lines());
        grown.text_bytes += u64::from(text_bytes);
        grown.cut = cut.is_some();
        grown.loose = match known.loose + u32::from(text_bytes < SMALL_BYTES) {
            LOOSE_CHUNKS => 0,
            loose => loose,
        };
        let row = LogChunkRow {
            stream,
            first_line: known.lines,
            lines: chunk.lines(),
            text_bytes,
            encoded_bytes: encoded.len() as u32,
            first_time,
            last_time,
            body: self.bodies.keep(stream, known.lines, encoded.clone()).await?,
        };
        let growth = Growth {
            chunk: row,
            text_bytes: grown.text_bytes,
            cut: grown.cut,
            steps: grown.steps.clone(),
            unsealed: grown.loose == 0 && known.loose > 0,
        };
        Ok((growth, grown))
    }
}

async fn decode(encoded: Bytes, text_bytes: usize) -> Result<Chunk, LogError> {
    if text_bytes <= QUICK_BYTES {
        return Ok(Chunk::decode(&encoded, ChunkLimits::CHUNK)?);
    }
    Ok(off_thread(move || Chunk::decode(&encoded, ChunkLimits::CHUNK)).await??)
}

/// Encodes some lines of a chunk anew, with the mark that the log ends here if it is cut.
fn take(chunk: &Chunk, kept: Range<u32>, cut: Option<u64>, limit: u64) -> Result<Taken, LogError> {
    let mut builder = ChunkBuilder::new();
    let time = chunk
        .time(kept.end.min(chunk.lines() - 1))
        .expect("invariant: some line was admitted or dropped");
    for line in chunk.slice(kept) {
        builder.push(line.time, line.tag(), &line.text)?;
    }
    if cut.is_some() {
        let mark = format!(
            "The log is cut here: it may have {}. What followed was not kept.",
            ByteSize::b(limit).display().iec()
        );
        builder.push(
            time,
            LineTag {
                step: None,
                stream: Stream::Agent,
                cut: false,
            },
            mark.as_bytes(),
        )?;
    }
    let encoded = builder.finish(Effort::Quick)?;
    let chunk = Arc::new(Chunk::decode(&encoded, ChunkLimits::CHUNK)?);
    Ok(Taken { encoded, chunk, cut })
}
