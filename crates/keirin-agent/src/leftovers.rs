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

/// How often, a millisecond apart, processes are looked at again that do not show whose they are.
const UNCLEAR_ROUNDS: u32 = 20;

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
        let mut unclear = 0;
        for _ in 0..ROUNDS {
            let children = match children() {
                Ok(children) => children,
                Err(error) => {
                    tracing::error!(%error, "cannot see the agent's children, so a job may have left processes");
                    return ended;
                }
            };
            let mut theirs = Vec::new();
            let mut is_unclear = false;
            for child in children {
                let owner = if alone.is_some() {
                    Owner::Attempt
                } else {
                    child.owner(&mark)
                };
                match owner {
                    Owner::Attempt => theirs.push(child),
                    Owner::Unclear => is_unclear = true,
                    Owner::Another => {}
                }
            }
            if !theirs.is_empty() {
                ended += end(theirs).await;
            } else if is_unclear && unclear < UNCLEAR_ROUNDS {
                unclear += 1;
                sleep(Duration::from_millis(1)).await;
            } else {
                return ended;
            }
        }
        tracing::error!(ended, "a job starts processes faster than they can be ended");
        ended
    }
}

/// Kills processes and waits until they are gone. Gives how many were still running.
async fn end(children: Vec<Child>) -> usize {
    let mut ended = 0;
    let (gone, running): (Vec<Child>, Vec<Child>) = children.into_iter().partition(|child| child.has_ended);
    for child in gone {
        // Only its number is left, which is given back by this.
        let _ = waitpid(child.process, Some(WaitPidFlag::WNOHANG));
    }
    let mut processes: Vec<Pid> = running.into_iter().map(|child| child.process).collect();
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

/// A child of this process.
struct Child {
    process: Pid,
    /// It waits to be reaped.
    has_ended: bool,
}

/// Whose a process is.
enum Owner {
    Attempt,
    Another,
    /// It shows no environment: it is just becoming another program, or it has emptied its environment for good.
    Unclear,
}

impl Child {
    /// Whether the attempt started it. One that is gone, or that another user hides, is not the attempt's.
    fn owner(&self, mark: &str) -> Owner {
        if self.has_ended {
            return Owner::Another;
        }
        match fs::read(format!("/proc/{}/environ", self.process)) {
            Ok(variables) if variables.is_empty() => Owner::Unclear,
            Ok(variables)
                if variables
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == mark.as_bytes()) =>
            {
                Owner::Attempt
            }
            Ok(_) | Err(_) => Owner::Another,
        }
    }
}

/// The children of this process.
///
/// They are looked for among all processes: the kernel's own list of a thread's children leaves some out when another
/// of them ends during the reading.
fn children() -> io::Result<Vec<Child>> {
    let parent = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has ended meanwhile, or that another user hides, is none of ours.
        let Ok(status) = fs::read_to_string(format!("/proc/{process}/stat")) else {
            continue;
        };
        // The name of the program stands in brackets and can hold anything; after it come the state and the parent.
        let mut fields = status.rsplit(')').next().unwrap_or_default().split_whitespace();
        let state = fields.next();
        if fields.next() == Some(&parent) {
            found.push(Child {
                process: Pid::from_raw(process),
                has_ended: state == Some("Z"),
            });
        }
    }
    Ok(found)
}
