//! What an agent is told when it starts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::job_limits::JobLimits;
use crate::sandbox::{Namespaces, Owner};
use keirin_model::Clock;

/// A source of random numbers, for the session's number and jitter.
pub type Random = Arc<dyn Fn() -> u64 + Send + Sync>;

/// All that an agent needs to know beside its server.
#[derive(Clone)]
pub struct Config {
    /// Where workspaces and spooled logs lie. The agent locks it, and empties it when it starts.
    pub folder: PathBuf,
    /// Used in place of it where other users' steps must find the way there by themselves, because no namespace can show
    /// them their workspace.
    pub open_folder: Option<PathBuf>,
    /// Where the agents of this machine leave word of which users they use. Agents that are not root do without.
    pub runtime_folder: PathBuf,
    /// How many jobs run at once.
    pub slots: u32,
    /// Whose rights the steps have.
    pub identity: RunAs,
    /// What starts and ends the processes of steps.
    pub sandbox: SandboxProgram,
    /// The strongest namespaces that steps get. Where the machine has no such ones they get the strongest that it has.
    pub namespaces: Namespaces,
    /// Files and folders that a step may not even read, unless its rights are the agent's own: the server's data, keys,
    /// tokens, sockets. Absolute paths. The agent's folder is closed without being named.
    pub closed: Vec<PathBuf>,
    /// Credentials of the agent's user and of the steps': files and folders that a step may not read either, unless
    /// `writable` names them. Absolute paths; see [`credentials`](crate::credentials).
    pub credentials: Vec<PathBuf>,
    /// Folders beside its workspace that a step sees and may write in, as far as its user's rights go: caches that jobs
    /// share. Absolute paths.
    pub writable: Vec<PathBuf>,
    /// What every step's environment begins with: `PATH`, `LANG` and the like. Never the agent's own environment.
    pub environment: BTreeMap<String, String>,
    /// What one attempt may take of the machine.
    pub job_limits: JobLimits,
    /// Bounds on what a job may leave.
    pub limits: OutputLimits,
    /// How long things may take.
    pub patience: Patience,
    /// What time it is.
    pub clock: Clock,
    /// Random numbers.
    pub random: Random,
}

impl Config {
    /// An agent with one slot and the usual limits, which runs steps with its own rights.
    pub fn new(folder: PathBuf, sandbox: SandboxProgram, clock: Clock, random: Random) -> Self {
        let environment = [
            (
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ),
            ("LANG", "C.UTF-8"),
        ];
        Self {
            folder,
            open_folder: None,
            runtime_folder: PathBuf::from("/run/keirin"),
            slots: 1,
            identity: RunAs::Own,
            sandbox,
            namespaces: Namespaces::Full,
            closed: Vec::new(),
            credentials: Vec::new(),
            writable: Vec::new(),
            environment: environment
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            job_limits: JobLimits::for_this_machine(),
            limits: OutputLimits::default(),
            patience: Patience::default(),
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
pub enum RunAs {
    /// The agent's own: a step can do all that the agent can. For `keirin exec`, where a person runs their own work.
    Own,
    /// A user of the machine, for an agent with one slot. Needs an agent that runs as root.
    User(Owner),
    /// Users that nobody else is, one for each slot. Needs an agent that runs as root.
    Range(UidRange),
    /// The agent's own user, held to its workspace by the kernel: see [`crate::sandbox`].
    Guarded,
}

/// The program that calls [`crate::sandbox::main`]: this very program, as a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxProgram {
    /// Its path.
    pub program: PathBuf,
    /// Arguments that make it do so.
    pub arguments: Vec<OsString>,
}

/// Numbers of users, and of a group for each, from the first to the last. Written as in `1900000000-1900065535`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UidRange {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
}

impl UidRange {
    /// Numbers that neither people, services nor containers have, as a rule.
    pub const DEFAULT: Self = Self {
        first: 1_900_000_000,
        last: 1_900_065_535,
    };
}

impl fmt::Display for UidRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.first, self.last)
    }
}

/// A text is not a range of users.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a range of users: write its first and last number, from 1 on, as in 1900000000-1900065535"
)]
pub struct InvalidUidRange(String);

impl FromStr for UidRange {
    type Err = InvalidUidRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidUidRange(text.to_owned());
        let (first, last) = text.split_once('-').ok_or_else(invalid)?;
        let number = |text: &str| text.trim().parse().map_err(|_| invalid());
        let range = Self {
            first: number(first)?,
            last: number(last)?,
        };
        // Root is no user for jobs, and the highest number means nobody at all.
        match range.first >= 1 && range.first <= range.last && range.last < u32::MAX {
            true => Ok(range),
            false => Err(invalid()),
        }
    }
}

/// Bounds on what a job may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimits {
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
    /// Bytes of all report files that one step reads. What is read of them is held in memory, several times as large.
    pub report_bytes: u64,
}

impl Default for OutputLimits {
    fn default() -> Self {
        Self {
            log_bytes: 256 << 20,
            spool_memory_bytes: 4 << 20,
            artifact_files: 10_000,
            artifact_bytes: 10 << 30,
            report_files: 1_000,
            report_bytes: 128 << 20,
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
    /// For the server to do what it says that it cannot do now, as to keep a file or a log while its storage is full. A
    /// server that cannot be reached is waited for.
    pub upload: Duration,
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
            upload: Duration::from_secs(15 * 60),
            farewell: Duration::from_secs(10),
        }
    }
}
