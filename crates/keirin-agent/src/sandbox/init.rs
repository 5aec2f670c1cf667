//! The process that all processes of an attempt descend from: starts steps, reaps what ends, and ends what is left.
//!
//! In a PID namespace it is the first process, so the kernel ends everything with it. Elsewhere it is the reaper of its
//! descendants: whatever forks away from a step becomes its child, however it hides.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitOptions, WaitStatus, wait};

use crate::job_limits::{ExceededLimit, JobLimits};

use super::access;
use super::disk::{self, DiskUse};
use super::keyrings;
use super::plan::{Folders, Namespaces, Owner, SandboxPlan};
use super::processes::{self, Process};
use super::protocol::{self, Request, Response};
use super::{SandboxError, blocked_signals, hear_signals, namespaces, rlimits, set_oom_score, system};

/// Where memory runs out jobs go first, after what has asked for it.
const OOM_SCORE: i32 = 800;

/// How long between two looks at what an attempt takes, between its steps too: what they have left goes on, and the agent
/// puts files into its folders.
const LOOK: Duration = Duration::from_millis(250);
const LOOK_TIME: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: LOOK.as_nanos() as i64,
};

/// The sandbox's own processes and the step's that has just ended: they count for the kernel's limit too.
const OWN_PROCESSES: u64 = 4;

/// Each round ends all children that are there, and finds what those had started.
const ROUNDS: u32 = 10_000;

/// Waits for the plan, serves the agent until it lets go, and leaves nothing behind.
pub(super) fn run(socket: &UnixStream) -> Result<(), SandboxError> {
    let received = protocol::receive::<SandboxPlan>(socket).map_err(system("hear the agent"))?;
    let Some((plan, _)) = received else {
        return Ok(());
    };
    let plan = &plan;
    let is_first = plan.namespaces == Namespaces::Full;
    // What the first process may do to all others must never be done to those of the machine.
    if is_first != (std::process::id() == 1) {
        let reason = "the namespace for processes is not there".to_owned();
        return protocol::send(socket, &Response::Refused { reason }).map_err(system("answer the agent"));
    }
    if let Err(reason) = prepare(is_first, plan) {
        let refused = Response::Refused { reason };
        return protocol::send(socket, &refused).map_err(system("answer the agent"));
    }
    let has_landlock = match plan.is_confined.then(|| access::restrict(plan)).transpose() {
        Ok(has_landlock) => has_landlock.unwrap_or(false),
        Err(error) => {
            let refused = Response::Refused {
                reason: error.to_string(),
            };
            return protocol::send(socket, &refused).map_err(system("answer the agent"));
        }
    };
    if plan.is_confined
        && let Err(error) = keyrings::close()
    {
        let reason = format!("cannot close the kernel's keyrings to a job: {error}");
        return protocol::send(socket, &Response::Refused { reason }).map_err(system("answer the agent"));
    }
    let signals = hear_signals()?;
    // After Landlock and the filter, which hold the thread too.
    let is_counted = plan.limits.disk.is_some() || plan.limits.files.is_some();
    let disk = is_counted.then(|| {
        let folders = plan.folders.all();
        disk::count(folders.map(Path::to_owned).to_vec(), plan.limits.files, is_first)
    });
    let disk = disk
        .transpose()
        .map_err(system("count what is in the job's folders"))?;
    let mut init = Init {
        disk,
        socket,
        owner: plan.owner,
        limits: plan.limits,
        folders: &plan.folders,
        is_first,
        has_shared_memory: plan.namespaces != Namespaces::None,
        step: None,
        is_told: false,
    };
    // Without the agent there is nobody to tell: what is left is ended all the same.
    let served =
        protocol::send(socket, &Response::Ready { has_landlock }).and_then(|()| init.serve(&signals));
    init.end_all();
    served.map_err(system("serve the agent"))
}

fn prepare(is_first: bool, plan: &SandboxPlan) -> Result<(), String> {
    // A kernel without it kills in its own order.
    drop(set_oom_score(OOM_SCORE));
    namespaces::hold_files(plan).map_err(|error| error.to_string())?;
    if is_first {
        namespaces::mount_proc().map_err(|error| error.to_string())?;
    }
    let own = || {
        prctl::set_dumpable(false)?;
        prctl::set_child_subreaper(true)
    };
    own().map_err(|error| format!("cannot own the processes of a job: {error}"))?;
    rlimits::set(plan).map_err(|error| format!("cannot limit what a job takes: {error}"))
}

struct Init<'a> {
    socket: &'a UnixStream,
    owner: Option<Owner>,
    limits: JobLimits,
    folders: &'a Folders,
    /// What is in the attempt's folders.
    disk: Option<Arc<DiskUse>>,
    is_first: bool,
    /// Whether the attempt has a `/dev/shm` and an IPC namespace of its own.
    has_shared_memory: bool,
    step: Option<Step>,
    /// Whether the agent knows of a limit that the job has run into since the latest step began.
    is_told: bool,
}

/// The step's own process, which leads its process group.
struct Step {
    process: Pid,
    has_ended: bool,
}

impl Init<'_> {
    /// Does what the agent asks until it is gone.
    fn serve(&mut self, signals: &SignalFd) -> io::Result<()> {
        let mut looked_at = now();
        loop {
            let mut events = [
                PollFd::new(self.socket, PollFlags::IN),
                PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN),
            ];
            match poll(&mut events, Some(&LOOK_TIME)) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let [asked, signalled] = events.map(|event| !event.revents().is_empty());
            if signalled {
                while let Ok(Some(_)) = signals.read_signal() {}
                self.reap()?;
            }
            if asked && !self.answer()? {
                return Ok(());
            }
            if looked_at.elapsed() >= LOOK {
                self.watch()?;
                looked_at = now();
            }
        }
    }

    /// Answers one request; false when the agent is gone.
    fn answer(&mut self) -> io::Result<bool> {
        let Some((request, files)) = protocol::receive::<Request>(self.socket)? else {
            return Ok(false);
        };
        match request {
            Request::Run { .. } => {
                let response = match self.start(request, files) {
                    Ok(process) => {
                        self.is_told = false;
                        self.step = Some(Step {
                            process,
                            has_ended: false,
                        });
                        Response::Started
                    }
                    Err(error) => Response::NotStarted {
                        // What the standard library refuses by itself is not valid.
                        errno: error.raw_os_error().unwrap_or(Errno::EINVAL as i32),
                    },
                };
                protocol::send(self.socket, &response)?;
                // Word of a child that ended while it was started has not come.
                self.reap()?;
            }
            Request::Signal(number) => {
                if let (Some(step), Ok(signal)) = (&self.step, Signal::try_from(number)) {
                    // An error means that nobody is left in the group.
                    let _ = killpg(step.process, signal);
                }
            }
            Request::End => {
                let processes = self.end_all();
                protocol::send(self.socket, &Response::Ended { processes })?;
            }
        }
        Ok(true)
    }

    fn start(&self, request: Request, files: Vec<OwnedFd>) -> io::Result<Pid> {
        let Request::Run {
            program,
            arguments,
            folder,
            environment,
        } = request
        else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut files = files.into_iter();
        let (Some(output), Some(error)) = (files.next(), files.next()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        #[expect(clippy::disallowed_methods, reason = "the adapter that starts the processes of steps")]
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder);
        command.env_clear().envs(environment);
        command.stdin(Stdio::null()).stdout(output).stderr(error);
        command.process_group(0);
        if let Some(owner) = self.owner {
            // The standard library drops the other groups of root before it changes the user.
            command.gid(owner.gid).uid(owner.uid);
        }
        // What this process does not hear is not for its children to miss: they take over what it blocks.
        let blocked = blocked_signals();
        blocked.thread_unblock()?;
        let child = command.spawn();
        blocked.thread_block()?;
        let child = child?;
        Ok(Pid::from_raw(child.id().cast_signed()))
    }

    /// Takes note of every process that has ended, and tells the agent when it was the step's.
    fn reap(&mut self) -> io::Result<()> {
        while let Ok(Some((process, status))) = wait(WaitOptions::NOHANG) {
            let is_step =
                |step: &&mut Step| !step.has_ended && step.process.as_raw() == process.as_raw_nonzero().get();
            if self.step.as_mut().filter(is_step).is_none() {
                continue;
            }
            let exceeded = self.reason(status);
            if exceeded == Some(ExceededLimit::Processes) {
                // The steps that clean up find room again.
                self.end_all();
            }
            if let Some(step) = &mut self.step {
                step.has_ended = true;
            }
            protocol::send(self.socket, &exited(status, exceeded))?;
        }
        Ok(())
    }

    /// Kills every process that is left and waits until it is gone. Returns how many were still running.
    fn end_all(&mut self) -> usize {
        let ended = match self.is_first {
            true => self.end_namespace(),
            false => self.end_descendants(),
        };
        if let Some(step) = &mut self.step {
            step.has_ended = true;
        }
        ended
    }

    /// The kernel signals all processes of the namespace at one moment, so none can start another meanwhile.
    fn end_namespace(&self) -> usize {
        let running = self.running().len();
        // An error means that there is none.
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        // All of them become this process's children, so there is one to wait for until none is left.
        while !matches!(wait(WaitOptions::empty()), Err(rustix::io::Errno::CHILD)) {}
        running
    }

    /// Ends the children, whose children then become this process's, and so on.
    fn end_descendants(&self) -> usize {
        let mut ended = 0;
        for _ in 0..ROUNDS {
            let mut killed = self.running();
            killed.retain(|process| kill(*process, Signal::SIGKILL).is_ok());
            if killed.is_empty() {
                break;
            }
            ended += killed.len();
            for process in killed {
                while waitpid(process, None) == Err(Errno::EINTR) {}
            }
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        ended
    }

    /// The processes that run: all others in a PID namespace, else the children.
    fn running(&self) -> Vec<Pid> {
        let this = Pid::this();
        let is_mine = |process: &Process| process.is_running && (self.is_first || process.parent == this);
        processes::others()
            .into_iter()
            .filter(is_mine)
            .map(|process| process.id)
            .collect()
    }

    /// Ends the attempt's processes where they take more than they may together.
    fn watch(&mut self) -> io::Result<()> {
        let Some(exceeded) = self.exceeded() else {
            return Ok(());
        };
        let is_running = self.step.as_ref().is_some_and(|step| !step.has_ended);
        self.end_all();
        let response = match (is_running, self.is_told) {
            (true, _) => Response::Exited {
                code: None,
                signal: Some(Signal::SIGKILL as i32),
                exceeded: Some(exceeded),
            },
            (false, false) => Response::Exceeded(exceeded),
            (false, true) => return Ok(()),
        };
        self.is_told = true;
        protocol::send(self.socket, &response)
    }

    fn exceeded(&self) -> Option<ExceededLimit> {
        let processes = processes::of_attempt(self.is_first);
        let is_more = |used: u64, limit: Option<u64>| limit.is_some_and(|limit| used > limit);
        if is_more(threads(&processes), self.limits.processes) {
            return Some(ExceededLimit::Processes);
        }
        if let Some(disk) = &self.disk {
            if is_more(disk.bytes(), self.limits.disk.map(|limit| limit.0)) {
                return Some(ExceededLimit::Disk);
            }
            if is_more(disk.files(), self.limits.files) {
                return Some(ExceededLimit::Files);
            }
        }
        let limit = self.limits.memory?.0;
        let named = match self.has_shared_memory {
            true => processes::named_shared_memory(),
            false => 0,
        };
        (processes::memory(&processes, named, limit) > limit).then_some(ExceededLimit::Memory)
    }

    /// The limit that a step has ended by, which its end and what is there at that moment tell.
    fn reason(&self, status: WaitStatus) -> Option<ExceededLimit> {
        if status.exit_status() == Some(0) {
            return None;
        }
        let too_large = Signal::SIGXFSZ as i32;
        let by_signal = status.terminating_signal() == Some(too_large);
        // A shell says so of the program that it ran, and anything may end with the same code.
        let by_shell = status.exit_status() == Some(128 + too_large);
        if let Some(limit) = self.limits.disk
            && (by_signal || (by_shell && disk::has_file_of(&self.folders.all(), limit.0)))
        {
            return Some(ExceededLimit::FileSize);
        }
        let limit = self.limits.processes?;
        let left = threads(&processes::of_attempt(self.is_first));
        (left > 0 && left + OWN_PROCESSES >= limit).then_some(ExceededLimit::Processes)
    }
}

fn threads(processes: &[Process]) -> u64 {
    processes.iter().map(|process| process.threads).sum()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the process that holds a job has no clock but the machine's"
)]
fn now() -> Instant {
    Instant::now()
}

fn exited(status: WaitStatus, exceeded: Option<ExceededLimit>) -> Response {
    Response::Exited {
        code: status.exit_status(),
        signal: status.terminating_signal(),
        exceeded,
    }
}
