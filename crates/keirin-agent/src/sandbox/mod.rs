//! The sandbox of an attempt: a process that starts the attempt's steps, keeps them apart from everything else, and ends
//! all that is left of them.
//!
//! The agent starts its own program once in a small mode that calls [`main`]. That process forks for each attempt
//! (`fork_server`), and the agent talks to what was forked over the socket that is its standard input (`protocol`). Layers
//! of the kernel hold the steps, each where it is allowed:
//!
//! - **Another user**, where the agent is root: files and processes of others are closed to it.
//! - **Namespaces** (`namespaces`): the steps see their own processes alone, a `/tmp`, `/var/tmp` and `/dev/shm` of their
//!   own, nothing of the closed paths, and everything else read-only (`read_only`). Where the agent is not root they need
//!   user namespaces that ordinary users may make.
//! - **Landlock** (`access`): nothing can be written but the workspace and the temporary folders; closed paths cannot be
//!   read; from Linux 6.12 on processes outside cannot be signalled. Needs Landlock ABI 3 (Linux 6.2) to stand alone,
//!   because before that a file that cannot be opened could still be emptied.
//! - **A filter of system calls** (`keyrings`): nothing of the kernel's keyrings is reached.
//!
//! The sandbox lives as long as the agent holds its end of the socket. With a PID namespace the kernel then ends every
//! process in it at once, also when the agent was killed; without one the sandbox is the reaper of its descendants and
//! ends them itself (`init`).
//!
//! Processes are forked ahead of the jobs that will need them (`handle`). Such a one waits for its plan and holds nothing yet:
//! what depends on the job or on the machine, files and mounts above all, is looked at when the plan has come.

mod access;
mod disk;
mod fork_server;
mod handle;
mod init;
mod keyrings;
mod namespaces;
mod plan;
mod processes;
mod protocol;
mod read_only;
mod rlimits;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, RawFd};
use std::os::unix::net::UnixStream;

use fork::Fork;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Pid, Uid, setgroups, setresgid, setresuid};

pub(crate) use handle::{ProcessEnd, Sandbox, SandboxFailure, Sandboxes, StepProcess};
pub(crate) use namespaces::first_out_of_reach;
use plan::SandboxPlan;
pub(crate) use plan::{Accounts, Folders};
pub use plan::{Namespaces, Owner};
use protocol::Response;

/// The first argument of what ends a user's processes. Without one the process is the fork server.
const END_PROCESSES_OF: &str = "end-processes-of";

/// Why a sandbox cannot work.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The agent and its sandbox do not fit together.
    #[error("the sandbox was called with arguments that it does not know: {0:?}")]
    Arguments(OsString),
    /// The system said no.
    #[error("the sandbox cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

fn system<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> SandboxError {
    move |source| SandboxError::System {
        what,
        source: source.into(),
    }
}

/// Is the process that sandboxes are forked from, and in what it forks the sandbox of one attempt, until the agent lets it
/// go. To be called before any thread is started.
///
/// # Errors
/// When the sandbox cannot work; what stands in the way of holding steps is told to the agent instead.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Result<(), SandboxError> {
    close_inherited()?;
    let mut arguments = arguments.into_iter();
    let Some(mode) = arguments.next() else {
        block_signals()?;
        return fork_server::run();
    };
    match mode.to_str() {
        Some(END_PROCESSES_OF) => {
            let uid = arguments.next();
            let uid = uid.as_deref().and_then(|uid| uid.to_str()?.parse().ok());
            end_processes_of(uid.ok_or(SandboxError::Arguments(mode))?)
        }
        _ => Err(SandboxError::Arguments(mode)),
    }
}

/// Holds one attempt, in a process that was forked for it.
fn hold(namespaces: Namespaces) -> Result<(), SandboxError> {
    match namespaces {
        Namespaces::Full => outside(),
        Namespaces::Mounts | Namespaces::None => init::run(&socket()?),
    }
}

/// Closes whatever files the agent has inherited open from who started it: no job is to find them. This process
/// itself has been given the three that every process has.
fn close_inherited() -> Result<(), SandboxError> {
    let list = || -> io::Result<Vec<RawFd>> {
        let entries = fs::read_dir("/proc/self/fd")?;
        let numbers = entries.map(|entry| Ok(entry?.file_name().to_str().and_then(|name| name.parse().ok())));
        Ok(numbers
            .collect::<io::Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    };
    let open = list().map_err(system("list its open files"))?;
    for number in open.into_iter().filter(|number| *number > 2) {
        match nix::unistd::close(number) {
            // The list itself was one of them.
            Ok(()) | Err(Errno::EBADF) => {}
            Err(error) => return Err(system("close what it has inherited")(error)),
        }
    }
    Ok(())
}

/// The process outside of a PID namespace: makes it, forks the first process inside, and waits for its end.
fn outside() -> Result<(), SandboxError> {
    if let Err(error) = namespaces::hold_processes() {
        let socket = socket()?;
        // The agent hears it when it has a job for this sandbox.
        let planned = protocol::receive::<SandboxPlan>(&socket).map_err(system("hear the agent"))?;
        if planned.is_none() {
            return Ok(());
        }
        let refused = Response::Refused {
            reason: error.to_string(),
        };
        return protocol::send(&socket, &refused).map_err(system("answer the agent"));
    }
    match fork::fork().map_err(system("start its first process"))? {
        Fork::Child => {
            // The kernel's word that the process outside has been killed; its regular end is the end of the socket.
            prctl::set_pdeathsig(Signal::SIGKILL).map_err(system("watch the process outside"))?;
            init::run(&socket()?)
        }
        Fork::Parent(first) => {
            prctl::set_dumpable(false).map_err(system("close itself to others"))?;
            waitpid(Pid::from_raw(first), None).map_err(system("wait for its first process"))?;
            Ok(())
        }
    }
}

/// The agent's socket, which is this process's standard input.
fn socket() -> Result<UnixStream, SandboxError> {
    let input = io::stdin().as_fd().try_clone_to_owned();
    Ok(UnixStream::from(
        input.map_err(system("take the agent's socket"))?,
    ))
}

/// Those who end the agent by its group or its unit mean the agent: it then stops its jobs in good order.
fn block_signals() -> Result<(), SandboxError> {
    blocked_signals().thread_block().map_err(system("block signals"))
}

/// Where this process hears of the signals that are blocked.
fn hear_signals() -> Result<SignalFd, SandboxError> {
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    SignalFd::with_flags(&blocked_signals(), flags).map_err(system("hear of signals"))
}

fn blocked_signals() -> SigSet {
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD]
        .into_iter()
        .collect()
}

/// Kills all processes of a user that belongs to jobs alone. No process of it can start another meanwhile: the kernel
/// signals all of them at one moment.
fn end_processes_of(uid: u32) -> Result<(), SandboxError> {
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
    let become_user = || {
        setgroups(&[])?;
        setresgid(group, group, group)?;
        setresuid(user, user, user)
    };
    become_user().map_err(system("become the user of a slot"))?;
    match kill(Pid::from_raw(-1), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(system("end the processes of a slot")(error)),
    }
}

/// How ready the kernel is to kill this process where memory runs out: more than anything that has said nothing.
fn set_oom_score(score: i32) -> io::Result<()> {
    fs::write("/proc/self/oom_score_adj", score.to_string())
}
