//! What an agent is told when it starts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// The time that log lines carry. Everything that waits uses the runtime's own clock, which tests can pause.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A source of random numbers, for the session's number, markers and jitter.
pub type Random = Arc<dyn Fn() -> u64 + Send + Sync>;

/// All that an agent needs to know beside its server.
#[derive(Clone)]
pub struct Config {
    /// Where workspaces and spooled logs lie. The agent locks it, and empties it when it starts.
    pub folder: PathBuf,
    /// How many jobs run at once.
    pub slots: u32,
    /// Whose rights the steps have.
    pub identity: Identity,
    /// What every step's environment begins with: `PATH`, `LANG` and the like. Never the agent's own environment.
    pub environment: BTreeMap<String, String>,
    /// Bounds on what a job may leave.
    pub limits: Limits,
    /// How long things may take.
    pub patience: Patience,
    /// Whether this process has no children but those of its jobs, so that any orphan is what a job left running.
    pub owns_all_orphans: bool,
    /// What time it is.
    pub clock: Clock,
    /// Random numbers.
    pub random: Random,
}

impl Config {
    /// An agent with one slot and the usual limits, which runs steps with its own rights.
    pub fn new(folder: PathBuf, clock: Clock, random: Random) -> Self {
        let environment = [
            (
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ),
            ("LANG", "C.UTF-8"),
        ];
        Self {
            folder,
            slots: 1,
            identity: Identity::Own,
            environment: environment
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            limits: Limits::default(),
            patience: Patience::default(),
            owns_all_orphans: false,
            clock,
            random,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("folder", &self.folder)
            .field("slots", &self.slots)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Whose rights the steps of a job have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The agent's own: a step can do all that the agent can. For `keirin exec`, where a person runs their own work.
    Own,
    /// Another user of the machine. Needs an agent that runs as root.
    User {
        /// The user's number.
        uid: u32,
        /// The group's number; the step has no other groups.
        gid: u32,
    },
    /// The agent's own user, held by the kernel to its workspace: see [`crate::guard`].
    Guarded(Guarded),
}

/// How steps are held to their workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    /// The program that calls [`crate::guard::main`]: this very program, as a rule.
    pub program: PathBuf,
    /// Arguments that make it do so.
    pub arguments: Vec<OsString>,
    /// Files and folders that a step may not even read: the server's data, keys, tokens, sockets. Absolute paths.
    pub closed: Vec<PathBuf>,
}

/// Bounds on what a job may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a job's log; what comes after is dropped.
    pub log_bytes: u64,
    /// Bytes of the log that wait in memory while the server cannot be reached; more goes into a file.
    pub spool_memory_bytes: usize,
    /// Files that one step keeps or brings back.
    pub artifact_files: usize,
    /// Bytes of all files that one step keeps or brings back.
    pub artifact_bytes: u64,
    /// Report files that one step reads.
    pub report_files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            log_bytes: 256 << 20,
            spool_memory_bytes: 4 << 20,
            artifact_files: 10_000,
            artifact_bytes: 10 << 30,
            report_files: 1_000,
        }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Between asking a step's processes to end and ending them.
    pub termination: Duration,
    /// For all `always` steps together, once a job is being stopped.
    pub cleanup: Duration,
    /// For output that a process's children still write when it has ended itself.
    pub lingering_output: Duration,
    /// For a log line or the end of a step before it is sent with others.
    pub batching: Duration,
    /// For the answer to one call, beyond what the server lets a claim wait.
    pub call: Duration,
    /// For the last words of jobs when the agent is stopped.
    pub farewell: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            termination: Duration::from_secs(10),
            cleanup: Duration::from_secs(60),
            lingering_output: Duration::from_millis(500),
            batching: Duration::from_millis(100),
            call: Duration::from_secs(30),
            farewell: Duration::from_secs(10),
        }
    }
}
