//! Whose rights jobs have: never those that would let them at the server's data, unless their owner says so.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use keirin_agent::{Guarded, Identity};
use nix::unistd::{User, geteuid};

use super::StartArguments;

/// The user that jobs run as where the agent is root and nobody says otherwise.
const DEFAULT_USER: &str = "nobody";
/// Where the workspaces of jobs lie that run as another user.
const OPEN_FOLDERS: &str = "/var/tmp";

/// Decides for this machine and these arguments.
pub(super) fn choose(arguments: &StartArguments) -> anyhow::Result<Identity> {
    if arguments.trust_jobs {
        return Ok(Identity::Own);
    }
    let mut closed = arguments.closed.clone();
    closed.push(std::path::absolute(&arguments.folder).context("cannot tell where the agent's folder lies")?);
    of_jobs(arguments.user.as_deref(), closed)
}

/// Whose rights jobs have here that are not trusted: another user's where the agent is root, else the agent's own
/// without what is closed.
///
/// # Errors
/// When there is no such user, or another user would need an agent that is root.
pub(crate) fn of_jobs(user: Option<&str>, closed: Vec<PathBuf>) -> anyhow::Result<Identity> {
    if geteuid().is_root() {
        let name = user.unwrap_or(DEFAULT_USER);
        let user = User::from_name(name).with_context(|| format!("cannot look up the user `{name}`"))?;
        let Some(user) = user else {
            bail!("there is no user `{name}` that jobs could run as; name one with --user");
        };
        if user.uid.is_root() {
            bail!("jobs must not run as root; name another user with --user, or say --trust-jobs");
        }
        return Ok(Identity::User {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        });
    }
    if user.is_some() {
        bail!("--user needs an agent that runs as root");
    }
    Ok(Identity::Guarded(Guarded {
        program: program()?,
        arguments: vec![OsString::from(crate::STEP_GUARD)],
        closed,
    }))
}

/// This very program, which holds steps to their workspace in another mode.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot tell where this program's file is")
}

/// A folder that every user can get to, one for each agent folder.
pub(super) fn open_folder(folder: &Path) -> PathBuf {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    Path::new(OPEN_FOLDERS).join(format!("keirin-agent-{}-{:016x}", geteuid(), hasher.finish()))
}
