//! The folders of an attempt: made fresh, given to whom the steps run as, and removed whatever is in them.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use keirin_model::AttemptId;

use crate::config::Identity;
use crate::remains;

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

fn system(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::System { what, path, source }
}

/// The agent's own folder, locked for as long as this value lives.
pub(crate) struct Folder {
    root: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, locks it, and removes what an agent that died left there.
    pub(crate) fn open(root: &Path, identity: &Identity) -> Result<Self, FolderError> {
        fs::create_dir_all(root).map_err(system("make the folder", root))?;
        let root = root.canonicalize().map_err(system("find", root))?;
        let lock_path = root.join("lock");
        let lock = File::create(&lock_path).map_err(system("make the file", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(FolderError::InUse { path: root }),
            Err(fs::TryLockError::Error(error)) => return Err(system("lock", &lock_path)(error)),
        }
        if let Identity::User { uid, gid } = *identity {
            check_reach(&root, uid, gid)?;
        }
        let folder = Self { root, _lock: lock };
        remains::end_jobs_in(&folder.jobs()).map_err(system("look for processes of", &folder.jobs()))?;
        for (path, mode) in [(folder.jobs(), 0o711), (folder.spool(), 0o700)] {
            remove(&path).map_err(system("empty", &path))?;
            DirBuilder::new()
                .mode(mode)
                .create(&path)
                .map_err(system("make the folder", &path))?;
        }
        Ok(folder)
    }

    fn jobs(&self) -> PathBuf {
        self.root.join("jobs")
    }

    fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }

    /// Where the lines of an attempt wait that do not fit in memory.
    pub(crate) fn spool_file(&self, attempt: AttemptId) -> PathBuf {
        self.spool().join(attempt.to_string())
    }

    /// Makes the folders of an attempt.
    pub(crate) fn workspace(
        &self,
        attempt: AttemptId,
        identity: &Identity,
    ) -> Result<Workspace, FolderError> {
        let root = self.jobs().join(attempt.to_string());
        let workspace = Workspace {
            work: root.join("work"),
            home: root.join("home"),
            temporary: root.join("tmp"),
            private: root.join("private"),
            root,
        };
        // The steps cannot write in the root, so nothing that lies beside their folders can be swapped by them.
        make(&workspace.root, 0o711)?;
        make(&workspace.private, 0o700)?;
        for path in [&workspace.work, &workspace.home, &workspace.temporary] {
            make(path, 0o700)?;
            if let Identity::User { uid, gid } = *identity {
                chown(path, Some(uid), Some(gid)).map_err(system("give away", path))?;
            }
        }
        Ok(workspace)
    }
}

fn make(path: &Path, mode: u32) -> Result<(), FolderError> {
    DirBuilder::new()
        .mode(mode)
        .create(path)
        .map_err(system("make the folder", path))
}

/// Whether every folder on the way may be entered by the user.
fn check_reach(root: &Path, uid: u32, gid: u32) -> Result<(), FolderError> {
    for path in root.ancestors() {
        let metadata = fs::metadata(path).map_err(system("look at", path))?;
        let mode = metadata.mode();
        let bit = match (metadata.uid() == uid, metadata.gid() == gid) {
            (true, _) => 0o100,
            (false, true) => 0o010,
            (false, false) => 0o001,
        };
        if mode & bit == 0 {
            return Err(FolderError::OutOfReach {
                path: path.to_owned(),
                uid,
            });
        }
    }
    Ok(())
}

/// The folders of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    work: PathBuf,
    home: PathBuf,
    temporary: PathBuf,
    private: PathBuf,
}

impl Workspace {
    /// Where steps work.
    pub(crate) fn work(&self) -> &Path {
        &self.work
    }

    /// What steps see as their home.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// What steps see as the folder for temporary files.
    pub(crate) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Where the agent prepares what it then gives to the steps.
    pub(crate) fn private(&self) -> &Path {
        &self.private
    }

    /// Everything that steps may write.
    pub(crate) fn writable(&self) -> [&Path; 3] {
        [&self.work, &self.home, &self.temporary]
    }

    /// Removes all of it. Waits for the disk.
    pub(crate) fn remove(&self) -> io::Result<()> {
        remove(&self.root)
    }
}

/// Removes a folder with all that is in it, also what a job has made read-only; what is not there is removed already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Makes every folder below writable for its owner. What this misses, removing names.
fn open_up(path: &Path) {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        if let Err(error) = fs::set_permissions(&folder, Permissions::from_mode(0o700)) {
            tracing::warn!(folder = %folder.display(), %error, "cannot open a folder that a job has left");
        }
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        folders.extend(entries.flatten().filter(is_folder).map(|entry| entry.path()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_serves_one_agent_and_is_emptied_at_its_start() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("agent");
        let folder = Folder::open(&root, &Identity::Own).unwrap();
        let workspace = folder.workspace(AttemptId(7), &Identity::Own).unwrap();
        fs::write(workspace.work().join("file"), "x").unwrap();
        assert!(matches!(
            Folder::open(&root, &Identity::Own),
            Err(FolderError::InUse { .. })
        ));
        drop(folder);
        let folder = Folder::open(&root, &Identity::Own).unwrap();
        assert!(!workspace.work().exists());
        folder.workspace(AttemptId(7), &Identity::Own).unwrap();
    }

    #[test]
    fn what_a_job_made_read_only_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path(), &Identity::Own).unwrap();
        let workspace = folder.workspace(AttemptId(1), &Identity::Own).unwrap();
        let deep = workspace.work().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("file"), "x").unwrap();
        for path in [&deep, &workspace.work().join("a")] {
            fs::set_permissions(path, Permissions::from_mode(0o500)).unwrap();
        }
        open_up(workspace.work());
        assert_eq!(fs::metadata(&deep).unwrap().mode() & 0o777, 0o700);
        workspace.remove().unwrap();
        assert!(!workspace.work().exists());
        workspace.remove().unwrap();
    }

    #[test]
    fn a_folder_that_the_steps_user_cannot_enter_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let closed = parent.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
        let error = check_reach(&closed, 12_345, 12_345).unwrap_err();
        assert!(error.to_string().contains("user 12345 may not enter"), "{error}");
    }
}
