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
use std::sync::{Mutex, PoisonError};

use fork::Fork;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{WaitOptions, wait};
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

use super::plan::Namespaces;
use super::protocol;
use super::{SandboxError, hear_signals, hold, socket, system};

/// What the agent tells the fork server. Nothing is answered: whether a sandbox works is heard from itself.
#[derive(Debug, Serialize, Deserialize)]
enum Order {
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
            Some((Order::Kill { number }, _)) => {
                // The number of a process that has not been waited for is nobody else's. An error means that it has ended.
                if let Some(child) = children.get(&number) {
                    let _ = kill(*child, Signal::SIGKILL);
                }
            }
            Some((Order::Fork { number, namespaces }, files)) => match fork::fork() {
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
    orders: UnixStream,
    /// How many sandboxes it was asked for. Each is known by the number of those before it.
    asked: Mutex<u64>,
    /// The process ends with this value.
    _process: Child,
}

impl ForkServer {
    /// Starts the process by a command that leads to [`run`].
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let (orders, theirs) = UnixStream::pair()?;
        orders.set_nonblocking(true)?;
        // What keeps it from its work stands where the agent says such things itself.
        command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::inherit());
        let process = command.spawn()?;
        Ok(Self {
            orders,
            asked: Mutex::default(),
            _process: process,
        })
    }

    /// Asks for a process that holds a sandbox. Returns the number that it is killed by.
    pub(super) fn fork(
        &self,
        namespaces: Namespaces,
        socket: impl AsFd,
        errors: impl AsFd,
    ) -> io::Result<u64> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *asked;
        let order = Order::Fork { number, namespaces };
        protocol::send_with(&self.orders, &order, &[socket.as_fd(), errors.as_fd()])?;
        *asked += 1;
        Ok(number)
    }

    /// Kills the process of a sandbox, where it is still there.
    pub(super) fn kill(&self, number: u64) -> io::Result<()> {
        // One order after the other.
        let _asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        protocol::send(&self.orders, &Order::Kill { number })
    }
}
