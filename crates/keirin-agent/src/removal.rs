//! Removes what a job has left, however deep, wide or closed it is, and whatever of it is swapped meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Removes a folder with all that is in it; what is not there is removed already. The folder's own path must be safe from
/// others. What resists is left, with an error that says why the first of it does.
///
/// Each folder in it is moved up and emptied in its turn. So two descriptors and no recursion suffice for any depth, and no
/// link is followed, because nothing is reached by a path of more than one name.
pub(crate) fn remove_all(path: &Path) -> io::Result<()> {
    let top = match nix::fcntl::open(path, folder_flags(), Mode::empty()) {
        Ok(top) => top,
        Err(Errno::ENOENT) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut removal = Removal {
        top,
        waiting: Vec::new(),
        moved: 0,
        resists: None,
    };
    removal.empty_top();
    while let Some(name) = removal.waiting.pop() {
        removal.remove_folder(&name);
    }
    match (fs::remove_dir(path), removal.resists) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(error)) => Err(error),
        (Err(error), None) => Err(error),
    }
}

struct Removal {
    top: OwnedFd,
    /// Names of folders in the top.
    waiting: Vec<OsString>,
    /// Counts the names that folders get there.
    moved: u64,
    /// Why the first of what is left could not be removed.
    resists: Option<io::Error>,
}

impl Removal {
    fn empty_top(&mut self) {
        let mut folders = Vec::new();
        let emptied = each_entry(&self.top, |name, is_folder| {
            match is_folder {
                true => folders.push(name.to_owned()),
                false => unlink(&self.top, name)?,
            }
            Ok(())
        });
        self.note(emptied);
        self.waiting = folders;
    }

    fn remove_folder(&mut self, name: &OsStr) {
        let removed = match openat(&self.top, name, folder_flags(), Mode::empty()) {
            Ok(folder) => {
                let emptied = each_entry(&folder, |entry, is_folder| match is_folder {
                    true => self.move_up(&folder, entry),
                    false => unlink(&folder, entry),
                });
                emptied.and_then(|()| remove_empty(&self.top, name))
            }
            Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        };
        self.note(removed);
    }

    /// Moves a folder of this one to the top, unless it is empty and can be removed at once.
    fn move_up(&mut self, folder: &OwnedFd, entry: &OsStr) -> io::Result<()> {
        if remove_empty(folder, entry).is_ok() {
            return Ok(());
        }
        loop {
            self.moved += 1;
            let name = OsString::from(format!("keirin-removes-{}", self.moved));
            match renameat(folder, entry, &self.top, name.as_os_str()) {
                Ok(()) => {
                    self.waiting.push(name);
                    return Ok(());
                }
                // A folder that cannot be changed cannot get another parent.
                Err(Errno::EACCES) => {
                    open_up(&openat(folder, entry, folder_flags(), Mode::empty())?)?;
                    renameat(folder, entry, &self.top, name.as_os_str())?;
                    self.waiting.push(name);
                    return Ok(());
                }
                Err(Errno::ENOENT) => return Ok(()),
                // A job has used the name.
                Err(Errno::EEXIST | Errno::ENOTEMPTY | Errno::ENOTDIR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn note(&mut self, done: io::Result<()>) {
        if let Err(error) = done {
            self.resists.get_or_insert(error);
        }
    }
}

/// Calls for each entry of a folder, with whether it is a folder itself; goes on after an error, and returns the first.
fn each_entry(folder: &OwnedFd, mut act: impl FnMut(&OsStr, bool) -> io::Result<()>) -> io::Result<()> {
    open_up(folder)?;
    let mut first = Ok(());
    for entry in fs::read_dir(itself(folder))? {
        let entry = entry?;
        let done = match entry.file_type() {
            Ok(kind) => act(&entry.file_name(), kind.is_dir()),
            Err(error) => Err(error),
        };
        first = first.and(done);
    }
    first
}

fn unlink(folder: &OwnedFd, name: &OsStr) -> io::Result<()> {
    gone(unlinkat(folder, name, UnlinkatFlags::NoRemoveDir))
}

fn remove_empty(folder: &OwnedFd, name: &OsStr) -> io::Result<()> {
    gone(unlinkat(folder, name, UnlinkatFlags::RemoveDir))
}

fn gone(removed: nix::Result<()>) -> io::Result<()> {
    match removed {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Lets its owner read and change a folder. Another's is as it is.
fn open_up(folder: &OwnedFd) -> io::Result<()> {
    let itself = itself(folder);
    if fs::metadata(&itself)?.permissions().mode() & 0o700 == 0o700 {
        return Ok(());
    }
    match fs::set_permissions(&itself, Permissions::from_mode(0o700)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        set => set,
    }
}

/// A folder by its name among this process's own files, because one that cannot be read is opened as a place only.
fn itself(folder: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()))
}

fn folder_flags() -> OFlag {
    OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn what_links_lead_to_is_neither_removed_nor_opened() {
        let parent = tempfile::tempdir().unwrap();
        let (inside, outside) = (parent.path().join("inside"), parent.path().join("outside"));
        fs::create_dir_all(inside.join("a/b")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "theirs").unwrap();
        fs::set_permissions(&outside, Permissions::from_mode(0o500)).unwrap();
        for link in ["link", "a/link", "a/b/link"] {
            symlink(&outside, inside.join(link)).unwrap();
        }
        symlink(&inside, parent.path().join("top")).unwrap();
        remove_all(&parent.path().join("top")).unwrap_err();
        remove_all(&inside).unwrap();
        assert!(!inside.exists() && outside.join("file").exists());
        assert_eq!(fs::metadata(&outside).unwrap().mode() & 0o777, 0o500);
        remove_all(&inside).unwrap();
    }

    #[test]
    fn what_is_closed_is_removed_and_names_that_are_taken_are_passed_over() {
        let parent = tempfile::tempdir().unwrap();
        let top = parent.path().join("top");
        let below = top.join("a/b/c/d");
        fs::create_dir_all(&below).unwrap();
        for (number, is_file) in [(1, true), (2, false)] {
            let taken = top.join(format!("keirin-removes-{number}"));
            match is_file {
                true => fs::write(taken, "x").unwrap(),
                false => fs::create_dir_all(taken.join("x/y")).unwrap(),
            }
        }
        fs::write(below.join("file"), "x").unwrap();
        for closed in ["a/b/c/d", "a/b/c", "a"] {
            fs::set_permissions(top.join(closed), Permissions::from_mode(0o000)).unwrap();
        }
        remove_all(&top).unwrap();
        assert!(!top.exists());
    }
}
