//! Whom PostgreSQL runs as. It refuses to run as root, and it wants a name for its uid.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use nix::unistd::{Gid, Uid, User, chown, geteuid};
use tokio::process::Command;

use super::error::ClusterError;

/// Accounts that PostgreSQL may be called by within a user namespace, where they own nothing that they own outside.
const NAMES: [&str; 2] = ["postgres", "nobody"];

/// The account that PostgreSQL may run as in earnest. Not `nobody`: jobs may run as that.
const ACCOUNT: &str = "postgres";

/// Whom PostgreSQL runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// The user of this process.
    Own,
    /// The user of this process, under another number within a user namespace: it owns the same files, also where a
    /// folder is closed to all others, but it is not root there.
    Namespace(Account),
    /// Another user.
    Other(Account),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: Uid,
    pub(super) gid: Gid,
}

impl Identity {
    /// Decides for data in this folder, which may not be there yet.
    pub(super) async fn of(data: &Path) -> Result<Self, ClusterError> {
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
    pub(super) fn command(&self, program: &Path) -> Command {
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

    /// Makes a file or folder that we have made belong to this identity.
    pub(super) fn own(&self, path: &Path) -> Result<(), ClusterError> {
        let Self::Other(account) = self else {
            return Ok(());
        };
        chown(path, Some(account.uid), Some(account.gid))
            .map_err(|error| ClusterError::io("change the owner of", path)(error.into()))
    }

    /// Lets this identity pass through the data folder, which stays closed to all others and does not show it what is
    /// in there.
    pub(super) fn let_through(&self, folder: &Path) -> Result<(), ClusterError> {
        let Self::Other(account) = self else {
            return Ok(());
        };
        let open = || -> std::io::Result<()> {
            let metadata = folder.metadata()?;
            if metadata.uid() == account.uid.as_raw() || metadata.mode() & 0o001 != 0 {
                return Ok(());
            }
            chown(folder, None, Some(account.gid))?;
            let mode = metadata.mode() & 0o700 | 0o010;
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode))
        };
        open().map_err(ClusterError::io("open to PostgreSQL's user the folder", folder))
    }

    /// The uid that its files have, as we see them.
    pub(super) fn uid(&self) -> Uid {
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
pub(super) fn plain_command(program: &Path) -> Command {
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
