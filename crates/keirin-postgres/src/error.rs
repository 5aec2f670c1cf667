//! Why the private PostgreSQL does not run, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why the private PostgreSQL could not be started, joined or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No PostgreSQL that is new enough.
    #[error(
        "no PostgreSQL {oldest} or later was found ({found}); install it (on Debian: apt-get install postgresql), \
         name its folder with --postgres-bin, or name a running server with --database-url"
    )]
    NoBinaries {
        /// The oldest version that will do.
        oldest: u32,
        /// What was found instead.
        found: String,
    },
    /// The data was written by a version that is not here.
    #[error(
        "the database in {data} was made by PostgreSQL {version}, and no other version can read it ({found}); install \
         PostgreSQL {version} beside the newer one (on Debian: apt-get install postgresql-{version}) or name its folder \
         with --postgres-bin; to move to a newer version, take a backup with the old one and restore it into an empty \
         data folder"
    )]
    OtherVersion {
        /// The folder of the data.
        data: PathBuf,
        /// Its major version.
        version: u32,
        /// What was found instead.
        found: String,
    },
    /// A folder that was named holds no PostgreSQL.
    #[error("{folder} holds no PostgreSQL that runs: {why}")]
    NotPostgres {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        why: String,
    },
    /// PostgreSQL refuses to run as root, and no way around that is open.
    #[error(
        "PostgreSQL never runs as root, and {data} is in reach of nobody else: user namespaces are not allowed here \
         ({namespace}), and {account}; run keirin as an ordinary user, choose a data folder that the user `postgres` \
         can reach, as in --data-dir /var/lib/keirin, or name a running server with --database-url"
    )]
    Root {
        /// The folder of the data.
        data: PathBuf,
        /// Why no user namespace.
        namespace: String,
        /// Why no other account.
        account: String,
    },
    /// PostgreSQL wants a name for the uid that it runs as.
    #[error(
        "uid {uid} has no entry in /etc/passwd, which PostgreSQL needs, and user namespaces are not allowed here \
         ({namespace}); add an entry, or name a running server with --database-url"
    )]
    Nameless {
        /// The uid of this process.
        uid: u32,
        /// Why no user namespace.
        namespace: String,
    },
    /// The data belongs to somebody else.
    #[error("the database in {data} belongs to uid {owner}, and this is uid {uid}; run keirin as its owner")]
    Foreign {
        /// The folder of the data.
        data: PathBuf,
        /// Its owner.
        owner: u32,
        /// The uid of this process.
        uid: u32,
    },
    /// No folder will do for the socket.
    #[error("no folder is fit for the database's socket: {0}")]
    NoSocketFolder(String),
    /// Another server, out of our sight, uses the data.
    #[error(
        "the database in {data} is in use by a server in another container, and its socket {socket} cannot be seen \
         from here; stop that server first, or let both see the same folders under the same names"
    )]
    Elsewhere {
        /// The folder of the data.
        data: PathBuf,
        /// The socket.
        socket: PathBuf,
    },
    /// The password is gone.
    #[error(
        "{password} is missing, so nobody can enter the database in {data}; put it back from a copy of the data folder"
    )]
    NoPassword {
        /// Where it should be.
        password: PathBuf,
        /// The folder of the data.
        data: PathBuf,
    },
    /// `initdb` failed.
    #[error("PostgreSQL could not make a database in {data}: {output}")]
    Init {
        /// The folder of the data.
        data: PathBuf,
        /// What it said.
        output: String,
    },
    /// `postgres` ended instead of starting.
    #[error("PostgreSQL did not start ({status}); the end of {log} says: {tail}")]
    Start {
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// A file or a program could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// It runs but does not let us in.
    #[error("the private PostgreSQL runs, but cannot be asked: {0}")]
    Connection(#[from] sqlx::Error),
}

impl ClusterError {
    /// Names the path that could not be used.
    pub(crate) fn io(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("cannot {doing} {}", path.display());
        move |source| Self::Io { what, source }
    }
}
