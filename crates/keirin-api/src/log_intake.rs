//! Chunks of logs on their way in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use keirin_logs::{LogError, LogSource};
use keirin_model::{AttemptId, LogStreamId};
use keirin_objects::ObjectError;

use crate::app::App;
use crate::error::ApiError;
use crate::work::{Live, WorkError};

/// How many logs are remembered; what is forgotten is looked up again.
const REMEMBERED: usize = 10_000;

/// Which log an attempt writes to, so that not every chunk asks the database.
#[derive(Debug, Default)]
pub(crate) struct OpenLogs {
    streams: Mutex<HashMap<AttemptId, LogStreamId>>,
}

impl OpenLogs {
    fn get(&self, attempt: AttemptId) -> Option<LogStreamId> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.get(&attempt).copied()
    }

    fn put(&self, attempt: AttemptId, stream: LogStreamId) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() >= REMEMBERED {
            streams.clear();
        }
        streams.insert(attempt, stream);
    }
}

/// Adds a chunk to an attempt's log; gives the number of the line that the agent goes on with.
pub(crate) async fn append(
    app: &App,
    attempt: AttemptId,
    live: &Live,
    first_line: u64,
    chunk: Bytes,
) -> Result<u64, ApiError> {
    let stream = match app.open_logs.get(attempt) {
        Some(stream) => stream,
        None => {
            let source = LogSource::Attempt {
                attempt,
                job: live.job,
                run: live.run,
                flow: live.flow,
                project: live.project,
                agent: live.agent,
            };
            let stream = app.logs.open(&source, app.outside.now()).await?;
            app.open_logs.put(attempt, stream);
            stream
        }
    };
    Ok(app.logs.append(stream, first_line, chunk).await?)
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::NotFound(_) => Self::not_found("log"),
            LogError::Gap { expected, .. } => Self::new(
                axum::http::StatusCode::CONFLICT,
                "log-gap",
                format!("The log goes on at line {expected}."),
            )
            .fix(format!("Send again from line {expected} on.")),
            // The attempt is over, so whoever writes to its log is late.
            LogError::Closed(_) => WorkError::LeaseLost.into(),
            LogError::Chunk(_) | LogError::TooManySteps { .. } => Self::invalid(
                format!("The lines cannot be taken: {error}."),
                "Update the agent.",
            ),
            LogError::Contended(_) | LogError::Interrupted => {
                Self::unavailable("The log is being written to by another server.")
            }
            LogError::Store(error) => match &*error {
                keirin_store::StoreError::Unavailable(cause) => {
                    tracing::warn!(error = %cause, "the database cannot be reached");
                    Self::unavailable("The server cannot reach its database at the moment.")
                }
                other => Self::internal(other),
            },
            LogError::Objects(ObjectError::Full(_)) => {
                tracing::error!(%error, "lines of a log were not kept");
                Self::storage_full("The object storage is full, so the lines were not kept.")
            }
            LogError::Broken { .. } | LogError::Missing { .. } | LogError::Objects(_) => {
                Self::internal(error)
            }
        }
    }
}
