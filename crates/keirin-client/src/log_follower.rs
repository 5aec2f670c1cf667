//! A job's log as it grows.

use keirin_model::JobId;
use keirin_wire::api::{LogLine, Problem};

use crate::Result;
use crate::client::Client;
use crate::error::ClientError;
use crate::event_source::{EventSource, Heard};
use crate::sse::SseEvent;

/// A job's log as it grows.
pub struct LogFollower {
    source: EventSource,
    /// The number of the last line that was handed out.
    seen: u64,
    ended: bool,
}

impl Client {
    /// Follows the log of an attempt at a job, the newest where no number is given, from this line on, counted from 1.
    /// It waits for a job that has no log yet.
    pub fn follow_log(&self, job: JobId, attempt: Option<u32>, from: u64) -> LogFollower {
        let mut path = format!("/api/v1/jobs/{job}/log/stream?from={}", from.max(1));
        if let Some(attempt) = attempt {
            path.push_str(&format!("&attempt={attempt}"));
        }
        LogFollower {
            source: EventSource::new(self.clone(), path),
            seen: from.saturating_sub(1),
            ended: false,
        }
    }
}

impl LogFollower {
    /// The next lines, each once; `None` when the log is complete. It can be given up while it waits, and called again.
    ///
    /// # Errors
    /// The server refuses, or has not been reached for some minutes.
    pub async fn next(&mut self) -> Result<Option<Vec<LogLine>>> {
        while !self.ended {
            let Heard::Event(event) = self.source.next().await? else {
                continue;
            };
            match event.kind.as_str() {
                "lines" => {
                    let mut lines: Vec<LogLine> = self.read(&event)?;
                    lines.retain(|line| line.line > self.seen);
                    if let Some(last) = lines.last() {
                        self.seen = last.line;
                        return Ok(Some(lines));
                    }
                }
                "end" => self.ended = true,
                "problem" => {
                    let problem: Problem = self.read(&event)?;
                    let error = ClientError::Problem(Box::new(problem));
                    if !error.is_transient() {
                        return Err(error);
                    }
                    self.source.reconnect(error).await?;
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, event: &SseEvent) -> Result<T> {
        serde_json::from_str(&event.data).map_err(|error| {
            let reason = format!("lines of a log: {error}");
            self.source.client().connection().unreadable(reason)
        })
    }
}
