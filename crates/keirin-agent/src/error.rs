//! Why an agent cannot work, or a folder not be used.

use std::io;
use std::path::PathBuf;

use crate::config::UidRange;

/// Why an agent cannot work.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Its folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Only root may start processes of another user.
    #[error("the agent is to run steps as other users, and only root can do that; start it as root")]
    NotRoot,
    /// Jobs that run at once would share their user.
    #[error(
        "one user serves one slot, because jobs of the same user could reach each other; \
         name no user, so that each of the {slots} slots gets one of its own, or use one slot"
    )]
    SharedUser {
        /// How many slots there are.
        slots: u32,
    },
    /// Another agent of this machine has the user.
    #[error(
        "user {uid} cannot serve this agent: jobs of another agent of this machine run as that user, and could reach this \
         one's; name another user, or none, so that each slot gets one of its own"
    )]
    UserInUse {
        /// The user.
        uid: u32,
    },
    /// Other agents of this machine, or its users and groups, have the numbers of the range.
    #[error(
        "the range of users {range} has too few for {slots} slots that are no user or group of the machine and that no \
         other agent uses; name a larger one (`uid_range`)"
    )]
    TooFewUsers {
        /// The range.
        range: UidRange,
        /// How many slots there are.
        slots: u32,
    },
    /// Steps cannot be held to their workspace.
    #[error("{reason}")]
    NotGuarded {
        /// Why not.
        reason: String,
    },
}

/// A folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system said no.
    #[error("cannot {what} {}: {source}", path.display())]
    System {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another agent uses it.
    #[error("{} is in use by another agent; give each its own folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// Another user could have made it, or can change it.
    #[error("{} cannot be trusted: {why}; choose another folder for the agent, or put its rights in order", path.display())]
    Untrusted {
        /// What.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The user that steps run as cannot get there.
    #[error(
        "user {uid} may not enter {}, so jobs could not reach their workspace; choose a folder for the agent that \
         every user may enter, such as one under /var/lib", path.display()
    )]
    OutOfReach {
        /// The first folder on the way that is closed.
        path: PathBuf,
        /// The user.
        uid: u32,
    },
}
