//! The folders of an attempt: made fresh, given to whom the steps run as, and removed whatever is in them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use keirin_model::AttemptId;

use crate::accounts::AccountLists;
use crate::error::FolderError;
use crate::files::Tree;
use crate::remains;
use crate::removal::remove_all;
use crate::sandbox::{Folders, Owner, first_out_of_reach};
use crate::trusted::TrustedFolder;

fn system(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::System { what, path, source }
}

/// In the agent's folder: the workspaces of attempts, lines that wait for the server, lists of users and groups, and what
/// resists being removed.
const JOBS: &str = "jobs";
const SPOOL: &str = "spool";
const ACCOUNTS: &str = "accounts";
const LEFT: &str = "left-";

/// In the folder of an attempt: what is the agent's alone.
const PRIVATE: &str = "private";

/// The agent's own folder, locked for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    root: TrustedFolder,
    jobs: TrustedFolder,
    spool: TrustedFolder,
    accounts: AccountLists,
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, locks it, and removes what an agent that died left there. Others may enter it, and
    /// see nothing.
    pub(crate) fn open(path: &Path) -> Result<Self, FolderError> {
        let root = TrustedFolder::open(path, 0o711)?;
        let in_use = || FolderError::InUse {
            path: root.path().to_owned(),
        };
        let lock = root.lock("lock")?.ok_or_else(in_use)?;
        let jobs = root.path().join(JOBS);
        remains::end_processes_in(&jobs).map_err(system("look for processes of", &jobs))?;
        clear(root.path())?;
        Ok(Self {
            jobs: root.make(JOBS, 0o711, None)?,
            spool: root.make(SPOOL, 0o700, None)?,
            accounts: AccountLists::new(root.make(ACCOUNTS, 0o700, None)?),
            root,
            _lock: lock,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    /// Where the lines of an attempt wait that do not fit in memory.
    pub(crate) fn spool_file(&self, attempt: AttemptId) -> PathBuf {
        self.spool.path().join(attempt.to_string())
    }

    /// Makes the folders of an attempt whose steps have these rights.
    pub(crate) fn workspace(
        &self,
        attempt: AttemptId,
        owner: Option<Owner>,
    ) -> Result<Workspace, FolderError> {
        // The steps cannot write in the root, so nothing that lies beside their folders can be swapped by them.
        let root = self.jobs.make(&attempt.to_string(), 0o711, None)?;
        let make = |name| Ok(root.make(name, 0o700, owner)?.path().to_owned());
        let folders = Folders {
            work: make("work")?,
            home: make("home")?,
            temporary: make("tmp")?,
            var_temporary: make("var-tmp")?,
            accounts: owner.map(|owner| self.accounts.of(owner)).transpose()?.flatten(),
        };
        Ok(Workspace {
            root: root.path().to_owned(),
            folders,
            owner,
        })
    }

    /// Whether every folder on the way may be entered by the user.
    pub(crate) fn check_reach(&self, owner: Owner) -> Result<(), FolderError> {
        match first_out_of_reach(&self.jobs.path().join("any"), owner) {
            Some(path) => Err(FolderError::OutOfReach { path, uid: owner.uid }),
            None => Ok(()),
        }
    }
}

/// Removes what an earlier agent has left. What resists is put aside, so that no job can keep the agent from starting, and
/// tried again at the next start.
fn clear(root: &Path) -> Result<(), FolderError> {
    let mut left = HashSet::new();
    for entry in fs::read_dir(root).map_err(system("look into", root))? {
        let entry = entry.map_err(system("look into", root))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(LEFT));
        let Some(number) = number.and_then(|number| number.parse::<u64>().ok()) else {
            continue;
        };
        if let Err(error) = remove_all(&entry.path()) {
            tracing::warn!(folder = %entry.path().display(), %error, "cannot remove what a job has left; remove it by hand");
            left.insert(number);
        }
    }
    for name in [JOBS, SPOOL, ACCOUNTS] {
        let path = root.join(name);
        let Err(error) = remove_all(&path) else { continue };
        let mut number = 1;
        while left.contains(&number) {
            number += 1;
        }
        let aside = root.join(format!("{LEFT}{number}"));
        tracing::warn!(folder = %aside.display(), %error, "cannot remove what a job has left; it is put aside");
        fs::rename(&path, &aside).map_err(system("empty", &path))?;
        left.insert(number);
    }
    Ok(())
}

/// The folders of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    folders: Folders,
    owner: Option<Owner>,
}

impl Workspace {
    /// Where all of it lies.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where steps work.
    pub(crate) fn work(&self) -> &Path {
        &self.folders.work
    }

    /// The files of the steps.
    pub(crate) fn files(&self) -> Tree {
        Tree::new(&self.folders.work, self.owner)
    }

    /// What steps see as their home.
    pub(crate) fn home(&self) -> &Path {
        &self.folders.home
    }

    /// What steps see as the folder for temporary files.
    pub(crate) fn temporary(&self) -> &Path {
        &self.folders.temporary
    }

    /// Where the agent prepares what it then gives to the steps. It is made when it is first asked for.
    pub(crate) fn private(&self) -> Result<PathBuf, FolderError> {
        let private = TrustedFolder::open(&self.root.join(PRIVATE), 0o700)?;
        Ok(private.path().to_owned())
    }

    /// Everything that steps may write.
    pub(crate) fn folders(&self) -> &Folders {
        &self.folders
    }

    /// Whose rights the steps have, where they are not the agent's own.
    pub(crate) fn owner(&self) -> Option<Owner> {
        self.owner
    }

    /// Removes all of it. Waits for the disk.
    pub(crate) fn remove(&self) -> io::Result<()> {
        remove_all(&self.root)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_serves_one_agent_and_is_emptied_at_its_start() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("agent");
        let folder = Folder::open(&root).unwrap();
        let workspace = folder.workspace(AttemptId(7), None).unwrap();
        fs::write(workspace.work().join("file"), "x").unwrap();
        assert!(matches!(Folder::open(&root), Err(FolderError::InUse { .. })));
        drop(folder);
        let folder = Folder::open(&root).unwrap();
        assert!(!workspace.work().exists());
        folder.workspace(AttemptId(7), None).unwrap();
    }

    #[test]
    fn what_resists_being_removed_keeps_no_agent_from_starting() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        let workspace = folder.workspace(AttemptId(1), None).unwrap();
        let file = workspace.work().join("file");
        fs::write(&file, "x").unwrap();
        if !attribute("+i", &file) {
            println!(
                "skipped: what_resists_being_removed_keeps_no_agent_from_starting: no file can be made immutable here"
            );
            return;
        }
        workspace.remove().unwrap_err();
        drop(folder);
        for _ in 0..2 {
            let folder = Folder::open(parent.path()).unwrap();
            folder.workspace(AttemptId(1), None).unwrap();
        }
        let left = parent.path().join("left-1");
        assert!(left.exists() && !parent.path().join("left-2").exists());
        let work = walkdir::WalkDir::new(&left).into_iter().flatten();
        let file = work
            .map(walkdir::DirEntry::into_path)
            .find(|path| path.ends_with("file"));
        assert!(attribute("-i", &file.unwrap()));
        Folder::open(parent.path()).unwrap();
        assert!(!left.exists());
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "only this program makes a file that root cannot remove"
    )]
    fn attribute(change: &str, path: &Path) -> bool {
        let changed = std::process::Command::new("chattr")
            .arg(change)
            .arg(path)
            .output();
        changed.is_ok_and(|changed| changed.status.success())
    }

    #[test]
    fn a_folder_that_the_steps_user_cannot_enter_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let closed = parent.path().join("closed");
        fs::create_dir(&closed).unwrap();
        let folder = Folder::open(&closed.join("agent")).unwrap();
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
        let error = folder
            .check_reach(Owner {
                uid: 12_345,
                gid: 12_345,
            })
            .unwrap_err();
        assert!(error.to_string().contains("user 12345 may not enter"), "{error}");
    }
}
