//! Folders that no other user can have made or can change: every folder on the way belongs to root or to this process's
//! user, and nobody else may put another in its place. Links are followed only where they are as trustworthy.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, mkdirat};
use nix::unistd::{Gid, Uid, fchown, geteuid};

use crate::error::FolderError;
use crate::sandbox::Owner;

/// Longer chains of links are loops.
const LINKS: u32 = 40;

/// A folder that is this process's alone to change, held open.
#[derive(Debug)]
pub(crate) struct TrustedFolder {
    folder: OwnedFd,
    path: PathBuf,
}

impl TrustedFolder {
    /// Opens a folder; it and what is missing on the way to it are made with this mode.
    pub(crate) fn open(path: &Path, mode: u32) -> Result<Self, FolderError> {
        let absolute = std::path::absolute(path).map_err(failed("find the folder", path))?;
        let failed = |error: Errno| failed("open the folder", path)(error);
        let mut folder = open_root().map_err(failed)?;
        let mut found = PathBuf::from("/");
        let mut left = names(&absolute);
        let mut links = 0;
        while let Some(name) = left.pop_front() {
            let next = match openat(&folder, name.as_os_str(), look(), Mode::empty()) {
                Err(Errno::ENOENT) => {
                    make_in(&folder, &name, mode, None).map_err(failed_at(
                        "make the folder",
                        &found,
                        &name,
                    ))?;
                    openat(&folder, name.as_os_str(), look(), Mode::empty())
                }
                other => other,
            }
            .map_err(failed)?;
            let status = fstat(&next).map_err(failed)?;
            if is(&status, SFlag::S_IFLNK) {
                trust_owner(&status, &found.join(&name))?;
                links += 1;
                if links > LINKS {
                    return Err(failed(Errno::ELOOP));
                }
                let target = PathBuf::from(readlinkat(&folder, name.as_os_str()).map_err(failed)?);
                if target.is_absolute() {
                    (folder, found) = (open_root().map_err(failed)?, PathBuf::from("/"));
                }
                names(&target)
                    .into_iter()
                    .rev()
                    .for_each(|name| left.push_front(name));
                continue;
            }
            match name == ".." {
                true => drop(found.pop()),
                false => found.push(&name),
            }
            if !is(&status, SFlag::S_IFDIR) {
                return Err(failed(Errno::ENOTDIR));
            }
            trust_owner(&status, &found)?;
            trust_mode(&status, &found)?;
            folder = next;
        }
        let status = fstat(&folder).map_err(failed)?;
        if status.st_uid != geteuid().as_raw() || status.st_mode & 0o022 != 0 {
            return Err(FolderError::Untrusted {
                path: found,
                why: "it must belong to the agent's user, and nobody else may write in it",
            });
        }
        let folder = openat(&folder, ".", read(), Mode::empty()).map_err(failed)?;
        Ok(Self { folder, path: found })
    }

    /// Where it is: a path without links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes and locks a file for as long as the value lives; `None` where another process holds the lock.
    pub(crate) fn lock(&self, name: &str) -> Result<Option<File>, FolderError> {
        let path = self.path.join(name);
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = openat(&self.folder, name, flags, Mode::from_bits_truncate(0o600))
            .map_err(failed("make the file", &path))?;
        let status = fstat(&file).map_err(failed("look at", &path))?;
        if !is(&status, SFlag::S_IFREG) || status.st_uid != geteuid().as_raw() || status.st_nlink != 1 {
            return Err(FolderError::Untrusted {
                path,
                why: "it must be a plain file of the agent's user",
            });
        }
        let file = File::from(file);
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
        }
    }

    /// Makes a new folder in this one, for this owner.
    pub(crate) fn make(&self, name: &str, mode: u32, owner: Option<Owner>) -> Result<Self, FolderError> {
        let path = self.path.join(name);
        let folder =
            make_in(&self.folder, OsStr::new(name), mode, owner).map_err(failed("make the folder", &path))?;
        Ok(Self { folder, path })
    }

    /// Makes a new file in this one that everybody may read.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, FolderError> {
        let path = self.path.join(name);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(0o644);
        let write = || {
            let file = openat(&self.folder, name, flags, mode)?;
            fchmod(&file, mode)?;
            io::Write::write_all(&mut File::from(file), content)
        };
        write().map_err(failed("write", &path))?;
        Ok(path)
    }
}

/// Makes a folder with exactly this mode and owner.
fn make_in(parent: impl AsFd, name: &OsStr, mode: u32, owner: Option<Owner>) -> nix::Result<OwnedFd> {
    let mode = Mode::from_bits_truncate(mode);
    mkdirat(&parent, name, mode)?;
    let folder = openat(&parent, name, read(), Mode::empty())?;
    // Beyond what the process's mask lets through.
    fchmod(&folder, mode)?;
    if let Some(owner) = owner {
        fchown(
            &folder,
            Some(Uid::from_raw(owner.uid)),
            Some(Gid::from_raw(owner.gid)),
        )?;
    }
    Ok(folder)
}

fn open_root() -> nix::Result<OwnedFd> {
    open("/", look() | OFlag::O_DIRECTORY, Mode::empty())
}

fn look() -> OFlag {
    OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

fn read() -> OFlag {
    OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

fn names(path: &Path) -> VecDeque<OsString> {
    let name = |component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(name).collect()
}

fn is(status: &FileStat, kind: SFlag) -> bool {
    status.st_mode & SFlag::S_IFMT.bits() == kind.bits()
}

fn trust_owner(status: &FileStat, path: &Path) -> Result<(), FolderError> {
    match status.st_uid == 0 || status.st_uid == geteuid().as_raw() {
        true => Ok(()),
        false => Err(FolderError::Untrusted {
            path: path.to_owned(),
            why: "it belongs to another user, who could put anything in its place",
        }),
    }
}

/// Where everybody may write, the owner's entries must be safe from others.
fn trust_mode(status: &FileStat, path: &Path) -> Result<(), FolderError> {
    // The groups of ordinary users are their own, as a rule; those of root are not.
    let others = if geteuid().is_root() { 0o022 } else { 0o002 };
    let is_sticky = status.st_mode & Mode::S_ISVTX.bits() != 0;
    match status.st_mode & others == 0 || is_sticky {
        true => Ok(()),
        false => Err(FolderError::Untrusted {
            path: path.to_owned(),
            why: "others may write in it, and could put anything in place of what is there",
        }),
    }
}

fn failed<E: Into<io::Error>>(what: &'static str, path: &Path) -> impl FnOnce(E) -> FolderError + use<E> {
    let path = path.to_owned();
    move |source| FolderError::System {
        what,
        path,
        source: source.into(),
    }
}

fn failed_at(what: &'static str, folder: &Path, name: &OsStr) -> impl FnOnce(Errno) -> FolderError + use<> {
    failed(what, &folder.join(name))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_is_missing_is_made_and_links_of_ones_own_are_followed() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let folder = TrustedFolder::open(&path, 0o711).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o711);
        symlink("a/../a/b", parent.path().join("link")).unwrap();
        let same = TrustedFolder::open(&parent.path().join("link"), 0o700).unwrap();
        assert_eq!(same.path(), folder.path());
        let made = same.make("c", 0o750, None).unwrap();
        assert_eq!(fs::metadata(made.path()).unwrap().mode() & 0o777, 0o750);
    }

    #[test]
    fn a_lock_is_a_plain_file_and_never_what_a_link_leads_to() {
        let parent = tempfile::tempdir().unwrap();
        let victim = parent.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let folder = TrustedFolder::open(&parent.path().join("agent"), 0o700).unwrap();
        symlink(&victim, folder.path().join("lock")).unwrap();
        folder.lock("lock").unwrap_err();
        fs::remove_file(folder.path().join("lock")).unwrap();
        fs::hard_link(&victim, folder.path().join("lock")).unwrap();
        folder.lock("lock").unwrap_err();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        fs::remove_file(folder.path().join("lock")).unwrap();
        let held = folder.lock("lock").unwrap();
        assert!(held.is_some() && folder.lock("lock").unwrap().is_none());
    }

    #[test]
    fn a_folder_in_which_others_may_write_is_not_trusted() {
        let parent = tempfile::tempdir().unwrap();
        let open = parent.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let error = TrustedFolder::open(&open.join("agent"), 0o700).unwrap_err();
        assert!(error.to_string().contains("others may write in it"), "{error}");
        let error = TrustedFolder::open(&open, 0o700).unwrap_err();
        assert!(error.to_string().contains("/open"), "{error}");
        fs::set_permissions(&open, Permissions::from_mode(0o1777)).unwrap();
        TrustedFolder::open(&open.join("agent"), 0o700).unwrap();
    }

    #[test]
    fn what_another_user_has_made_is_not_trusted() {
        if !geteuid().is_root() {
            println!("skipped: what_another_user_has_made_is_not_trusted: only root may give files away");
            return;
        }
        let parent = tempfile::tempdir().unwrap();
        let theirs = parent.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        std::os::unix::fs::chown(&theirs, Some(12_345), None).unwrap();
        let error = TrustedFolder::open(&theirs, 0o700).unwrap_err();
        assert!(error.to_string().contains("belongs to another user"), "{error}");
        let link = parent.path().join("link");
        symlink(parent.path(), &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(12_345), None).unwrap();
        let error = TrustedFolder::open(&link.join("agent"), 0o700).unwrap_err();
        assert!(error.to_string().contains("belongs to another user"), "{error}");
    }
}
