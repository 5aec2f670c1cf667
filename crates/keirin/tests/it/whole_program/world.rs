//! The folder of one story, and the end of everything that was started in it.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How long anything may take before a story gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of one story. When it is dropped, every process that works in it is ended.
pub(crate) struct World {
    folder: TempDir,
    /// Whom the server runs as, where that is not whom the test runs as.
    pub(crate) user: Option<u32>,
    /// What else is set about the server, as its environment.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// How many files the server may have open, at first and at the most, where that is not as for the test.
    pub(crate) open_files: Option<(u32, u32)>,
    /// How many bytes its folder of objects has room for, where that is a file system of its own; only root can make one.
    pub(crate) room_for_objects: Option<u64>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(None)
    }

    /// A world whose server runs as this user; only root can make one.
    pub(crate) fn of(user: Option<u32>) -> Self {
        let folder = tempfile::Builder::new().prefix("keirin-it-").tempdir().unwrap();
        let world = Self {
            folder,
            user,
            settings: Vec::new(),
            open_files: None,
            room_for_objects: None,
        };
        // Jobs run as another user and must get at the pipes.
        fs::set_permissions(world.path(), Permissions::from_mode(0o755)).unwrap();
        for (name, mode) in [("gates", 0o755), ("shared", 0o777)] {
            let path = world.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        world.give(world.path());
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The server's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The folder of objects, made where it is not there.
    pub(crate) fn objects(&self) -> PathBuf {
        let folder = self.data().join("objects");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .unwrap();
        folder
    }

    /// Where pipes lie.
    pub(crate) fn gates(&self) -> PathBuf {
        self.path().join("gates")
    }

    /// Where jobs and the story can both write.
    pub(crate) fn shared(&self) -> PathBuf {
        self.path().join("shared")
    }

    /// Gives a file or folder to the user that the server runs as.
    pub(crate) fn give(&self, path: &Path) {
        if let Some(user) = self.user {
            chown(path, Some(user), Some(user)).unwrap();
        }
    }

    /// The process of the local agent.
    pub(crate) fn agent(&self) -> Pid {
        let file = self.data().join("agent/pid");
        let text = fs::read_to_string(&file).unwrap();
        Pid::from_raw(text.trim().parse().unwrap())
    }

    /// The first process of the private PostgreSQL, where it runs.
    pub(crate) fn postgres(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.data().join("postgres/postmaster.pid")).ok()?;
        let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?);
        kill(pid, None).is_ok().then_some(pid)
    }

    /// The folder of the private PostgreSQL's socket.
    pub(crate) fn socket_folder(&self) -> PathBuf {
        let text = fs::read_to_string(self.data().join("postgres/postmaster.pid")).unwrap();
        text.lines().nth(4).unwrap().trim().into()
    }

    /// Every process that has to do with this folder by its arguments, its environment or where it works.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let needles = [self.path().to_owned()];
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let told =
                ["cmdline", "environ"].map(|file| fs::read(entry.path().join(file)).unwrap_or_default());
            let works = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let is_ours = needles.iter().any(|needle| {
                let text = needle.as_os_str().as_encoded_bytes();
                works.starts_with(needle) || told.iter().any(|told| contains(told, text))
            });
            is_ours.then_some(Pid::from_raw(pid))
        })
        .collect()
    }

    /// Ends everything: first whatever could start PostgreSQL again, then PostgreSQL in good order, so that it leaves no
    /// shared memory behind, then what is left.
    fn end_all(&self) -> bool {
        let postgres = self.postgres();
        let works_in_database = |pid: &Pid| {
            fs::read_link(format!("/proc/{pid}/cwd"))
                .is_ok_and(|cwd| cwd.starts_with(self.data().join("postgres")))
        };
        for pid in self.processes().iter().filter(|pid| !works_in_database(pid)) {
            let _ = kill(*pid, Signal::SIGKILL);
        }
        if let Some(postgres) = postgres {
            let _ = kill(postgres, Signal::SIGINT);
            poll(Duration::from_secs(20), || {
                self.postgres().is_none().then_some(())
            });
        }
        poll(Duration::from_secs(20), || {
            let left = self.processes();
            for pid in &left {
                let _ = kill(*pid, Signal::SIGKILL);
            }
            left.is_empty().then_some(())
        })
        .is_some()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let ended = self.end_all();
        if !ended && !std::thread::panicking() {
            panic!("processes {:?} of the story cannot be ended", self.processes());
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Asks again and again, for where nothing tells; `None` when the time is over.
pub(crate) fn poll<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let (_nobody, pause) = mpsc::channel::<()>();
    let end = Instant::now() + within;
    loop {
        if let Some(found) = ask() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        let _ = pause.recv_timeout(Duration::from_millis(10));
    }
}

/// As [`poll`], for what is asked over a connection; says what did not come.
pub(crate) async fn poll_async<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    within(what, async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// Waits for something, and says what did not come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(done) => done,
        Err(_) => panic!("within {} s this did not come: {what}", PATIENCE.as_secs()),
    }
}

/// The program under test.
pub(crate) fn keirin() -> Command {
    without_own_settings(Command::new(env!("CARGO_BIN_EXE_keirin")))
}

/// The program under test, with so many open files at first and at the most.
pub(crate) fn keirin_with_files((soft, hard): (u32, u32)) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_keirin")]);
    without_own_settings(shell)
}

/// The program under test, which alone sees a file system of this size in this folder.
pub(crate) fn keirin_with_room(folder: &Path, bytes: u64) -> Command {
    let mut namespace = Command::new("unshare");
    let script = "mount -t tmpfs -o mode=700,size=$1 objects \"$2\" && shift 2 && exec \"$0\" \"$@\"";
    namespace.args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_keirin")]);
    namespace.arg(bytes.to_string()).arg(folder);
    without_own_settings(namespace)
}

fn without_own_settings(mut command: Command) -> Command {
    // Nothing of the person's own settings.
    for name in ["KEIRIN_URL", "KEIRIN_TOKEN", "KEIRIN_DATA_DIR", "KEIRIN_LISTEN"] {
        command.env_remove(name);
    }
    command
}
