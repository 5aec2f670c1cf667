//! What a sandbox is told before it holds anything.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::job_limits::JobLimits;

/// A user of the machine, by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The user's.
    pub uid: u32,
    /// The user's only group's.
    pub gid: u32,
}

/// Which namespaces a sandbox has, from the strongest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Namespaces {
    /// Processes, mounts and IPC.
    Full,
    /// Mounts and IPC: where no `/proc` of its own can be mounted, as in some containers.
    Mounts,
    /// None.
    None,
}

/// All about one sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SandboxPlan {
    pub(crate) namespaces: Namespaces,
    /// Whether Landlock is to hold the steps. Without it, and without namespaces, they have the agent's rights.
    pub(crate) is_confined: bool,
    /// Whether a sandbox that is held by Landlock alone must be refused where that is too old.
    pub(crate) needs_landlock: bool,
    /// Whose rights the steps have, where they are not the agent's own.
    pub(crate) owner: Option<Owner>,
    pub(crate) folders: Folders,
    /// What no step may read: absolute paths.
    pub(crate) closed: Vec<PathBuf>,
    /// What steps may write in besides their own folders: absolute paths.
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) limits: JobLimits,
}

/// The folders that steps may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Folders {
    pub(crate) work: PathBuf,
    pub(crate) home: PathBuf,
    /// Shown as `/tmp`.
    pub(crate) temporary: PathBuf,
    /// Shown as `/var/tmp`.
    pub(crate) var_temporary: PathBuf,
    /// Copies of the machine's lists of users and groups with a line for the owner, shown in their place.
    pub(crate) accounts: Option<Accounts>,
}

/// Files that are shown in place of the machine's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accounts {
    pub(crate) users: PathBuf,
    pub(crate) groups: PathBuf,
}

impl Folders {
    /// All of them.
    pub(crate) fn all(&self) -> [&Path; 4] {
        [&self.work, &self.home, &self.temporary, &self.var_temporary]
    }
}
