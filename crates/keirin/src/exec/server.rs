//! The server of an agent in the same process: the engine's handle, the screen for a log, a folder for artifacts.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use keirin_agent::{CallError, FileStream, Lease, Server};
use keirin_controller::Handle;
use keirin_controller::work::WorkError;
use keirin_model::{AgentId, ArtifactId, AttemptId};
use keirin_wire::agent::{Claim, Claimed, Kept, LogAcknowledged, Report, Reported, TestReport};
use keirin_wire::log::{Chunk, Limits};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

use super::printer::Printer;
use crate::machine;

/// What an agent in this process talks to.
pub(crate) struct LocalServer {
    agent: AgentId,
    handle: Handle,
    printer: Arc<Printer>,
    folder: PathBuf,
    kept: Mutex<Vec<Kept>>,
    lines: Mutex<HashMap<AttemptId, u64>>,
}

impl LocalServer {
    /// A server that keeps artifacts in `folder`.
    pub(crate) fn new(agent: AgentId, handle: Handle, printer: Arc<Printer>, folder: PathBuf) -> Self {
        Self {
            agent,
            handle,
            printer,
            folder,
            kept: Mutex::default(),
            lines: Mutex::default(),
        }
    }

    async fn write(&self, path: &str, content: FileStream) -> io::Result<(u64, String)> {
        let target = self.folder.join(path);
        if let Some(folder) = target.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let mut file = tokio::fs::File::create(&target).await?;
        let mut content = content;
        let mut size = 0;
        let mut digest = Sha256::new();
        while let Some(bytes) = content.next().await {
            let bytes = bytes?;
            size += bytes.len() as u64;
            digest.update(&bytes);
            file.write_all(&bytes).await?;
        }
        file.flush().await?;
        let sha256 = digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok((size, sha256))
    }
}

fn call_error(error: WorkError) -> CallError {
    match error {
        WorkError::LeaseLost => CallError::Lost,
        WorkError::Unavailable(reason) => CallError::Unreachable { reason },
        other => CallError::Refused {
            message: other.to_string(),
        },
    }
}

fn disk_error(error: &io::Error) -> CallError {
    CallError::Refused {
        message: format!("the file could not be kept: {error}"),
    }
}

#[async_trait]
impl Server for LocalServer {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, CallError> {
        self.handle
            .claim(self.agent, claim.clone())
            .await
            .map_err(call_error)
    }

    async fn report(&self, lease: &Lease, report: &Report) -> Result<Reported, CallError> {
        self.handle
            .report(lease.attempt, report.clone())
            .await
            .map_err(call_error)
    }

    async fn append_log(
        &self,
        lease: &Lease,
        first_line: u64,
        chunk: Bytes,
    ) -> Result<LogAcknowledged, CallError> {
        let chunk = Chunk::decode(&chunk, Limits::CHUNK).map_err(|error| CallError::Refused {
            message: error.to_string(),
        })?;
        let job = self.handle.live().get(lease.attempt).ok_or(CallError::Lost)?.job;
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let next = lines.entry(lease.attempt).or_default();
        // A chunk that is sent again is shown once.
        for (number, line) in (first_line..).zip(chunk.iter()) {
            if number == *next {
                self.printer.log(job, number, &line);
                *next += 1;
            }
        }
        Ok(LogAcknowledged { next_line: *next })
    }

    async fn test_results(&self, _: &Lease, _: &TestReport) -> Result<(), CallError> {
        // The agent says the counts in the log.
        Ok(())
    }

    async fn keep(&self, _: &Lease, path: &str, size: u64, content: FileStream) -> Result<(), CallError> {
        let (written, sha256) = self
            .write(path, content)
            .await
            .map_err(|error| disk_error(&error))?;
        if written != size {
            return Err(CallError::Refused {
                message: format!("{path} has {written} bytes, and {size} were announced"),
            });
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let id = kept.iter().find(|other| other.path == path).map(|other| other.id);
        let next = i64::try_from(kept.len()).unwrap_or(i64::MAX) + 1;
        kept.retain(|other| other.path != path);
        kept.push(Kept {
            id: id.unwrap_or(ArtifactId(next)),
            path: path.to_owned(),
            size,
            sha256,
            created_at: machine::now(),
        });
        Ok(())
    }

    async fn kept(&self, _: &Lease) -> Result<Vec<Kept>, CallError> {
        Ok(self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn fetch_kept(&self, _: &Lease, artifact: ArtifactId) -> Result<FileStream, CallError> {
        let path = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let found = kept.iter().find(|kept| kept.id == artifact);
            found
                .map(|kept| kept.path.clone())
                .ok_or_else(|| CallError::Refused {
                    message: format!("no file {artifact} is kept"),
                })?
        };
        let file = tokio::fs::File::open(self.folder.join(path)).await;
        let file = file.map_err(|error| disk_error(&error))?;
        Ok(ReaderStream::new(file).boxed())
    }

    fn mirror_url(&self, path: &str) -> String {
        // Flows without a server take their files from the working tree, so nobody fetches from here.
        format!("file://{path}")
    }
}
