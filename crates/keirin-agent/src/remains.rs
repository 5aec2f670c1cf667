//! Ends what jobs have left running whose sandbox was killed, alone or with its agent. Nobody else does, and none of it may
//! go on beside the next attempt at its job.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::environment::WORKSPACE;

/// Each round ends all that is there, and finds what that had started. Whatever is quicker than that many stays.
const ROUNDS: u32 = 10_000;

/// Kills every process whose workspace lies in this folder, by what its environment says or by where it works. To be
/// called while nothing is to run there. Returns how many there were.
pub(crate) fn end_processes_in(folder: &Path) -> io::Result<usize> {
    let mut workspace = format!("{WORKSPACE}=").into_bytes();
    workspace.extend_from_slice(folder.as_os_str().as_bytes());
    workspace.push(b'/');
    let mut ended = HashSet::new();
    for _ in 0..ROUNDS {
        let left = processes_in(folder, &workspace)?;
        if left.is_empty() {
            return Ok(ended.len());
        }
        for process in left {
            match kill(process, Signal::SIGKILL) {
                // It takes the system a moment to bury it, in which it is found again.
                Ok(()) => drop(ended.insert(process)),
                Err(Errno::ESRCH) => {}
                Err(error) => {
                    tracing::warn!(%process, %error, "cannot end a process that a job has left");
                }
            }
        }
        std::thread::yield_now();
    }
    tracing::error!(folder = %folder.display(), "processes that jobs have left cannot be ended; they run on beside new ones");
    Ok(ended.len())
}

fn processes_in(folder: &Path, workspace: &[u8]) -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // What has ended meanwhile, or is another user's, cannot be read and is none of ours.
        let works_there =
            fs::read_link(entry.path().join("cwd")).is_ok_and(|place| place.starts_with(folder));
        let says_so = fs::read(entry.path().join("environ")).is_ok_and(|variables| {
            variables
                .split(|byte| *byte == 0)
                .any(|variable| variable.starts_with(workspace))
        });
        if works_there || says_so {
            found.push(Pid::from_raw(process));
        }
    }
    Ok(found)
}
