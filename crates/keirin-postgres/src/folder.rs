//! What lies where in the data folder, and the socket's folder, whose path must be short.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::error::ClusterError;
use crate::identity::Identity;

/// The longest path that a Unix socket can have, in bytes.
const LONGEST_SOCKET_PATH: usize = 107;

/// The name of the socket within its folder.
pub(crate) const SOCKET: &str = ".s.PGSQL.5432";

/// The file by which PostgreSQL keeps others away from the socket's name.
pub(crate) const SOCKET_LOCK: &str = ".s.PGSQL.5432.lock";

/// How large the log may be at a start; a larger one is put aside, in place of the one before.
const LARGEST_LOG: u64 = 10 * 1024 * 1024;

/// How much of the log an error quotes.
const QUOTED_LOG: u64 = 2000;

/// What opens the database; never shown.
#[derive(Clone)]
pub(crate) struct Password(pub(crate) String);

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password")
    }
}

/// The data folder as far as it concerns PostgreSQL. Absolute, with no symbolic links.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder where it is not there; closed to all others.
    pub(crate) fn open(path: &Path) -> Result<Self, ClusterError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(ClusterError::io("make the folder", path))?;
        let path = path
            .canonicalize()
            .map_err(ClusterError::io("find the folder", path))?;
        Ok(Self(path))
    }

    /// The folder as it is, to look at.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The data folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// PostgreSQL's own folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.join("postgres")
    }

    /// Where that is made; it gets its name when it is complete, so a crash leaves no half of one.
    pub(crate) fn unfinished_data(&self) -> PathBuf {
        self.0.join("postgres.unfinished")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("postgres.log")
    }

    pub(crate) fn password(&self) -> PathBuf {
        self.0.join("postgres.password")
    }

    /// The major version of the data; `None` where there is no data yet.
    pub(crate) fn version(&self) -> Result<Option<u32>, ClusterError> {
        let path = self.data().join("PG_VERSION");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ClusterError::io("read", &path)(error)),
        };
        let version = text.trim().parse().map_err(|_| {
            let not_a_version = std::io::Error::other(format!("`{}` is no version", text.trim()));
            ClusterError::io("understand", &path)(not_a_version)
        })?;
        Ok(Some(version))
    }

    /// Held while PostgreSQL is started or stopped: one server does so at a time.
    pub(crate) async fn lock_changes(&self) -> Result<File, ClusterError> {
        let path = self.0.join("postgres.lock");
        let file = lock_file(&path)?;
        tokio::task::spawn_blocking(move || {
            file.lock().map_err(ClusterError::io("lock", &path))?;
            Ok(file)
        })
        .await
        .map_err(|error| ClusterError::Io {
            what: "cannot wait for a lock".to_owned(),
            source: std::io::Error::other(error),
        })?
    }

    /// Joins the servers that use this PostgreSQL, and says whether there is no other. All of them share a lock, so that
    /// the last one knows that it is the last; the system lets go of it when a process ends, however it ends. Call it
    /// while changes are locked.
    pub(crate) fn join_users(&self) -> Result<(File, bool), ClusterError> {
        let path = self.0.join("postgres.users");
        let file = lock_file(&path)?;
        let cannot_lock = || ClusterError::io("lock", &path);
        let alone = match file.try_lock() {
            Ok(()) => {
                file.unlock().map_err(cannot_lock())?;
                true
            }
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => return Err(cannot_lock()(error)),
        };
        file.lock_shared().map_err(cannot_lock())?;
        Ok((file, alone))
    }

    /// Opens the log for what PostgreSQL will say, and says where that will begin.
    pub(crate) fn open_log(&self) -> Result<(File, u64), ClusterError> {
        let path = self.log();
        let length = path.metadata().map_or(0, |metadata| metadata.len());
        if length > LARGEST_LOG {
            let aside = self.0.join("postgres.log.1");
            std::fs::rename(&path, &aside).map_err(ClusterError::io("put aside", &path))?;
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(ClusterError::io("open", &path))?;
        let begin = file.metadata().map_err(ClusterError::io("look at", &path))?.len();
        Ok((file, begin))
    }

    /// The end of what the log says since it was opened.
    pub(crate) fn log_tail(&self, begin: u64) -> String {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(self.log())?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(begin.max(length.saturating_sub(QUOTED_LOG))))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
        };
        read().unwrap_or_else(|error| format!("(the log cannot be read: {error})"))
    }

    /// Makes up a password and keeps it where only its owner can read it.
    pub(crate) fn new_password(&self) -> Result<Password, ClusterError> {
        let random = Path::new("/dev/urandom");
        let mut bytes = [0; 32];
        File::open(random)
            .and_then(|mut file| file.read_exact(&mut bytes))
            .map_err(ClusterError::io("read", random))?;
        let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        write_secret(&self.password(), &password)?;
        Ok(Password(password))
    }

    /// The password that was made up for the data that is there.
    pub(crate) fn read_password(&self) -> Result<Password, ClusterError> {
        let path = self.password();
        match std::fs::read_to_string(&path) {
            Ok(password) => Ok(Password(password)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(ClusterError::NoPassword {
                password: path,
                data: self.data(),
            }),
            Err(error) => Err(ClusterError::io("read", &path)(error)),
        }
    }

    /// A folder for the socket, closed to all others: in the data folder where its path is short enough, else in the
    /// user's folder for such things, else in `/tmp`.
    pub(crate) fn socket_folder(
        &self,
        runtime: Option<&Path>,
        identity: &Identity,
    ) -> Result<PathBuf, ClusterError> {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        let hash = hasher.finish();
        let in_data = self.0.join("socket");
        let runtime = runtime.and_then(|runtime| runtime.canonicalize().ok());
        let in_runtime = runtime.map(|runtime| runtime.join(format!("keirin-{hash:016x}")));
        let tmp = Path::new("/tmp").canonicalize().ok();
        let in_tmp = tmp.map(|tmp| tmp.join(format!("keirin-{}-{hash:016x}", geteuid())));
        let mut reasons = Vec::new();
        for folder in [Some(in_data), in_runtime, in_tmp].into_iter().flatten() {
            match make_socket_folder(&folder, identity) {
                Ok(()) => return Ok(folder),
                Err(why) => reasons.push(format!("{}: {why}", folder.display())),
            }
        }
        Err(ClusterError::NoSocketFolder(reasons.join("; ")))
    }
}

/// Removes a file, where it is there.
pub(crate) fn remove_file(path: &Path) -> Result<(), ClusterError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ClusterError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

fn lock_file(path: &Path) -> Result<File, ClusterError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(ClusterError::io("open", path))
}

/// Writes a file that only its owner can read, in place of one that is there.
pub(crate) fn write_secret(path: &Path, secret: &str) -> Result<(), ClusterError> {
    remove_file(path)?;
    let written = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(secret.as_bytes())?;
        file.sync_all()
    };
    written().map_err(ClusterError::io("write", path))
}

fn make_socket_folder(folder: &Path, identity: &Identity) -> Result<(), String> {
    if folder.as_os_str().len() + 1 + SOCKET.len() > LONGEST_SOCKET_PATH {
        return Err(format!("a socket's path has at most {LONGEST_SOCKET_PATH} bytes"));
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => identity.own(folder).map_err(|error| error.to_string())?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.to_string()),
    }
    // Anybody may have made a folder of this name in `/tmp`, or a link that leads elsewhere.
    let metadata = folder.symlink_metadata().map_err(|error| error.to_string())?;
    if !metadata.is_dir() || metadata.mode() & 0o077 != 0 || metadata.uid() != identity.uid().as_raw() {
        return Err(
            "it is there already, and not a folder that only the database's user may enter".to_owned(),
        );
    }
    // Some file systems, such as those that are shared with another machine, hold no sockets.
    let probe = folder.join("probe");
    let bound = UnixListener::bind(&probe).map_err(|error| error.to_string());
    remove_file(&probe).map_err(|error| error.to_string())?;
    bound.map(drop)
}
