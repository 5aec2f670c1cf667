//! The bare executor: starts the processes of a step on this machine, listens to them, and ends them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use keirin_model::AttemptId;
use keirin_model::flow::Exit;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Gid, Pid, Uid, fchown};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::agent::AgentError;
use crate::config::{Config, Identity, Patience};
use crate::guard;
use crate::output::Capture;
use crate::workspace::{Folder, Workspace};

/// How much is read at once.
const READ_BYTES: usize = 64 * 1024;

/// A process to start.
pub(crate) struct Launch<'a> {
    pub(crate) program: &'a OsStr,
    pub(crate) arguments: &'a [OsString],
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
}

/// Starts processes with the rights of an identity.
pub(crate) struct Bare<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) workspace: &'a Workspace,
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
    ) -> Result<Exit, LaunchError> {
        let failed = |source: io::Error| self.failure(launch, source);
        let (output_reader, output_writer) = self.pipe().map_err(failed)?;
        let (error_reader, error_writer) = self.pipe().map_err(failed)?;
        let child = self
            .command(launch, output_writer, error_writer)
            .spawn()
            .map_err(failed)?;
        let mut group = Group::of(child, self.patience.termination);

        let (mut output_pipe, mut error_pipe) = (Pipe::new(output_reader), Pipe::new(error_reader));
        let mut exit = None;
        let mut linger_until = None;
        while exit.is_none() || output_pipe.is_open() || error_pipe.is_open() {
            let (is_ending, kill_at) = (group.is_ending(), group.kill_at());
            let may_kill = is_ending && !group.is_killed;
            tokio::select! {
                bytes = output_pipe.read() => output.write(bytes),
                bytes = error_pipe.read() => error.write(bytes),
                status = group.child.wait(), if exit.is_none() => {
                    let status = status.map_err(failed)?;
                    exit = Some(Exit { code: status.code(), signal: status.signal() });
                    linger_until = Some(Instant::now() + self.patience.lingering_output);
                    if group.is_ending() {
                        group.kill();
                    }
                }
                () = halt.cancelled(), if !is_ending => group.terminate(exit.is_some()),
                () = sleep_until(kill_at), if may_kill => group.kill(),
                () = sleep_until(linger_until.unwrap_or_else(Instant::now)), if linger_until.is_some() => break,
            }
        }
        output.finish();
        error.finish();
        Ok(exit.unwrap_or_default())
    }

    /// A pipe whose end the step can open again by name, as in `echo warning > /dev/stderr`.
    fn pipe(&self) -> io::Result<(Receiver, Stdio)> {
        let (reader, writer) = io::pipe()?;
        if let Identity::User { uid, gid } = *self.identity {
            fchown(&writer, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        Ok((
            Receiver::from_owned_fd(OwnedFd::from(reader))?,
            Stdio::from(writer),
        ))
    }

    fn command(&self, launch: &Launch<'_>, output: Stdio, error: Stdio) -> Command {
        let new = |program: &OsStr| {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the adapter that starts the processes of steps"
            )]
            let command = Command::new(program);
            command
        };
        let mut command = match self.identity {
            Identity::Own => new(launch.program),
            Identity::User { uid, gid } => {
                let mut command = new(launch.program);
                // The standard library drops the other groups of root before it changes the user.
                command.gid(*gid).uid(*uid);
                command
            }
            Identity::Guarded(guarded) => {
                let mut command = new(guarded.program.as_os_str());
                command.args(&guarded.arguments);
                command.args(guard::arguments(
                    &self.workspace.writable(),
                    &guarded.closed,
                    launch.folder,
                ));
                command.arg(launch.program);
                command
            }
        };
        command.args(launch.arguments).current_dir(launch.folder);
        command.env_clear().envs(launch.environment);
        command.stdin(Stdio::null()).stdout(output).stderr(error);
        command.process_group(0).kill_on_drop(true);
        command
    }

    fn failure(&self, launch: &Launch<'_>, source: io::Error) -> LaunchError {
        let program = match self.identity {
            Identity::Guarded(guarded) => guarded.program.display().to_string(),
            Identity::Own | Identity::User { .. } => launch.program.to_string_lossy().into_owned(),
        };
        let folder = launch.folder.display().to_string();
        match source.kind() {
            io::ErrorKind::NotFound => LaunchError::NotFound { program, folder },
            _ => LaunchError::System { program, source },
        }
    }
}

/// The read end of a pipe, until it closes.
struct Pipe {
    receiver: Option<Receiver>,
    buffer: Vec<u8>,
}

impl Pipe {
    fn new(receiver: Receiver) -> Self {
        Self {
            receiver: Some(receiver),
            buffer: vec![0; READ_BYTES],
        }
    }

    fn is_open(&self) -> bool {
        self.receiver.is_some()
    }

    /// The next bytes; empty once, when the pipe closes, and never again.
    async fn read(&mut self) -> &[u8] {
        let Some(receiver) = &mut self.receiver else {
            return std::future::pending().await;
        };
        match receiver.read(&mut self.buffer).await {
            Ok(length) if length > 0 => &self.buffer[..length],
            // A pipe has no other error than its end.
            Ok(_) | Err(_) => {
                self.receiver = None;
                &[]
            }
        }
    }
}

/// The process of a step and all that is in its process group.
struct Group {
    child: Child,
    leader: Option<Pid>,
    patience: Duration,
    ending_since: Option<Instant>,
    is_killed: bool,
}

impl Group {
    fn of(child: Child, patience: Duration) -> Self {
        let leader = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw);
        Self {
            child,
            leader,
            patience,
            ending_since: None,
            is_killed: false,
        }
    }

    fn is_ending(&self) -> bool {
        self.ending_since.is_some()
    }

    fn kill_at(&self) -> Instant {
        self.ending_since.unwrap_or_else(Instant::now) + self.patience
    }

    /// Asks the group to end; what has lost its leader is ended at once.
    fn terminate(&mut self, is_leader_gone: bool) {
        self.ending_since = Some(Instant::now());
        match is_leader_gone {
            true => self.kill(),
            false => self.signal(Signal::SIGTERM),
        }
    }

    fn kill(&mut self) {
        self.is_killed = true;
        self.signal(Signal::SIGKILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // An error means that nobody is left in the group.
            let _ = killpg(leader, signal);
        }
    }
}

/// Starts a program that does nothing, the way that steps are started, to see whether the guard holds here.
pub(crate) async fn check_guard(config: &Config, folder: &Folder) -> Result<(), AgentError> {
    let Identity::Guarded(_) = &config.identity else {
        return Ok(());
    };
    let workspace = folder.workspace(AttemptId(0), &config.identity)?;
    let bare = Bare {
        identity: &config.identity,
        workspace: &workspace,
        patience: &config.patience,
    };
    let arguments = ["-c".into(), ":".into()];
    let launch = Launch {
        program: OsStr::new("sh"),
        arguments: &arguments,
        folder: workspace.work(),
        environment: &config.environment,
    };
    let not_guarded = |reason: String| AgentError::NotGuarded { reason };
    let mut command = bare.command(&launch, Stdio::null(), Stdio::piped());
    let ended = command
        .output()
        .await
        .map_err(|error| not_guarded(bare.failure(&launch, error).to_string()))?;
    if let Err(error) = workspace.remove() {
        tracing::warn!(%error, "cannot remove the folder that the guard was tried in");
    }
    match ended.status.success() {
        true => Ok(()),
        false => Err(not_guarded(
            String::from_utf8_lossy(&ended.stderr).trim().to_owned(),
        )),
    }
}
