//! The bare executor: processes of this machine in a sandbox of their own, which are started, listened to and ended here.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keirin_model::AttemptId;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, fchown};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    ExecutorFactory, ExecutorParts, JobExecutor, LaunchError, PrepareError, StepCommand, StepFolders,
};
use crate::config::{Config, RunAs};
use crate::job_limits::ExceededLimit;
use crate::output::Capture;
use crate::remains;
use crate::sandbox::{Namespaces, Owner, ProcessEnd, Sandbox, SandboxFailure, Sandboxes, StepProcess};
use crate::slots::Slot;
use crate::streams::{StepStream, StepStreams};
use crate::workspace::{Folder, Workspace};

/// Makes bare executors.
pub(super) fn factory(parts: &ExecutorParts) -> Box<dyn ExecutorFactory> {
    Box::new(BareFactory {
        config: Arc::clone(&parts.config),
        folder: Arc::clone(&parts.folder),
        sandboxes: Arc::clone(&parts.sandboxes),
    })
}

struct BareFactory {
    config: Arc<Config>,
    folder: Arc<Folder>,
    sandboxes: Arc<Sandboxes>,
}

#[async_trait]
impl ExecutorFactory for BareFactory {
    async fn prepare(&self, attempt: AttemptId, slot: &Slot) -> Result<Box<dyn JobExecutor>, PrepareError> {
        let workspace = self.folder.workspace(attempt, slot.owner())?;
        let folders = workspace.folders().clone();
        match self.sandboxes.start(folders, slot.owner()).await {
            Ok(sandbox) => Ok(Box::new(Bare {
                attempt,
                config: Arc::clone(&self.config),
                sandboxes: Arc::clone(&self.sandboxes),
                workspace,
                sandbox: Mutex::new(sandbox),
            })),
            Err(error) => {
                remove(attempt, workspace).await;
                Err(PrepareError::NotApart(error.into()))
            }
        }
    }

    fn make_ahead(&self) {
        self.sandboxes.make_ahead();
    }
}

/// The sandbox of an attempt.
struct Bare {
    attempt: AttemptId,
    config: Arc<Config>,
    sandboxes: Arc<Sandboxes>,
    workspace: Workspace,
    sandbox: Mutex<Sandbox>,
}

#[async_trait]
impl JobExecutor for Bare {
    fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    fn folders(&self) -> StepFolders<'_> {
        StepFolders {
            work: self.workspace.work(),
            home: self.workspace.home(),
            temporary: self.workspace.temporary(),
        }
    }

    async fn run(
        &self,
        command: &StepCommand<'_>,
        mut output: Capture,
        mut error: Capture,
        halt: &CancellationToken,
    ) -> Result<ProcessEnd, LaunchError> {
        let mut sandbox = self.sandbox.lock().await;
        let mut streams = self.start(command, &mut sandbox).await?;
        let mut ending = Ending::new(self.config.patience.termination);
        let mut write = |stream: StepStream, bytes: &[u8]| match stream {
            StepStream::Output => output.write(bytes),
            StepStream::Error => error.write(bytes),
        };
        let mut exit: Option<Result<ProcessEnd, SandboxFailure>> = None;
        let mut unread = Ok(());
        let mut linger_until = None;
        while exit.is_none() || streams.is_open() {
            let (is_ending, next_at) = (ending.has_begun(), ending.next_at());
            tokio::select! {
                read = streams.read(&mut write), if streams.is_open() => {
                    unread = read;
                    if unread.is_err() {
                        break;
                    }
                }
                exited = sandbox.exited(), if exit.is_none() => {
                    exit = Some(exited);
                    linger_until = Some(Instant::now() + self.config.patience.lingering_output);
                    if is_ending {
                        sandbox.signal(Signal::SIGKILL).await;
                    }
                }
                () = halt.cancelled(), if !is_ending => match exit {
                    None => ending.begin(&mut sandbox).await,
                    // What has lost its leader is ended at once.
                    Some(_) => {
                        sandbox.signal(Signal::SIGKILL).await;
                        break;
                    }
                },
                () = sleep_until(next_at), if is_ending && exit.is_none() => ending.go_on(&mut sandbox).await,
                () = sleep_until(linger_until.unwrap_or_else(Instant::now)), if linger_until.is_some() => break,
            }
        }
        // Whatever became of the process, its last words are said, also those that nobody has waited for.
        streams.read_what_is_here(&mut write);
        output.finish();
        error.finish();
        unread.map_err(|source| LaunchError::Read {
            program: command.program.to_owned(),
            source,
        })?;
        let exit = exit.transpose().map_err(of_sandbox)?;
        Ok(exit.unwrap_or_default())
    }

    async fn runs_into_limit(&self) -> ExceededLimit {
        self.sandbox.lock().await.runs_into_limit().await
    }

    async fn take_exceeded(&self) -> Option<ExceededLimit> {
        self.sandbox.lock().await.take_exceeded()
    }

    async fn end_processes(&self) -> usize {
        let ended = self.sandbox.lock().await.end().await;
        let left = match ended {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(attempt = %self.attempt, %error, "a job's sandbox cannot end what the job had left running");
                self.end_remains().await
            }
        };
        self.end_processes_of_slot().await;
        left
    }

    async fn clean_up(self: Box<Self>) {
        let Self {
            attempt,
            workspace,
            sandbox,
            ..
        } = *self;
        sandbox.into_inner().close().await;
        remove(attempt, workspace).await;
    }
}

impl Bare {
    /// Starts the process; returns what it writes.
    async fn start(
        &self,
        command: &StepCommand<'_>,
        sandbox: &mut Sandbox,
    ) -> Result<StepStreams, LaunchError> {
        let program = || command.program.to_owned();
        let system = |source| LaunchError::System {
            program: program(),
            source,
        };
        let (output_reader, output) = self.pipe().map_err(system)?;
        let (error_reader, error) = self.pipe().map_err(system)?;
        let streams = StepStreams::new(output_reader, error_reader).map_err(system)?;
        let folder = command.folder.to_string_lossy().into_owned();
        let process = StepProcess {
            program: program(),
            arguments: command.arguments.to_vec(),
            folder: folder.clone(),
            environment: command.environment,
            output: output.as_fd(),
            error: error.as_fd(),
        };
        match sandbox.run(process).await.map_err(of_sandbox)? {
            Ok(()) => Ok(streams),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(LaunchError::NotFound {
                program: program(),
                folder,
            }),
            Err(source) => Err(system(source)),
        }
    }

    /// A pipe whose end the step can open again by name, as in `echo warning > /dev/stderr`.
    fn pipe(&self) -> io::Result<(PipeReader, PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        if let Some(Owner { uid, gid }) = self.workspace.owner() {
            fchown(&writer, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        Ok((reader, writer))
    }

    /// Ends what shows that it belongs to this workspace, for a sandbox that was killed itself. Returns how many processes
    /// there were.
    async fn end_remains(&self) -> usize {
        let attempt = self.attempt;
        let root = self.workspace.root().to_owned();
        match tokio::task::spawn_blocking(move || remains::end_processes_in(&root)).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => {
                tracing::error!(%attempt, %error, "cannot look for processes that a job has left");
                0
            }
            Err(error) => {
                tracing::error!(%attempt, %error, "looking for processes that a job has left broke off");
                0
            }
        }
    }

    /// Where no namespace ends with its first process: ends whatever runs as the slot's user, which nobody else is.
    async fn end_processes_of_slot(&self) {
        if self.sandboxes.namespaces == Namespaces::Full {
            return;
        }
        if let (RunAs::Range(_), Some(owner)) = (&self.config.identity, self.workspace.owner())
            && let Err(error) = self.sandboxes.end_processes_of(owner).await
        {
            tracing::error!(attempt = %self.attempt, %error, "a job may have left processes");
        }
    }
}

fn of_sandbox(failure: SandboxFailure) -> LaunchError {
    LaunchError::Executor(failure.into())
}

/// Removes a workspace, which waits for the disk.
async fn remove(attempt: AttemptId, workspace: Workspace) {
    match tokio::task::spawn_blocking(move || workspace.remove()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%attempt, %error, "cannot remove a workspace"),
        Err(error) => tracing::error!(%attempt, %error, "removing a workspace broke off"),
    }
}

/// How a step's process is ended: asked, then killed, then killed with its sandbox.
struct Ending {
    patience: Duration,
    next_at: Option<Instant>,
    is_killed: bool,
}

impl Ending {
    fn new(patience: Duration) -> Self {
        Self {
            patience,
            next_at: None,
            is_killed: false,
        }
    }

    fn has_begun(&self) -> bool {
        self.next_at.is_some()
    }

    fn next_at(&self) -> Instant {
        self.next_at.unwrap_or_else(Instant::now)
    }

    /// Asks the process group to end.
    async fn begin(&mut self, sandbox: &mut Sandbox) {
        self.next_at = Some(Instant::now() + self.patience);
        sandbox.signal(Signal::SIGTERM).await;
    }

    /// The process has not ended in its time.
    async fn go_on(&mut self, sandbox: &mut Sandbox) {
        self.next_at = Some(Instant::now() + self.patience);
        match self.is_killed {
            false => sandbox.signal(Signal::SIGKILL).await,
            // Its end is what the step waits for.
            true => drop(sandbox.kill(" because its step could not be ended")),
        }
        self.is_killed = true;
    }
}
