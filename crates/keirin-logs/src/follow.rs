//! Following a log: its history, then its lines as they come.

use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use keirin_model::LogStreamId;
use tokio::sync::watch;

use crate::error::LogError;
use crate::live::{Live, Progress};
use crate::logs::Logs;
use crate::part::LogPart;

struct Follower {
    logs: Logs,
    stream: LogStreamId,
    line: u64,
    known: Progress,
    /// `None` for a log that was closed from the start.
    live: Option<(Arc<Live>, watch::Receiver<Progress>)>,
}

impl Logs {
    /// The lines from `from_line` on, each once and in order, those to come as well; it ends when the log is closed. Who
    /// takes them slowly holds up nobody and loses nothing: what is no longer in memory is read from storage.
    ///
    /// An error is the last item.
    pub fn follow(
        &self,
        stream: LogStreamId,
        from_line: u64,
    ) -> BoxStream<'static, Result<LogPart, LogError>> {
        let logs = self.clone();
        let parts = async move {
            let follower = Follower::start(logs, stream, from_line).await?;
            Ok::<_, LogError>(stream::try_unfold(follower, |mut follower| async move {
                Ok(follower.next().await?.map(|part| (part, follower)))
            }))
        };
        stream::once(parts).try_flatten().boxed()
    }
}

impl Follower {
    async fn start(logs: Logs, stream: LogStreamId, line: u64) -> Result<Self, LogError> {
        let summary = logs.summary(stream).await?;
        if summary.closed_at.is_some() {
            let known = Progress {
                lines: summary.lines,
                closed: true,
            };
            return Ok(Self {
                logs,
                stream,
                line,
                known,
                live: None,
            });
        }
        let live = logs.inner.live.get(stream);
        let watch = live.watch();
        // What came between the first look and the beginning of the watch is seen by a second look.
        let summary = logs.summary(stream).await?;
        let known = Progress {
            lines: summary.lines,
            closed: summary.closed_at.is_some(),
        };
        if known.closed {
            logs.inner.live.forget(stream, &live);
        }
        Ok(Self {
            logs,
            stream,
            line,
            known,
            live: Some((live, watch)),
        })
    }

    async fn next(&mut self) -> Result<Option<LogPart>, LogError> {
        loop {
            if self.line < self.known.lines {
                let part = self.part().await?;
                self.line = part.next_line();
                return Ok(Some(part));
            }
            if self.known.closed {
                return Ok(None);
            }
            let Some((_, watch)) = &mut self.live else {
                return Ok(None);
            };
            if watch.changed().await.is_err() {
                return Ok(None);
            }
            let progress = *watch.borrow_and_update();
            self.known.lines = self.known.lines.max(progress.lines);
            self.known.closed = progress.closed;
        }
    }

    async fn part(&self) -> Result<LogPart, LogError> {
        if let Some(part) = self.live.as_ref().and_then(|(live, _)| live.part_at(self.line)) {
            return Ok(part);
        }
        let part = self.logs.part_at(self.stream, self.line).await?;
        if part.is_none() {
            // One that was removed meanwhile is not broken.
            self.logs.summary(self.stream).await?;
        }
        part.ok_or(LogError::Missing {
            stream: self.stream,
            line: self.line,
        })
    }
}
