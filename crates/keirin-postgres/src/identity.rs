//! Whom PostgreSQL runs as. It refuses to run as root, and it wants a name for its uid.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use nix::sys::stat::{Mode, SFlag, fchmod, fstat};
use nix::unistd::{Gid, Uid, User, fchown, geteuid};
use tokio::process::Command;

use crate::descriptor::open_itself;
use crate::error::ClusterError;

/// Accounts that PostgreSQL may be called by within a user namespace, where they own nothing that they own outside.
const NAMES: [&str; 2] = ["postgres", "nobody"];

/// The account that PostgreSQL may run as in earnest. Not `nobody`: jobs may run as that.
const ACCOUNT: &str = "postgres";

/// Whom PostgreSQL runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The user of this process.
    Own,
    /// The user of this process, under another number within a user namespace: it owns the same files, also where a
    /// folder is closed to all others, but it is not root there.
    Namespace(Account),
    /// Another user.
    Other(Account),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: Uid,
    pub(crate) gid: Gid,
}

impl Identity {
    /// Decides for data in this folder, which may not be there yet.
    pub(crate) async fn of(data: &Path) -> Result<Self, ClusterError> {
        let me = geteuid();
        let owner = match data.metadata() {
            Ok(metadata) => Some(Uid::from_raw(metadata.uid())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(ClusterError::io("look at", data)(error)),
        };
        match owner {
            Some(owner) if owner != me && me.is_root() => {
                let user = lookup(User::from_uid(owner))?;
                let gid = user.map_or(Gid::from_raw(owner.as_raw()), |user| user.gid);
                return Ok(Self::Other(Account { uid: owner, gid }));
            }
            Some(owner) if owner != me => {
                return Err(ClusterError::Foreign {
                    data: data.to_owned(),
                    owner: owner.as_raw(),
                    uid: me.as_raw(),
                });
            }
            _ => {}
        }
        if !me.is_root() && lookup(User::from_uid(me))?.is_some() {
            return Ok(Self::Own);
        }
        let namespace = match namespace().await? {
            Ok(identity) => return Ok(identity),
            Err(why) => why,
        };
        if !me.is_root() {
            return Err(ClusterError::Nameless {
                uid: me.as_raw(),
                namespace,
            });
        }
        let account = if owner.is_some() {
            "the data belongs to root".to_owned()
        } else {
            match lookup(User::from_name(ACCOUNT))? {
                Some(user) if is_in_reach(data, &user) => return Ok(Self::Other(user.into())),
                Some(_) => format!("a folder above it is closed to the user `{ACCOUNT}`"),
                None => format!("there is no user `{ACCOUNT}`"),
            }
        };
        Err(ClusterError::Root {
            data: data.to_owned(),
            namespace,
            account,
        })
    }

    /// A program that will run as this identity, apart from our environment and our terminal.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = match self {
            Self::Own | Self::Other(_) => plain_command(program),
            Self::Namespace(account) => {
                let mut command = plain_command(Path::new("unshare"));
                command
                    .arg("--user")
                    .arg(format!("--map-user={}", account.uid))
                    .arg(format!("--map-group={}", account.gid))
                    .arg("--")
                    .arg(program);
                command
            }
        };
        if let Self::Other(account) = self {
            command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
        }
        // A Ctrl-C in our terminal is for us: PostgreSQL has to outlive our own shutdown.
        command.process_group(0);
        command
    }

    /// Makes a file or folder that we have made belong to this identity. Its path is absolute, without links.
    pub(crate) fn own(&self, path: &Path) -> Result<(), ClusterError> {
        let Self::Other(account) = self else {
            return Ok(());
        };
        let give = || -> std::io::Result<()> {
            let made = open_itself(path)?;
            let status = fstat(&made)?;
            let is_folder = status.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits();
            if status.st_uid != geteuid().as_raw() || !is_folder && status.st_nlink != 1 {
                return Err(std::io::Error::other("something else has taken its place"));
            }
            Ok(fchown(&made, Some(account.uid), Some(account.gid))?)
        };
        give().map_err(ClusterError::io("change the owner of", path))
    }

    /// Lets this identity pass through the data folder, which stays closed to all others and does not show it what is
    /// in there. Its path is absolute, without links.
    pub(crate) fn let_through(&self, folder: &Path) -> Result<(), ClusterError> {
        let Self::Other(account) = self else {
            return Ok(());
        };
        let let_through = || -> std::io::Result<()> {
            let folder = open_itself(folder)?;
            let status = fstat(&folder)?;
            let mode = Mode::from_bits_truncate(status.st_mode);
            if status.st_uid == account.uid.as_raw() || mode.contains(Mode::S_IXOTH) {
                return Ok(());
            }
            fchown(&folder, None, Some(account.gid))?;
            Ok(fchmod(&folder, mode & Mode::S_IRWXU | Mode::S_IXGRP)?)
        };
        let_through().map_err(ClusterError::io("open to PostgreSQL's user the folder", folder))
    }

    /// The uid that its files have, as we see them.
    pub(crate) fn uid(&self) -> Uid {
        match self {
            Self::Own | Self::Namespace(_) => geteuid(),
            Self::Other(account) => account.uid,
        }
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            uid: user.uid,
            gid: user.gid,
        }
    }
}

/// A program with an environment that holds nothing of ours.
#[expect(
    clippy::disallowed_methods,
    reason = "the adapter that starts the programs of the private PostgreSQL"
)]
pub(crate) fn plain_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .current_dir("/");
    command
}

/// Tries whether we may make a user namespace; if not, why.
async fn namespace() -> Result<Result<Identity, String>, ClusterError> {
    for name in NAMES {
        let Some(user) = lookup(User::from_name(name))? else {
            continue;
        };
        let identity = Identity::Namespace(user.into());
        let tried = identity
            .command(Path::new("true"))
            .stdin(Stdio::null())
            .output()
            .await;
        return Ok(match tried {
            Ok(output) if output.status.success() => Ok(identity),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("the program `unshare` does not run: {error}")),
        });
    }
    Ok(Err(format!(
        "/etc/passwd has no account {} to be called by",
        NAMES.join(" or ")
    )))
}

fn lookup(found: nix::Result<Option<User>>) -> Result<Option<User>, ClusterError> {
    found.map_err(|error| ClusterError::Io {
        what: "cannot look an account up".to_owned(),
        source: error.into(),
    })
}

/// Whether every folder above the data folder lets the user through; that one itself is opened.
fn is_in_reach(data: &Path, user: &User) -> bool {
    data.ancestors().skip(2).all(|folder| {
        folder.metadata().is_ok_and(|metadata| {
            let bit = if metadata.uid() == user.uid.as_raw() {
                0o100
            } else if metadata.gid() == user.gid.as_raw() {
                0o010
            } else {
                0o001
            };
            metadata.mode() & bit != 0
        })
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use nix::unistd::getegid;

    use super::*;

    /// Another user whose group anybody may give a file to that is in it, so that the tests need not be root's.
    fn other() -> Identity {
        Identity::Other(Account {
            uid: Uid::from_raw(12_345),
            gid: getegid(),
        })
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    fn closed_folder(path: &Path) {
        std::fs::create_dir(path).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn the_data_folder_lets_its_user_pass_and_shows_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().canonicalize().unwrap().join("data");
        closed_folder(&data);
        other().let_through(&data).unwrap();
        assert_eq!(mode(&data), 0o710);
    }

    #[test]
    fn what_a_link_leads_to_is_not_opened_and_not_given_away() {
        let parent = tempfile::tempdir().unwrap();
        let parent = parent.path().canonicalize().unwrap();
        let victim = parent.join("victim");
        closed_folder(&victim);
        closed_folder(&victim.join("data"));
        // In place of the folder itself, and of one on the way to it.
        symlink(&victim, parent.join("data")).unwrap();
        for path in [parent.join("data"), parent.join("data/data")] {
            let error = other().let_through(&path).unwrap_err();
            assert!(error.to_string().contains("a link"), "{error}");
            let error = other().own(&path).unwrap_err();
            assert!(error.to_string().contains("a link"), "{error}");
        }
        assert_eq!((mode(&victim), mode(&victim.join("data"))), (0o700, 0o700));
    }
}
