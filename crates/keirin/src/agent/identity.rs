//! Whose rights jobs have: never those that would let them at the server's data, unless their owner says so.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use keirin_agent::{Owner, RunAs, SandboxProgram, UidRange, credentials};
use keirin_console::machine;
use nix::unistd::{User, geteuid};

use super::StartArguments;

/// Where the workspaces of jobs lie that must find their way there by themselves.
const OPEN_FOLDERS: &str = "/var/lib/keirin/agents";
/// Where programs keep their configuration in a home folder, unless the environment names another place.
const CONFIGURATION: &str = ".config";
/// The numbers that there are where this process is; a container may have few.
const NUMBERS: &str = "/proc/self/uid_map";

/// Decides for this machine and these arguments.
pub(super) fn choose(arguments: &StartArguments) -> anyhow::Result<RunAs> {
    match arguments.trust_jobs {
        true => Ok(RunAs::Own),
        false => of_jobs(arguments.user.as_deref(), arguments.uid_range),
    }
}

/// Whose rights jobs have here that are not trusted: users of their own where the agent is root, else the agent's own
/// without what is closed.
///
/// # Errors
/// When there is no such user, or other users would need an agent that is root.
pub(crate) fn of_jobs(user: Option<&str>, range: Option<UidRange>) -> anyhow::Result<RunAs> {
    if !geteuid().is_root() {
        if user.is_some() {
            bail!("--user needs an agent that runs as root");
        }
        if range.is_some() {
            bail!("a range of users (uid_range) needs an agent that runs as root");
        }
        return Ok(RunAs::Guarded);
    }
    let Some(name) = user else {
        return Ok(RunAs::Range(range.unwrap_or_else(known_range)));
    };
    let user = User::from_name(name).with_context(|| format!("cannot look up the user `{name}`"))?;
    let Some(user) = user else {
        bail!("there is no user `{name}` that jobs could run as; name another with --user");
    };
    if user.uid.is_root() {
        bail!("jobs must not run as root; name another user with --user, or say --trust-jobs");
    }
    Ok(RunAs::User(Owner {
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
    }))
}

/// The usual range; where this process is in a container that does not have its numbers, the highest that it has.
fn known_range() -> UidRange {
    let map = std::fs::read_to_string(NUMBERS).unwrap_or_default();
    range_in(&map)
}

/// Each line of the map: the first number inside, the first outside, and how many there are.
fn range_in(map: &str) -> UidRange {
    const FEWEST: u32 = 1024;
    let usual = UidRange::DEFAULT;
    let known = map.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let first: u32 = fields.next()?.parse().ok()?;
        let count: u32 = fields.nth(1)?.parse().ok()?;
        Some((first, first.saturating_add(count - 1)))
    });
    let known: Vec<(u32, u32)> = known.collect();
    if known.is_empty()
        || known
            .iter()
            .any(|(first, last)| *first <= usual.first && usual.last <= *last)
    {
        return usual;
    }
    // Below the number that means nobody.
    let last = known.iter().map(|(_, last)| *last).max().unwrap_or(usual.last);
    let last = if last == 65_535 { 65_533 } else { last };
    UidRange {
        first: last.saturating_sub(FEWEST).max(1),
        last,
    }
}

/// Where the credentials may lie of whoever's rights jobs have, and of whoever started the agent.
///
/// # Errors
/// When the system cannot tell where the home folder of a user lies.
pub(super) fn credentials_of(identity: &RunAs) -> anyhow::Result<Vec<PathBuf>> {
    let mut users = vec![geteuid()];
    if let RunAs::User(owner) = identity {
        users.push(owner.uid.into());
    }
    let mut places = Vec::new();
    for uid in users {
        let user = User::from_uid(uid).with_context(|| format!("cannot look up the user {uid}"))?;
        if let Some(user) = user {
            places.extend(credentials(&user.dir, &user.dir.join(CONFIGURATION)));
        }
    }
    // What the environment says counts for programs, and need not be the same.
    if let Some(home) = machine::home() {
        let named = machine::variable("XDG_CONFIG_HOME").map(PathBuf::from);
        places.extend(credentials(
            &home,
            &named.unwrap_or_else(|| home.join(CONFIGURATION)),
        ));
    }
    places.retain(|place| place.is_absolute());
    places.sort();
    places.dedup();
    Ok(places)
}

/// What steps get of the environment of whoever started the program, with an agent and without a server alike, so that a job
/// that ends well here does so there.
pub(crate) fn environment() -> BTreeMap<String, String> {
    machine::environment(&["PATH", "LANG"])
}

/// This very program, in the mode in which it holds the steps of a job.
pub(crate) fn sandbox() -> anyhow::Result<SandboxProgram> {
    Ok(SandboxProgram {
        program: program()?,
        arguments: vec![OsString::from(crate::SANDBOX)],
    })
}

/// This very program.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot tell where this program's file is")
}

/// A folder that every user can get to, one for each agent folder.
pub(super) fn open_folder(folder: &Path) -> PathBuf {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    Path::new(OPEN_FOLDERS).join(format!("{:016x}", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_with_few_numbers_has_users_for_slots_too() {
        assert_eq!(range_in("         0          0 4294967295\n"), UidRange::DEFAULT);
        assert_eq!(range_in(""), UidRange::DEFAULT);
        let few = range_in("0 1000 1\n1 100000 65535\n");
        assert_eq!((few.first, few.last), (64_509, 65_533));
    }
}
