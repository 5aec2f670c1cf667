//! Whether PostgreSQL runs on a data folder: what its `postmaster.pid` says, and whether that is still true.

use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::ClusterError;
use crate::folder::SOCKET;

/// The file by which PostgreSQL keeps a second one away from its data.
pub(crate) const LOCK: &str = "postmaster.pid";

/// The first process of a running PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Postmaster {
    pub(crate) pid: Pid,
    /// Where its socket is.
    pub(crate) socket_folder: PathBuf,
    /// Whether it takes connections.
    pub(crate) ready: bool,
    /// Whether its number means this process to us. It does not where it runs in another container that shares the
    /// folder: then only its socket shows that it lives.
    pub(crate) visible: bool,
}

/// What `postmaster.pid` says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PidFile {
    pid: i32,
    socket_folder: Option<PathBuf>,
    status: Option<String>,
}

impl Postmaster {
    /// The one that runs on this data; `None` where none does, whatever an old lock says.
    pub(crate) fn on(data: &Path) -> Result<Option<Self>, ClusterError> {
        let path = data.join(LOCK);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ClusterError::io("read", &path)(error)),
        };
        // It is written line by line; what is not there yet comes soon.
        let Some(file) = parse(&text) else {
            return Ok(None);
        };
        let visible = works_in(&file.pid.to_string(), data);
        let is_alive = visible || file.socket_folder.as_deref().is_some_and(answers);
        Ok(is_alive.then(|| Self {
            pid: Pid::from_raw(file.pid),
            ready: file.status.as_deref() == Some("ready") && file.socket_folder.is_some(),
            socket_folder: file.socket_folder.unwrap_or_default(),
            visible,
        }))
    }

    /// Where an old lock says that the socket was, though no such socket can be seen from here.
    pub(crate) fn unseen_socket(data: &Path) -> Option<PathBuf> {
        let text = std::fs::read_to_string(data.join(LOCK)).ok()?;
        let socket = parse(&text)?.socket_folder?.join(SOCKET);
        (!socket.exists()).then_some(socket)
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&self, data: &Path) -> bool {
        works_in(&self.pid.to_string(), data) || (!self.visible && answers(&self.socket_folder))
    }

    /// Asks it to end at once, rolling back what is under way.
    pub(crate) fn ask_to_stop(&self) -> Result<(), ClusterError> {
        match kill(self.pid, Signal::SIGINT) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(ClusterError::Io {
                what: format!("cannot stop PostgreSQL, process {}", self.pid),
                source: error.into(),
            }),
        }
    }
}

fn parse(text: &str) -> Option<PidFile> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    Some(PidFile {
        pid: lines.first()?.parse().ok()?,
        socket_folder: lines.get(4).filter(|line| !line.is_empty()).map(PathBuf::from),
        status: lines.get(7).map(|line| (*line).to_owned()),
    })
}

/// Whether somebody listens on the socket in this folder.
fn answers(socket_folder: &Path) -> bool {
    UnixStream::connect(socket_folder.join(SOCKET)).is_ok()
}

/// Whether a live process works in this folder. All of PostgreSQL's work in their data folder, so that a process of the
/// right number that works elsewhere is not one of them; and one that is dead, but not buried, works nowhere.
fn works_in(pid: &str, data: &Path) -> bool {
    let folder = Path::new("/proc").join(pid).join("cwd");
    match (folder.metadata(), data.metadata()) {
        (Ok(works), Ok(data)) => (works.dev(), works.ino()) == (data.dev(), data.ino()),
        // It is gone, or belongs to a user into whose business we cannot look: not ours.
        _ => false,
    }
}

/// Whether any process works in this folder.
pub(crate) fn somebody_works_in(data: &Path) -> Result<bool, ClusterError> {
    let processes = Path::new("/proc");
    let entries = processes
        .read_dir()
        .map_err(ClusterError::io("list the processes in", processes))?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(pids
        .filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()))
        .any(|pid| works_in(&pid, data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_read_as_far_as_it_is_written() {
        let text = "4711\n/data/postgres\n1760000000\n5432\n/data/socket\n\n  5432001 32\nready   \n";
        assert_eq!(
            parse(text),
            Some(PidFile {
                pid: 4711,
                socket_folder: Some(PathBuf::from("/data/socket")),
                status: Some("ready".to_owned()),
            })
        );
        assert_eq!(
            parse("4711\n/data/postgres\n"),
            Some(PidFile {
                pid: 4711,
                socket_folder: None,
                status: None,
            })
        );
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_process_that_works_elsewhere_is_not_postgres() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join(LOCK), format!("{}\n", std::process::id())).unwrap();
        assert_eq!(Postmaster::on(data.path()).unwrap(), None);
        assert!(!somebody_works_in(data.path()).unwrap());
        assert!(
            somebody_works_in(Path::new(".")).unwrap(),
            "this test itself works here"
        );
    }
}
