//! What lies below a folder of a workspace. Folders are opened one in the other and never by their paths, in which a process
//! of the job could put a link while the agent looks.

use std::ffi::OsString;
use std::fs::FileType;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::files::{LONGEST, open_folder, open_path};

/// Something below the folder.
#[derive(Debug)]
pub(super) struct WorkspaceEntry {
    /// From the folder on.
    pub(super) path: PathBuf,
    pub(super) kind: FileType,
    pub(super) inside: Inside,
}

/// What is in something below the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// It is no folder.
    NoFolder,
    /// A folder with nothing in it.
    Nothing,
    /// A folder whose entries come after it.
    Entries,
    /// A folder whose path is longer than one that is kept may be: it is not looked into.
    TooDeep,
}

/// Everything below a folder by name, each folder before what is in it. What goes meanwhile is left out.
pub(super) struct Walk {
    root: OwnedFd,
    /// What is still to be told; the next is the last.
    waiting: Vec<(PathBuf, FileType)>,
}

impl Walk {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let root = open_path(root)?;
        let waiting = entries(&root, Path::new(""))?;
        Ok(Self { root, waiting })
    }

    /// What is in a folder. Each is opened from the root again, so that few descriptors are open however deep it lies.
    fn look_into(&self, path: &Path) -> io::Result<Vec<(PathBuf, FileType)>> {
        let mut folder = self.root.try_clone()?;
        for name in path {
            folder = open_folder(&folder, name)?;
        }
        entries(&folder, path)
    }
}

impl Iterator for Walk {
    type Item = io::Result<WorkspaceEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (path, kind) = self.waiting.pop()?;
            let entry = |path, inside| Some(Ok(WorkspaceEntry { path, kind, inside }));
            if !kind.is_dir() {
                return entry(path, Inside::NoFolder);
            }
            if path.as_os_str().len() > LONGEST {
                return entry(path, Inside::TooDeep);
            }
            match self.look_into(&path) {
                Ok(entries) if entries.is_empty() => return entry(path, Inside::Nothing),
                Ok(entries) => {
                    self.waiting.extend(entries);
                    return entry(path, Inside::Entries);
                }
                // It has gone, or something else is there by now.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                // It might hold what is asked for.
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The entries of an open folder, the first by name last.
fn entries(folder: &OwnedFd, path: &Path) -> io::Result<Vec<(PathBuf, FileType)>> {
    let mut entries: Vec<(OsString, FileType)> = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))? {
        let entry = entry?;
        match entry.file_type() {
            Ok(kind) => entries.push((entry.file_name(), kind)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    entries.sort_by(|left, right| right.0.cmp(&left.0));
    Ok(entries
        .into_iter()
        .map(|(name, kind)| (path.join(name), kind))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_in_place_of_a_folder_leads_nowhere_while_the_agent_looks() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = inside.path();
        fs::create_dir_all(root.join("b/c")).unwrap();
        fs::create_dir(root.join("d")).unwrap();
        for file in ["a", "b/c/file", "b/file", "e"] {
            fs::write(root.join(file), "").unwrap();
        }
        fs::write(outside.path().join("secret"), "").unwrap();
        symlink(outside.path(), root.join("link")).unwrap();
        let told = |entry: io::Result<WorkspaceEntry>| {
            let entry = entry.unwrap();
            (
                entry.path.to_string_lossy().into_owned(),
                entry.inside == Inside::Nothing,
            )
        };
        let all: Vec<_> = Walk::new(root).unwrap().map(told).collect();
        let expected = [
            ("a", false),
            ("b", false),
            ("b/c", false),
            ("b/c/file", false),
            ("b/file", false),
            ("d", true),
            ("e", false),
            ("link", false),
        ];
        assert_eq!(all, expected.map(|(path, is_empty)| (path.to_owned(), is_empty)));

        let mut walk = Walk::new(root).unwrap().map(told);
        assert_eq!(walk.next(), Some(("a".to_owned(), false)));
        for folder in ["b", "d"] {
            fs::remove_dir_all(root.join(folder)).unwrap();
            symlink(outside.path(), root.join(folder)).unwrap();
        }
        let rest: Vec<_> = walk.map(|(path, _)| path).collect();
        assert_eq!(rest, ["e", "link"]);
    }
}
