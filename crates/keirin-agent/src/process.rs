//! The bare executor: has the processes of a step started on this machine, listens to them, and ends them.

use std::collections::BTreeMap;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, fchown};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::config::Patience;
use crate::output::Capture;
use crate::sandbox::{Owner, ProcessEnd, Sandbox, SandboxFailure, StepProcess};
use crate::streams::{StepStream, StepStreams};

/// A process to start.
pub(crate) struct Launch<'a> {
    pub(crate) program: &'a str,
    pub(crate) arguments: &'a [String],
    pub(crate) folder: &'a Path,
    pub(crate) environment: &'a BTreeMap<String, String>,
}

/// A process could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error("there is no program `{program}`, or no folder `{folder}` to start it in")]
    NotFound { program: String, folder: String },
    #[error("cannot start `{program}`: {source}")]
    System { program: String, source: io::Error },
    #[error(transparent)]
    Sandbox(#[from] SandboxFailure),
    #[error("cannot read what `{program}` writes: {source}")]
    Read { program: String, source: io::Error },
}

/// Runs processes in the sandbox of an attempt.
pub(crate) struct Bare<'a> {
    pub(crate) sandbox: &'a Mutex<Sandbox>,
    pub(crate) owner: Option<Owner>,
    pub(crate) patience: &'a Patience,
}

impl Bare<'_> {
    /// Runs a process to its end, or to the end of its whole process group once `halt` is called. Processes that it
    /// leaves behind go on; what they write when it has ended is heard for a moment only.
    pub(crate) async fn run(
        &self,
        launch: &Launch<'_>,
        mut output: Capture,
        mut error: Capture,
        halt: &CancellationToken,
    ) -> Result<ProcessEnd, LaunchError> {
        let mut sandbox = self.sandbox.lock().await;
        let mut streams = self.start(launch, &mut sandbox).await?;
        let mut ending = Ending::new(self.patience.termination);
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
                    linger_until = Some(Instant::now() + self.patience.lingering_output);
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
            program: launch.program.to_owned(),
            source,
        })?;
        Ok(exit.transpose()?.unwrap_or_default())
    }

    /// Starts the process; returns what it writes.
    async fn start(&self, launch: &Launch<'_>, sandbox: &mut Sandbox) -> Result<StepStreams, LaunchError> {
        let program = || launch.program.to_owned();
        let system = |source| LaunchError::System {
            program: program(),
            source,
        };
        let (output_reader, output) = self.pipe().map_err(system)?;
        let (error_reader, error) = self.pipe().map_err(system)?;
        let streams = StepStreams::new(output_reader, error_reader).map_err(system)?;
        let folder = launch.folder.to_string_lossy().into_owned();
        let process = StepProcess {
            program: program(),
            arguments: launch.arguments.to_vec(),
            folder: folder.clone(),
            environment: launch.environment,
            output: output.as_fd(),
            error: error.as_fd(),
        };
        match sandbox.run(process).await? {
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
        if let Some(Owner { uid, gid }) = self.owner {
            fchown(&writer, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        Ok((reader, writer))
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
