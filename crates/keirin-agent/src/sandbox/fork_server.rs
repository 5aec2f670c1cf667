//! The process that the processes of all sandboxes of an agent are forked from.
//!
//! Becoming this program takes several milliseconds of processor time, most of them for the hundred thousand addresses that
//! the loader puts right. A copy of a process that has done so takes a small part of one. So the agent starts its program
//! once, and that process forks for each sandbox. It has one thread and hears of no job: the copies have nothing to leak.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fork::Fork;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, setpgid};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{WaitOptions, wait};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use super::plan::Namespaces;
use super::protocol;
use super::{SandboxError, hear_signals, hold, socket, system};

/// Bytes of what it says on standard error that are repeated.
const LAST_WORDS: u64 = 4096;

/// What the agent asks of the fork server. Nothing is answered: whether a sandbox works is heard from itself.
#[derive(Debug, Serialize, Deserialize)]
enum ForkRequest {
    /// Forks for a sandbox. The two files that come along are its socket and what it says errors to.
    Fork { number: u64, namespaces: Namespaces },
    /// Kills what was forked for a sandbox.
    Kill { number: u64 },
}

/// Forks as the agent tells it, until the agent is gone. In a process that was forked it returns at the end of the sandbox.
pub(super) fn run() -> Result<(), SandboxError> {
    let agent = socket()?;
    let signals = hear_signals()?;
    prctl::set_dumpable(false).map_err(system("close itself to others"))?;
    let mut children = HashMap::new();
    let namespaces = loop {
        let mut events = [
            PollFd::new(&agent, PollFlags::IN),
            PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN),
        ];
        match poll(&mut events, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(system("wait for the agent")(error)),
        }
        let [asked, signalled] = events.map(|event| !event.revents().is_empty());
        if signalled {
            while let Ok(Some(_)) = signals.read_signal() {}
            while let Ok(Some((ended, _))) = wait(WaitOptions::NOHANG) {
                children.retain(|_, child: &mut Pid| child.as_raw() != ended.as_raw_nonzero().get());
            }
        }
        if !asked {
            continue;
        }
        match protocol::receive(&agent).map_err(system("hear the agent"))? {
            None => return Ok(()),
            Some((ForkRequest::Kill { number }, _)) => {
                // The number of a process that has not been waited for is nobody else's. An error means that it has ended.
                if let Some(child) = children.get(&number) {
                    let _ = kill(*child, Signal::SIGKILL);
                }
            }
            Some((ForkRequest::Fork { number, namespaces }, files)) => match fork::fork() {
                Ok(Fork::Parent(child)) => {
                    children.insert(number, Pid::from_raw(child));
                }
                Ok(Fork::Child) => {
                    take_over(files)?;
                    break namespaces;
                }
                Err(error) => {
                    // Where nobody hears it the agent has let the sandbox go.
                    let errors = files.into_iter().nth(1).map(File::from);
                    drop(errors.map(|mut errors| writeln!(errors, "cannot fork: {error}")));
                }
            },
        }
    };
    // What the fork server holds is not for a sandbox.
    drop((agent, signals, children));
    prctl::set_dumpable(true).map_err(system("be a process of its own"))?;
    // A signal to the group of one job's processes is not for those of others.
    setpgid(Pid::from_raw(0), Pid::from_raw(0)).map_err(system("lead a group of processes"))?;
    hold(namespaces)
}

/// Makes the files that came for a sandbox this process's standard input and error.
fn take_over(files: Vec<OwnedFd>) -> Result<(), SandboxError> {
    let mut files = files.into_iter();
    let (Some(socket), Some(errors)) = (files.next(), files.next()) else {
        let error = io::Error::from(io::ErrorKind::InvalidInput);
        return Err(system("take over its socket")(error));
    };
    dup2_stdin(socket).map_err(system("take over its socket"))?;
    dup2_stderr(errors).map_err(system("say errors to the agent"))
}

/// The agent's end of its fork server.
#[derive(Debug)]
pub(crate) struct ForkServer {
    requests: Mutex<Requests>,
    /// The process ends with this value.
    process: tokio::sync::Mutex<Child>,
}

#[derive(Debug)]
struct Requests {
    socket: UnixStream,
    /// Of the next sandbox.
    number: u64,
}

impl ForkServer {
    /// Starts the process by a command that leads to [`run`].
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        let process = command.spawn()?;
        Ok(Self {
            requests: Mutex::new(Requests { socket, number: 0 }),
            process: tokio::sync::Mutex::new(process),
        })
    }

    /// Asks for a process that holds a sandbox. Returns the number that it is killed by.
    pub(super) fn fork(
        &self,
        namespaces: Namespaces,
        socket: impl AsFd,
        errors: impl AsFd,
    ) -> io::Result<u64> {
        let mut requests = self.requests();
        let number = requests.number;
        let request = ForkRequest::Fork { number, namespaces };
        protocol::send_with(&requests.socket, &request, &[socket.as_fd(), errors.as_fd()])?;
        requests.number += 1;
        Ok(number)
    }

    /// Kills the process of a sandbox, where it is still there.
    pub(super) fn kill(&self, number: u64) -> io::Result<()> {
        protocol::send_with(&self.requests().socket, &ForkRequest::Kill { number }, &[])
    }

    /// What it has said on standard error, where it has ended.
    pub(super) async fn last_words(&self) -> Vec<u8> {
        let mut process = self.process.lock().await;
        let mut words = Vec::new();
        if matches!(process.try_wait(), Ok(Some(_)))
            && let Some(stderr) = process.stderr.take()
        {
            // An error is an end too.
            drop(stderr.take(LAST_WORDS).read_to_end(&mut words).await);
        }
        words
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
