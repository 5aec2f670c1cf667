//! One server's hold on it.
//!
//! Any number of servers may share one data folder. The first starts PostgreSQL, the others join it, and the last to
//! leave stops it; a lock that all of them share says who is the last. One that is killed just leaves: PostgreSQL goes
//! on for the others, or for the next that comes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::process::Child;
use tokio::sync::{Mutex, watch};

use crate::binaries::PostgresSearch;
use crate::error::ClusterError;
use crate::folder::{Folder, Password};
use crate::identity::Identity;
use crate::postmaster::Postmaster;
use crate::start::{LOOK, start, wait_while_starting};

/// The role that owns everything, and the database that it works in.
pub(crate) const NAME: &str = "keirin";

/// How often one looks after a PostgreSQL that another process started.
const LOOK_AFTER_JOINED: Duration = Duration::from_secs(1);

/// How to run the private PostgreSQL.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The folder that everything lies in; made where it is not there.
    pub data_dir: PathBuf,
    /// Where to look for PostgreSQL's programs.
    pub search: PostgresSearch,
    /// The user's folder for sockets and the like (`XDG_RUNTIME_DIR`), for where the data folder's path is too long.
    pub runtime_dir: Option<PathBuf>,
    /// Whether a commit survives a loss of power. Only tests do without.
    pub durable: bool,
}

impl ClusterOptions {
    /// Durable, with the system's PostgreSQL.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            search: PostgresSearch::default(),
            runtime_dir: None,
            durable: true,
        }
    }
}

/// A running private PostgreSQL, as one of its users sees it.
#[derive(Debug)]
pub struct Cluster {
    options: ClusterOptions,
    folder: Folder,
    /// Held, shared with all other users.
    users: File,
    /// Where this process has started it, and nobody waits for it just now.
    child: Mutex<Option<Child>>,
    socket_folder: PathBuf,
    identity: Identity,
    password: Password,
    joined: bool,
    stopping: watch::Sender<bool>,
}

impl Cluster {
    /// Joins the PostgreSQL that runs on the data folder, or makes and starts one.
    ///
    /// # Errors
    /// See [`ClusterError`]; each says what to do.
    pub async fn start_or_join(options: ClusterOptions) -> Result<Self, ClusterError> {
        let folder = Folder::open(&options.data_dir)?;
        let identity = Identity::of(&folder.data()).await?;
        let changes = folder.lock_changes().await?;
        let data = folder.data();
        let (users, alone) = folder.join_users()?;
        let running = wait_while_starting(&data).await?;
        let joined = running.is_some();
        let (postmaster, child) = match running {
            Some(postmaster) => (postmaster, None),
            None => {
                // Others use it, so it runs, where we cannot see it; unless it has just died, and left its socket.
                if !alone && let Some(socket) = Postmaster::unseen_socket(&data) {
                    return Err(ClusterError::Elsewhere { data, socket });
                }
                let (postmaster, child) = start(&options, &folder, &identity).await?;
                (postmaster, Some(child))
            }
        };
        let cluster = Self {
            password: folder.read_password()?,
            socket_folder: postmaster.socket_folder,
            options,
            folder,
            users,
            child: Mutex::new(child),
            identity,
            joined,
            stopping: watch::Sender::new(false),
        };
        let made = cluster.make_database().await;
        drop(changes);
        if let Err(error) = made {
            // Nobody would stop it otherwise.
            let stopped = cluster.stop().await?;
            if joined && stopped {
                // It was going down when it was joined, and nobody else uses it.
                return Box::pin(Self::start_or_join(cluster.options.clone())).await;
            }
            return Err(error);
        }
        Ok(cluster)
    }

    /// How to connect to it.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.options_for(NAME)
    }

    /// The folder of its socket: what a job must never get at.
    pub fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    /// Whether another process had started it already.
    pub fn joined(&self) -> bool {
        self.joined
    }

    /// The number of its first process; `None` while it does not run.
    ///
    /// # Errors
    /// The data folder cannot be read.
    pub fn pid(&self) -> Result<Option<i32>, ClusterError> {
        Ok(Postmaster::on(&self.folder.data())?.map(|postmaster| postmaster.pid.as_raw()))
    }

    /// Starts PostgreSQL again whenever it has ended by itself, until [`Cluster::stop`] is called. Run it beside the
    /// server; connections that were open are lost, new ones find the same socket.
    ///
    /// # Errors
    /// PostgreSQL does not start any more.
    pub async fn keep_running(&self) -> Result<(), ClusterError> {
        loop {
            self.wait_for_end().await?;
            if *self.stopping.borrow() {
                return Ok(());
            }
            let _changes = self.folder.lock_changes().await?;
            // Another user of the same folder may have been faster.
            if *self.stopping.borrow() || wait_while_starting(&self.folder.data()).await?.is_some() {
                continue;
            }
            tracing::warn!(
                "PostgreSQL has ended by itself and is started again; see {}",
                self.folder.log().display()
            );
            let (_, child) = start(&self.options, &self.folder, &self.identity).await?;
            *self.child.lock().await = Some(child);
        }
    }

    /// Returns when PostgreSQL has ended, or when we are to leave it.
    async fn wait_for_end(&self) -> Result<(), ClusterError> {
        let child = self.child.lock().await.take();
        if let Some(mut child) = child {
            let log = self.folder.log();
            tokio::select! {
                ended = child.wait() => {
                    ended.map_err(ClusterError::io("wait for the PostgreSQL that writes", &log))?;
                }
                () = self.told_to_stop() => {
                    *self.child.lock().await = Some(child);
                }
            }
            return Ok(());
        }
        let data = self.folder.data();
        while let Some(postmaster) = Postmaster::on(&data)? {
            let look_again = tokio::time::timeout(LOOK_AFTER_JOINED, self.told_to_stop());
            if look_again.await.is_ok() || !postmaster.is_alive(&data) {
                break;
            }
        }
        Ok(())
    }

    /// Returns once [`Cluster::stop`] has been called.
    async fn told_to_stop(&self) {
        let mut stopping = self.stopping.subscribe();
        // It fails only when the sender is gone, and that is ours.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// Leaves it; whoever is the last to leave stops it and waits for its end. Gives whether it was stopped. Close all
    /// connections first: those that are open are cut.
    ///
    /// # Errors
    /// It could not be asked to stop.
    pub async fn stop(&self) -> Result<bool, ClusterError> {
        self.stopping.send_replace(true);
        let _changes = self.folder.lock_changes().await?;
        let cannot_lock = || ClusterError::io("lock the users of", &self.options.data_dir);
        self.users.unlock().map_err(cannot_lock())?;
        match self.users.try_lock() {
            Ok(()) => self.users.unlock().map_err(cannot_lock())?,
            Err(std::fs::TryLockError::WouldBlock) => return Ok(false),
            Err(std::fs::TryLockError::Error(error)) => return Err(cannot_lock()(error)),
        }
        // Nobody else can come while changes are locked.
        let data = self.folder.data();
        let Some(postmaster) = Postmaster::on(&data)? else {
            return Ok(true);
        };
        if !postmaster.visible {
            tracing::warn!("PostgreSQL runs in another container, so it is not stopped from here");
            return Ok(false);
        }
        postmaster.ask_to_stop()?;
        while postmaster.is_alive(&data) {
            tokio::time::sleep(LOOK).await;
        }
        if let Some(child) = self.child.lock().await.as_mut() {
            child
                .wait()
                .await
                .map_err(ClusterError::io("wait for the PostgreSQL on", &data))?;
        }
        Ok(true)
    }

    fn options_for(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_folder)
            .port(5432)
            .username(NAME)
            .password(&self.password.0)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    async fn make_database(&self) -> Result<(), ClusterError> {
        let mut connection = self.options_for("postgres").connect().await?;
        let there: bool = sqlx::query_scalar("select exists (select 1 from pg_database where datname = $1)")
            .bind(NAME)
            .fetch_one(&mut connection)
            .await?;
        if !there {
            sqlx::raw_sql("create database keirin")
                .execute(&mut connection)
                .await?;
        }
        connection.close().await?;
        Ok(())
    }
}
