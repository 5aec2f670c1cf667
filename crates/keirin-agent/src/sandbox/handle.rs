//! The agent's end of a sandbox.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use keirin_model::flow::Exit;
use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{Shutdown, shutdown};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, pipe};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

use crate::job_limits::{ExceededLimit, JobLimits};

use super::END_PROCESSES_OF;
use super::fork_server::ForkServer;
use super::plan::{Folders, Namespaces, Owner, SandboxPlan};
use super::protocol::{self, Request, Response};

/// How long a sandbox may take for what takes milliseconds. One that does not answer by then is killed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no sandbox, or no more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxFailure {
    /// Its program cannot be started.
    #[error("cannot start `{program}`: {source}")]
    Start { program: String, source: io::Error },
    /// It does not hold here.
    #[error("{0}")]
    Refused(String),
    /// It has ended before its time.
    #[error("the process that holds the job's steps has ended by itself{0}")]
    Gone(String),
    /// It says what it should not.
    #[error("the process that holds the job's steps answers what nobody asked for")]
    Confused,
    #[error("the process that holds the job's steps cannot be spoken to: {0}")]
    Connection(#[from] io::Error),
}

/// How sandboxes are made here, and those that are made ahead.
#[derive(Debug)]
pub(crate) struct Sandboxes {
    /// The program that calls [`crate::sandbox::main`], and the arguments that make it do so.
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) namespaces: Namespaces,
    pub(crate) is_confined: bool,
    pub(crate) needs_landlock: bool,
    pub(crate) closed: Vec<PathBuf>,
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) limits: JobLimits,
    /// What sandboxes are forked from, once one was asked for.
    pub(crate) fork_server: Mutex<Option<Arc<ForkServer>>>,
    /// How many sandboxes wait for jobs, where they are made ahead.
    pub(crate) ahead: usize,
    /// Those that wait. They end with this value.
    pub(crate) waiting: Mutex<VecDeque<Sandbox>>,
}

/// The processes of a sandbox, which hold what they are told to. They end with this value.
#[derive(Debug)]
pub(crate) struct Sandbox {
    processes: Processes,
    responses: FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    requests: OwnedWriteHalf,
    /// What its own processes say on standard error. It ends with the last of them.
    errors: pipe::Receiver,
    has_landlock: bool,
    /// The limit that the job has run into between its steps, until somebody asks.
    exceeded: Option<ExceededLimit>,
    /// What it has said on standard error, once it is gone.
    last_words: Vec<u8>,
}

/// A sandbox's own processes, which are killed with this value where they are still there.
#[derive(Debug)]
struct Processes {
    fork_server: Arc<ForkServer>,
    number: u64,
}

impl Drop for Processes {
    fn drop(&mut self) {
        // Without its fork server a sandbox ends by the end of its socket.
        if let Err(error) = self.fork_server.kill(self.number) {
            tracing::debug!(%error, "the process that a sandbox was forked from has ended before it");
        }
    }
}

impl Sandboxes {
    /// Makes a sandbox for one attempt.
    pub(crate) async fn start(
        &self,
        folders: Folders,
        owner: Option<Owner>,
    ) -> Result<Sandbox, SandboxFailure> {
        let plan = SandboxPlan {
            namespaces: self.namespaces,
            is_confined: self.is_confined,
            needs_landlock: self.needs_landlock,
            owner,
            folders,
            closed: self.closed.clone(),
            writable: self.writable.clone(),
            limits: self.limits,
        };
        let sandbox = match self.take_waiting() {
            Some(waiting) => waiting,
            None => self.spawn()?,
        };
        match sandbox.begin(&plan).await {
            // Nothing of the job has begun. It may never have been forked: what it was to be forked from has ended just then,
            // is stopped, or can do no more.
            Err(error @ (SandboxFailure::Gone(_) | SandboxFailure::Connection(_))) => {
                tracing::warn!(%error, "a sandbox did not begin; another is made by another process");
                self.forget_fork_server();
                self.spawn()?.begin(&plan).await
            }
            begun => begun,
        }
    }

    /// Lets go of the fork server, and of those that wait and may not have been forked. The next sandbox is forked from another.
    fn forget_fork_server(&self) {
        let mut current = self.fork_server.lock().unwrap_or_else(PoisonError::into_inner);
        *current = None;
        drop(current);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.clear();
    }

    /// Starts sandboxes for the jobs that will come next, until enough wait.
    pub(crate) fn make_ahead(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.len() < self.ahead {
            match self.spawn() {
                Ok(sandbox) => waiting.push_back(sandbox),
                Err(error) => {
                    // The next job makes its own, or says why it has none.
                    tracing::debug!(%error, "cannot start a sandbox ahead");
                    return;
                }
            }
        }
    }

    /// One that waits and has not ended for some reason of its own.
    fn take_waiting(&self) -> Option<Sandbox> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            // The oldest is the most certain to have been forked.
            let sandbox = waiting.pop_front()?;
            if sandbox.is_silent() {
                return Some(sandbox);
            }
        }
    }

    /// Forks the processes of a sandbox, which wait for their plan.
    fn spawn(&self) -> Result<Sandbox, SandboxFailure> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (responses, requests) = UnixStream::from_std(ours)?.into_split();
        let (errors, their_errors) = std::io::pipe()?;
        let processes = self.fork(theirs.as_fd(), their_errors.as_fd())?;
        let codec = LengthDelimitedCodec::builder()
            .max_frame_length(protocol::LONGEST)
            .new_codec();
        Ok(Sandbox {
            processes,
            responses: FramedRead::new(responses, codec),
            requests,
            errors: pipe::Receiver::from_owned_fd(errors.into())?,
            has_landlock: false,
            exceeded: None,
            last_words: Vec::new(),
        })
    }

    /// Forks for a sandbox, after a start of the fork server where there is none or it was killed.
    fn fork(&self, socket: BorrowedFd<'_>, errors: BorrowedFd<'_>) -> Result<Processes, SandboxFailure> {
        let mut current = self.fork_server.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fork_server) = &*current {
            match fork_server.fork(self.namespaces, socket, errors) {
                Ok(number) => {
                    let fork_server = Arc::clone(fork_server);
                    return Ok(Processes { fork_server, number });
                }
                Err(error) => {
                    tracing::warn!(%error, "the process that sandboxes are forked from is started again")
                }
            }
        }
        let started = ForkServer::start(self.command()).map_err(|source| self.not_started(source))?;
        let fork_server = Arc::clone(current.insert(Arc::new(started)));
        let number = fork_server.fork(self.namespaces, socket, errors)?;
        Ok(Processes { fork_server, number })
    }

    /// Kills all processes of a slot's user.
    pub(crate) async fn end_processes_of(&self, owner: Owner) -> Result<(), SandboxFailure> {
        let mut command = self.command();
        command.arg(END_PROCESSES_OF).arg(owner.uid.to_string());
        let ended = command.stdin(Stdio::null()).output();
        let ended = ended.await.map_err(|source| self.not_started(source))?;
        match ended.status.success() {
            true => Ok(()),
            false => Err(SandboxFailure::Gone(reason(&ended.stderr))),
        }
    }

    fn command(&self) -> Command {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the adapter that starts the sandbox of an attempt"
        )]
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().current_dir("/");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }

    fn not_started(&self, source: io::Error) -> SandboxFailure {
        SandboxFailure::Start {
            program: self.program.display().to_string(),
            source,
        }
    }
}

impl Sandbox {
    /// Tells it what to hold.
    async fn begin(mut self, plan: &SandboxPlan) -> Result<Self, SandboxFailure> {
        self.send(plan, &[]).await?;
        match in_time(self.receive()).await {
            Some(Ok(Response::Ready { has_landlock })) => {
                self.has_landlock = has_landlock;
                Ok(self)
            }
            Some(Ok(Response::Refused { reason })) => Err(SandboxFailure::Refused(reason)),
            Some(Ok(_)) => Err(SandboxFailure::Confused),
            Some(Err(error)) => Err(error),
            None => Err(self.kill(" because it did not begin in time")),
        }
    }

    /// Whether nothing has come from it, neither a word nor its end.
    fn is_silent(&self) -> bool {
        let socket: &UnixStream = self.requests.as_ref();
        let mut events = [PollFd::new(socket, PollFlags::IN)];
        matches!(poll(&mut events, Some(&Timespec::default())), Ok(0))
    }

    pub(crate) fn has_landlock(&self) -> bool {
        self.has_landlock
    }

    /// Starts a step's process. The error is the system's, from where the process was to be started.
    pub(crate) async fn run(
        &mut self,
        process: StepProcess<'_>,
    ) -> Result<Result<(), io::Error>, SandboxFailure> {
        let request = Request::Run {
            program: process.program,
            arguments: process.arguments,
            folder: process.folder,
            environment: process.environment.clone(),
        };
        match self.send(&request, &[process.output, process.error]).await {
            // Nothing of it has been sent. The kernel takes less too.
            Err(SandboxFailure::Connection(error)) if error.kind() == io::ErrorKind::ArgumentListTooLong => {
                return Ok(Err(error));
            }
            sent => sent?,
        }
        match in_time(self.receive()).await {
            Some(Ok(Response::Started)) => Ok(Ok(())),
            Some(Ok(Response::NotStarted { errno })) => Ok(Err(io::Error::from_raw_os_error(errno))),
            Some(Ok(_)) => Err(SandboxFailure::Confused),
            Some(Err(error)) => Err(error),
            None => Err(self.kill(" because it did not answer")),
        }
    }

    /// Waits for the end of the step's process. May be dropped and called again.
    pub(crate) async fn exited(&mut self) -> Result<ProcessEnd, SandboxFailure> {
        match self.receive().await? {
            Response::Exited {
                code,
                signal,
                exceeded,
            } => Ok(ProcessEnd {
                exit: Exit { code, signal },
                exceeded,
            }),
            _ => Err(SandboxFailure::Confused),
        }
    }

    /// Sends a signal to the step's process group.
    pub(crate) async fn signal(&mut self, signal: Signal) {
        // Where it fails the sandbox is gone, which the next call says.
        drop(self.send(&Request::Signal(signal as i32), &[]).await);
    }

    /// Ends all processes that are left. Returns how many were still running.
    pub(crate) async fn end(&mut self) -> Result<usize, SandboxFailure> {
        self.send(&Request::End, &[]).await?;
        match in_time(self.ended()).await {
            Some(processes) => processes,
            None => Err(self.kill(" because it did not end what was left")),
        }
    }

    /// Waits until its own processes have ended too, which takes the kernel a moment for the namespaces.
    pub(crate) async fn close(self) {
        let Self {
            processes,
            responses,
            requests,
            mut errors,
            ..
        } = self;
        drop((responses, requests));
        let mut words = [0; 1024];
        // An error is an end too.
        let ended = async { while errors.read(&mut words).await.is_ok_and(|bytes| bytes > 0) {} };
        tokio::pin!(ended);
        let is_late = in_time(ended.as_mut()).await.is_none();
        // With the process outside dies the one inside, and with that all that it holds.
        drop(processes);
        if is_late {
            tracing::error!("the sandbox of a job does not end; it is killed");
            let _ = in_time(ended).await;
        }
    }

    async fn ended(&mut self) -> Result<usize, SandboxFailure> {
        loop {
            match self.receive().await? {
                Response::Ended { processes } => return Ok(processes),
                // A step that was given up has ended meanwhile.
                Response::Exited { .. } => {}
                _ => return Err(SandboxFailure::Confused),
            }
        }
    }

    /// Kills the sandbox with all that it holds.
    pub(crate) fn kill(&mut self, why: &str) -> SandboxFailure {
        if let Err(error) = self.processes.fork_server.kill(self.processes.number) {
            tracing::error!(%error, "the sandbox of a job cannot be killed; it is told to end");
        }
        // Whoever waits for it waits no more, also where it could not be killed; and where it can it ends by itself.
        let socket: &UnixStream = self.requests.as_ref();
        if let Err(error) = shutdown(socket, Shutdown::Both) {
            tracing::debug!(%error, "the sandbox of a job has ended already");
        }
        SandboxFailure::Gone(why.to_owned())
    }

    async fn send(
        &mut self,
        message: &impl Serialize,
        files: &[std::os::fd::BorrowedFd<'_>],
    ) -> Result<(), SandboxFailure> {
        let (text, length) = protocol::frame(message)?;
        let socket: &UnixStream = self.requests.as_ref();
        let sent = socket.async_io(Interest::WRITABLE, || {
            protocol::send_length(socket.as_fd(), length, files)
        });
        let sent = match sent.await {
            Ok(()) => self.requests.write_all(&text).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(self.gone().await),
            Err(error) => Err(error.into()),
        }
    }

    /// The next answer, which what is told without being asked for may precede.
    async fn receive(&mut self) -> Result<Response, SandboxFailure> {
        loop {
            let response = match self.responses.next().await {
                Some(Ok(frame)) => serde_json::from_slice(&frame).map_err(|_| SandboxFailure::Confused)?,
                Some(Err(error)) => return Err(error.into()),
                None => return Err(self.gone().await),
            };
            match response {
                Response::Exceeded(limit) => self.exceeded = Some(limit),
                response => return Ok(response),
            }
        }
    }

    /// The limit that the job has run into, where that was not while one of its own processes was waited for. Asked once.
    pub(crate) fn take_exceeded(&mut self) -> Option<ExceededLimit> {
        // What is wrong with the connection the next call says.
        while let Some(Some(Ok(frame))) = self.responses.next().now_or_never() {
            self.note(&frame);
        }
        self.exceeded.take()
    }

    /// Waits until the job runs into a limit while none of its own processes is waited for. May be dropped and called again.
    pub(crate) async fn runs_into_limit(&mut self) -> ExceededLimit {
        loop {
            if let Some(exceeded) = self.exceeded.take() {
                return exceeded;
            }
            match self.responses.next().await {
                Some(Ok(frame)) => self.note(&frame),
                // As above.
                Some(Err(_)) | None => std::future::pending().await,
            }
        }
    }

    /// Nothing else comes unasked but the end of a step that was given up.
    fn note(&mut self, unasked: &[u8]) {
        if let Ok(Response::Exceeded(limit)) = serde_json::from_slice(unasked) {
            self.exceeded = Some(limit);
        }
    }

    /// It has ended; what it said at last tells why. May be dropped and called again.
    async fn gone(&mut self) -> SandboxFailure {
        let (words, errors) = (&mut self.last_words, &mut self.errors);
        let read = async {
            // An error is an end too.
            while words.len() < 4096 && errors.read_buf(words).await.is_ok_and(|bytes| bytes > 0) {}
        };
        // A process that outlives it may keep this open.
        drop(timeout(Duration::from_secs(1), read).await);
        if self.last_words.is_empty() {
            // It may never have been forked.
            self.last_words = self.processes.fork_server.last_words().await;
        }
        SandboxFailure::Gone(reason(&self.last_words))
    }
}

/// What comes within [`PATIENCE`] of the machine's own time: the kernel's work takes that, whatever the runtime's clock says.
async fn in_time<T>(work: impl Future<Output = T>) -> Option<T> {
    let (done, waited) = std::sync::mpsc::channel::<()>();
    let timer = tokio::task::spawn_blocking(move || {
        // Both its errors end the waiting: the time is over, or the work is done.
        let _ = waited.recv_timeout(PATIENCE);
    });
    tokio::select! {
        value = work => {
            drop(done);
            Some(value)
        }
        _ = timer => None,
    }
}

/// How a step's process ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ProcessEnd {
    pub(crate) exit: Exit,
    /// The limit that it ended by, where that is known.
    pub(crate) exceeded: Option<ExceededLimit>,
}

/// A step's process to start.
pub(crate) struct StepProcess<'a> {
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) folder: String,
    pub(crate) environment: &'a std::collections::BTreeMap<String, String>,
    pub(crate) output: std::os::fd::BorrowedFd<'a>,
    pub(crate) error: std::os::fd::BorrowedFd<'a>,
}

/// What a process has said on standard error, as the end of a sentence.
fn reason(stderr: &[u8]) -> String {
    match String::from_utf8_lossy(stderr).trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}
