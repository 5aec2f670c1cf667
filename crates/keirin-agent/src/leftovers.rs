//! Ends what a job has left running, also what has forked away from its process group and its parent.
//!
//! The agent is the reaper of its descendants ([`adopt_orphans`]): whatever a job leaves behind becomes the agent's
//! child, so looking at the agent's children finds all of it. A child belongs to the attempt whose marker it has in its
//! environment. One that hides its marker is ended as well as soon as no other job is running, so with one slot nothing
//! outlives its job.

use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio::time::sleep;

use crate::environment::MARKER;

/// Each round ends all that is there, and finds what that had started. A job that keeps forking loses this race in time.
const ROUNDS: u32 = 200;

/// Makes this process the one that orphans of its descendants come to, and keeps other processes of the same user out of
/// its memory and environment. Called once, at the start of a process that runs an agent.
pub fn adopt_orphans() -> io::Result<()> {
    prctl::set_child_subreaper(true)?;
    prctl::set_dumpable(false)?;
    Ok(())
}

/// Knows whether several jobs are running.
#[derive(Clone)]
pub(crate) struct Leftovers {
    running: Arc<RwLock<()>>,
    owns_all_orphans: bool,
}

/// Held by a job for as long as it may start processes.
pub(crate) struct Running(#[expect(dead_code, reason = "held, not read")] OwnedRwLockReadGuard<()>);

impl Leftovers {
    pub(crate) fn new(owns_all_orphans: bool) -> Self {
        Self {
            running: Arc::default(),
            owns_all_orphans,
        }
    }

    /// A job begins.
    pub(crate) async fn enter(&self) -> Running {
        Running(Arc::clone(&self.running).read_owned().await)
    }

    /// The job with this marker is over: ends what it has left. Returns how many processes there were.
    pub(crate) async fn sweep(&self, running: Running, marker: &str) -> usize {
        drop(running);
        // Only when nobody else is running can it be told whose an orphan without marker is; holding the lock keeps
        // others from starting meanwhile.
        let alone = if self.owns_all_orphans {
            self.running.try_write().ok()
        } else {
            None
        };
        let mark = format!("{MARKER}={marker}");
        let mut ended = 0;
        for _ in 0..ROUNDS {
            let theirs: Vec<Pid> = match children() {
                Ok(children) => children
                    .into_iter()
                    .filter(|child| alone.is_some() || is_marked(*child, &mark))
                    .collect(),
                Err(error) => {
                    tracing::error!(%error, "cannot see the agent's children, so a job may have left processes");
                    return ended;
                }
            };
            if theirs.is_empty() {
                return ended;
            }
            ended += end(theirs).await;
        }
        tracing::error!(ended, "a job starts processes faster than they can be ended");
        ended
    }
}

/// Kills processes and waits until they are gone.
async fn end(mut processes: Vec<Pid>) -> usize {
    let mut ended = 0;
    processes.retain(|process| match kill(*process, Signal::SIGKILL) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%process, %error, "cannot end a process that a job has left");
            false
        }
    });
    // A process dies within microseconds of its signal, unless it waits for a disk; then the next round comes back to it.
    for pause in [0, 1, 2, 5, 10, 20] {
        sleep(Duration::from_millis(pause)).await;
        processes.retain(|process| match waitpid(*process, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => true,
            Ok(_) => {
                ended += 1;
                false
            }
            Err(_) => false,
        });
        if processes.is_empty() {
            break;
        }
    }
    ended
}

/// The children of this process, as the kernel lists them for each of its threads.
fn children() -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        let list = match fs::read_to_string(thread?.path().join("children")) {
            Ok(list) => list,
            // The thread has ended meanwhile; its children are another thread's by now and found in the next round.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        found.extend(
            list.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .map(Pid::from_raw),
        );
    }
    Ok(found)
}

/// Whether a process was started by the attempt. A process that is gone, or another user's, is not.
fn is_marked(process: Pid, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{process}/environ"));
    environment.is_ok_and(|variables| {
        variables
            .split(|byte| *byte == 0)
            .any(|variable| variable == mark.as_bytes())
    })
}
