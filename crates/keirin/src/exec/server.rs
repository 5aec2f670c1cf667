//! The server of an agent in the same process: the engine's handle, the screen for a log, a folder for artifacts.

use std::collections::HashMap;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use keirin_agent::{AttemptLease, CallError, FileStream, Server};
use keirin_console::machine;
use keirin_controller::Handle;
use keirin_controller::work::WorkError;
use keirin_model::{AgentId, ArtifactId, AttemptId, JobId};
use keirin_wire::agent::{Claim, Claimed, Kept, LogAcknowledged, Report, Reported, TestReport};
use keirin_wire::log::{Chunk, ChunkLimits};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

use super::printer::Printer;

/// What an agent in this process talks to.
pub(crate) struct LocalServer {
    agent: AgentId,
    handle: Handle,
    printer: Arc<Printer>,
    folder: PathBuf,
    kept: Mutex<Vec<KeptFile>>,
    /// Held while a file is kept, so that two jobs do not take one place.
    keeping: tokio::sync::Mutex<()>,
    lines: Mutex<HashMap<AttemptId, u64>>,
}

/// A kept file and where it lies.
struct KeptFile {
    kept: Kept,
    job: JobId,
    /// Below the folder of artifacts.
    place: String,
}

impl LocalServer {
    /// The job of an attempt that is still this agent's.
    fn job_of(&self, lease: &AttemptLease) -> Result<JobId, CallError> {
        let live = self.handle.live().get(lease.attempt).map_err(call_error)?;
        Ok(live.ok_or(CallError::Lost)?.job)
    }

    /// A server that keeps artifacts in `folder`.
    pub(crate) fn new(agent: AgentId, handle: Handle, printer: Arc<Printer>, folder: PathBuf) -> Self {
        Self {
            agent,
            handle,
            printer,
            folder,
            kept: Mutex::default(),
            keeping: tokio::sync::Mutex::default(),
            lines: Mutex::default(),
        }
    }

    /// The id and the place for a file of a job: those that it has where the job kept that path before. The first job
    /// that keeps a path has it at its own place; every other one in a folder of its name.
    fn place(&self, job: JobId, name: &str, path: &str) -> (ArtifactId, String) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = kept.iter().find(|file| file.job == job && file.kept.path == path) {
            return (file.kept.id, file.place.clone());
        }
        let last = kept.iter().map(|file| file.kept.id.0).max().unwrap_or(0);
        let is_taken = kept.iter().any(|file| file.place == path);
        let place = match is_taken {
            false => path.to_owned(),
            true => format!("of job {job}, {}/{path}", plain(name)),
        };
        (ArtifactId(last + 1), place)
    }

    async fn write(&self, path: &str, executable: bool, content: FileStream) -> io::Result<(u64, String)> {
        let target = self.folder.join(path);
        if let Some(folder) = target.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let mut file = tokio::fs::File::create(&target).await?;
        let mode = if executable { 0o755 } else { 0o644 };
        file.set_permissions(Permissions::from_mode(mode)).await?;
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

/// A job's name as the name of a folder.
fn plain(name: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || " ()-_,.".contains(character);
    name.chars()
        .map(|character| if is_plain(character) { character } else { '_' })
        .take(100)
        .collect()
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

    async fn report(&self, lease: &AttemptLease, report: &Report) -> Result<Reported, CallError> {
        self.handle
            .report(lease.attempt, report.clone())
            .await
            .map_err(call_error)
    }

    async fn append_log(
        &self,
        lease: &AttemptLease,
        first_line: u64,
        chunk: Bytes,
    ) -> Result<LogAcknowledged, CallError> {
        let chunk = Chunk::decode(&chunk, ChunkLimits::CHUNK).map_err(|error| CallError::Refused {
            message: error.to_string(),
        })?;
        let job = self.job_of(lease)?;
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

    async fn test_results(&self, _: &AttemptLease, _: &TestReport) -> Result<(), CallError> {
        // The agent says the counts in the log.
        Ok(())
    }

    async fn keep(
        &self,
        lease: &AttemptLease,
        path: &str,
        size: u64,
        executable: bool,
        content: FileStream,
    ) -> Result<(), CallError> {
        let job = self.job_of(lease)?;
        let name = self.printer.name(job);
        let _turn = self.keeping.lock().await;
        let (id, place) = self.place(job, &name, path);
        let (written, sha256) = self
            .write(&place, executable, content)
            .await
            .map_err(|error| disk_error(&error))?;
        if written != size {
            return Err(CallError::Refused {
                message: format!("{path} has {written} bytes, and {size} were announced"),
            });
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.kept.id != id);
        let (stage, job_name) = name.split_once('/').unwrap_or(("", &name));
        kept.push(KeptFile {
            kept: Kept {
                id,
                path: path.to_owned(),
                size,
                sha256,
                executable,
                job: job_name.to_owned(),
                stage: stage.to_owned(),
                created_at: machine::now(),
            },
            job,
            place,
        });
        Ok(())
    }

    async fn kept(&self, _: &AttemptLease) -> Result<Vec<Kept>, CallError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.iter().map(|file| file.kept.clone()).collect())
    }

    async fn fetch_kept(&self, _: &AttemptLease, artifact: ArtifactId) -> Result<FileStream, CallError> {
        let path = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let found = kept.iter().find(|file| file.kept.id == artifact);
            found
                .map(|file| file.place.clone())
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
