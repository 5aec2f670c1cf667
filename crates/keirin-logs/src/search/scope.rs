//! What there is to search: the chunks of all logs that fit, a page at a time.

use std::collections::VecDeque;

use futures::{Stream, stream};
use keirin_model::LogStreamId;
use keirin_store::logs::{LogChunkRow, LogFilter};

use crate::error::LogError;
use crate::logs::Logs;

/// Chunks that are read from the database at once.
const PAGE: u32 = 128;
/// Logs whose chunks are asked for at once.
const GROUP: usize = 100;
/// Logs that are looked up at once.
const STREAMS: u32 = 1000;

/// A chunk, and the line from which on it is to be searched.
pub(super) struct Unsearched {
    pub(super) row: LogChunkRow,
    pub(super) from_line: u64,
}

/// Logs, and how far their chunks have been read from the database.
pub(super) struct Scope {
    logs: Logs,
    streams: VecDeque<LogStreamId>,
    /// The log and the line that come next.
    place: (LogStreamId, u64),
    page: VecDeque<Unsearched>,
}

impl Scope {
    /// The logs that fit, and their bytes of text.
    pub(super) async fn find(logs: &Logs, filter: &LogFilter) -> Result<(Self, u64), LogError> {
        let mut streams = VecDeque::new();
        let mut total = 0;
        loop {
            let found = logs.find(filter, streams.back().copied(), STREAMS).await?;
            streams.extend(found.iter().map(|row| row.id));
            total += found.iter().map(|row| row.text_bytes).sum::<u64>();
            if found.len() < STREAMS as usize {
                let place = (LogStreamId(0), 0);
                return Ok((
                    Self {
                        logs: logs.clone(),
                        streams,
                        place,
                        page: VecDeque::new(),
                    },
                    total,
                ));
            }
        }
    }

    /// All chunks. They may be merged meanwhile: each line comes once all the same.
    pub(super) fn chunks(self) -> impl Stream<Item = Result<Unsearched, LogError>> {
        stream::try_unfold(self, |mut scope| async move {
            Ok(scope.next().await?.map(|unsearched| (unsearched, scope)))
        })
    }

    async fn next(&mut self) -> Result<Option<Unsearched>, LogError> {
        while self.page.is_empty() && !self.streams.is_empty() {
            self.read_page().await?;
        }
        Ok(self.page.pop_front())
    }

    async fn read_page(&mut self) -> Result<(), LogError> {
        let group: Vec<LogStreamId> = self.streams.iter().take(GROUP).copied().collect();
        let rows = self.logs.inner.store.log_chunks(&group, self.place, PAGE).await?;
        if rows.is_empty() {
            self.streams.drain(..group.len());
        }
        for row in rows {
            // A chunk that was merged with what has been searched begins before the place.
            let (stream, line) = self.place;
            let from_line = if row.stream == stream {
                row.first_line.max(line)
            } else {
                row.first_line
            };
            self.place = (row.stream, row.first_line + u64::from(row.lines));
            self.page.push_back(Unsearched { row, from_line });
        }
        Ok(())
    }
}
