//! What git may take of a server: a repository of somebody else's decides what git has to do, and may be made so that it is
//! much. The kernel holds each process that git starts to the bounds; git is told to keep clear of them where it can choose.

use std::ffi::OsStr;
use std::time::Duration;

use tokio::process::Command;

use crate::process::Finished;

/// Takes the bounds, and then becomes git, so that all that git starts has them too. What cannot be set is set lower already.
/// Only the soft limit of processor time is set: at the hard one the kernel would end git without saying why.
const SCRIPT: &str = "{ ulimit -d \"$1\"; ulimit -S -t \"$2\"; echo \"$3\" > /proc/self/oom_score_adj; } 2> /dev/null; \
                      shift 3; exec \"$@\"";

/// Where memory runs out git goes before the server and after jobs, which have 800.
const OOM_SCORE: u32 = 500;

/// What keeps git below the bounds on repositories that are only large. Each thread that makes deltas holds a window of
/// objects, which is not bounded otherwise.
pub(crate) const CONFIG: &[(&str, &str)] = &[("pack.threads", "2"), ("pack.windowMemory", "256m")];

/// Git as a shell starts it, within bounds for each process: so many bytes of memory, files that it maps aside, and so much
/// processor time.
pub(crate) fn command(program: &OsStr, memory: u64, time: Option<Duration>) -> Command {
    let time = time.map_or_else(
        || "unlimited".to_owned(),
        |time| time.as_secs().max(1).to_string(),
    );
    #[expect(
        clippy::disallowed_methods,
        reason = "the adapter that starts git, by a shell that sets its limits"
    )]
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", SCRIPT, "sh"])
        .arg((memory / 1024).to_string())
        .arg(time)
        .arg(OOM_SCORE.to_string())
        .arg(program);
    command
}

/// Whether the shell has found no git to become.
pub(crate) fn found_no_program(finished: &Finished) -> bool {
    finished.code == Some(127)
}

/// Whether git, or what it started, has taken all of its processor time.
pub(crate) fn has_used_its_time(finished: &Finished) -> bool {
    let signal = nix::sys::signal::Signal::SIGXCPU as i32;
    finished.signal == Some(signal)
        || own_words(&finished.stderr).any(|line| line.ends_with(&format!("died of signal {signal}")))
}

/// Whether git says that it was refused memory; `is_local` where the other side is a git of this machine with the same bounds.
pub(crate) fn says_out_of_memory(stderr: &str, is_local: bool) -> bool {
    const WORDS: [&str; 4] = [
        "Out of memory",
        "out of memory",
        "Cannot allocate memory",
        "unable to create thread",
    ];
    let names_it = |line: &str| WORDS.iter().any(|words| line.contains(words));
    own_words(stderr).any(names_it) || (is_local && stderr.lines().any(names_it))
}

/// What the other side complains of is not about this machine.
fn own_words(stderr: &str) -> impl Iterator<Item = &str> {
    stderr.lines().filter(|line| !line.starts_with("remote:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(signal: Option<i32>, stderr: &str) -> Finished {
        Finished {
            what: "git fetch".to_owned(),
            code: None,
            signal,
            output: Vec::new(),
            truncated: false,
            stderr: stderr.to_owned(),
        }
    }

    #[test]
    fn what_has_run_out_is_told_from_what_the_other_side_says_of_itself() {
        assert!(has_used_its_time(&finished(Some(24), "")));
        assert!(has_used_its_time(&finished(
            None,
            "error: index-pack died of signal 24\n"
        )));
        assert!(!has_used_its_time(&finished(
            Some(9),
            "error: index-pack died of signal 9\n"
        )));
        let own = "fatal: Out of memory, malloc failed (tried to allocate 8 bytes)\nfatal: invalid index-pack output\n";
        assert!(says_out_of_memory(own, false));
        let of_the_other_side = "remote: fatal: Out of memory, malloc failed\n";
        assert!(!says_out_of_memory(of_the_other_side, false));
        assert!(says_out_of_memory(of_the_other_side, true));
    }
}
