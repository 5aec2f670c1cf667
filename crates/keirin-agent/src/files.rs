//! Files of a workspace, reached without ever following a link: whatever a job puts there, nothing outside is touched.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fchownat, unlinkat};

use crate::sandbox::Owner;

/// A path may be this many bytes long.
pub(crate) const LONGEST: usize = 1024;

/// A path that leads nowhere, or out of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not a path inside the workspace: {reason}")]
pub(crate) struct InvalidPath {
    path: String,
    reason: &'static str,
}

/// A path relative to some folder that does not lead out of it: plain names joined by `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RelativePath(String);

impl RelativePath {
    pub(crate) fn parse(path: &str) -> Result<Self, InvalidPath> {
        let refuse = |reason| {
            Err(InvalidPath {
                path: path.chars().take(256).collect(),
                reason,
            })
        };
        if path.len() > LONGEST {
            return refuse("it is too long");
        }
        if path.contains('\0') {
            return refuse("it holds a NUL");
        }
        let mut names = Vec::new();
        for component in Path::new(path).components() {
            match component {
                Component::Normal(name) => names.push(name.to_string_lossy()),
                Component::CurDir => {}
                Component::ParentDir => return refuse("`..` leads out of it"),
                Component::RootDir | Component::Prefix(_) => return refuse("it is absolute"),
            }
        }
        Ok(Self(names.join("/")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// This path below another.
    pub(crate) fn below(&self, folder: &Self) -> Self {
        match folder.0.is_empty() {
            true => self.clone(),
            false => Self(format!("{}/{}", folder.0, self.0)),
        }
    }

    /// The folder's names and the last name.
    fn split(&self) -> (impl Iterator<Item = &str>, &str) {
        let (folder, name) = self.0.rsplit_once('/').unwrap_or(("", &self.0));
        (folder.split('/').filter(|name| !name.is_empty()), name)
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A folder and who owns what is made in it.
pub(crate) struct Tree {
    root: PathBuf,
    owner: Option<(Uid, Gid)>,
}

impl Tree {
    pub(crate) fn new(root: &Path, owner: Option<Owner>) -> Self {
        Self {
            root: root.to_owned(),
            owner: owner.map(|owner| (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid))),
        }
    }

    /// Opens a file for reading. Only regular files are opened, so nothing waits for a pipe's other end.
    pub(crate) fn open(&self, path: &RelativePath) -> io::Result<File> {
        let (folders, name) = path.split();
        let mut folder = self.open_root()?;
        for name in folders {
            folder = open_folder(&folder, name)?;
        }
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = File::from(openat(&folder, name, flags, Mode::empty())?);
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            )),
        }
    }

    /// Whether the steps could read this file themselves, which the agent may when it is root.
    pub(crate) fn is_the_steps(&self, file: &File) -> io::Result<bool> {
        let metadata = file.metadata()?;
        let everybody_may_read = metadata.mode() & 0o004 != 0;
        Ok(self.owner.is_none_or(|(uid, _)| metadata.uid() == uid.as_raw()) || everybody_may_read)
    }

    /// Makes a new file, and the folders on the way to it. A file or link that is there already is replaced.
    pub(crate) fn create(&self, path: &RelativePath) -> io::Result<File> {
        let (folders, name) = path.split();
        let folder = self.make_folders(folders)?;
        match unlinkat(&folder, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&folder, name, flags, Mode::from_bits_truncate(0o644))?;
        self.give_away(&file)?;
        Ok(File::from(file))
    }

    /// Lets everybody run a file that [`Self::create`] made.
    pub(crate) fn make_executable(file: &File) -> io::Result<()> {
        Ok(fchmod(file, Mode::from_bits_truncate(0o755))?)
    }

    /// Moves all entries of another folder into this one, at `path`. Fails with the name of the first that is there
    /// already; what is moved by then stays.
    pub(crate) fn take_in(&self, from: &Path, path: &RelativePath) -> Result<(), (String, io::Error)> {
        let whole = |error: io::Error| (path.to_string(), error);
        let names = path.as_str().split('/').filter(|name| !name.is_empty());
        let folder = self.make_folders(names).map_err(whole)?;
        let source = open_path(from).map_err(whole)?;
        for entry in std::fs::read_dir(from).map_err(whole)? {
            let name = entry.map_err(whole)?.file_name();
            let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let moved = match openat(&folder, name.as_os_str(), flags, Mode::empty()) {
                Ok(_) => Err(Errno::EEXIST),
                Err(Errno::ENOENT) => renameat(&source, name.as_os_str(), &folder, name.as_os_str()),
                Err(error) => Err(error),
            };
            moved.map_err(|error| (name.to_string_lossy().into_owned(), error.into()))?;
        }
        Ok(())
    }

    fn open_root(&self) -> io::Result<OwnedFd> {
        open_path(&self.root)
    }

    fn make_folders<'a>(&self, names: impl Iterator<Item = &'a str>) -> io::Result<OwnedFd> {
        let mut folder = self.open_root()?;
        for name in names {
            folder = match mkdirat(&folder, name, Mode::from_bits_truncate(0o755)) {
                Ok(()) => {
                    let made = open_folder(&folder, name)?;
                    self.give_away(&made)?;
                    made
                }
                Err(Errno::EEXIST) => open_folder(&folder, name)?,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(folder)
    }

    fn give_away(&self, made: &OwnedFd) -> io::Result<()> {
        match self.owner {
            Some((uid, gid)) => Ok(fchown(made, Some(uid), Some(gid))?),
            None => Ok(()),
        }
    }
}

/// Makes a user the owner of a folder and of everything below it, links themselves included.
pub(crate) fn give_away_all(folder: &Path, owner: Owner) -> io::Result<()> {
    let top = open_path(folder)?;
    let (uid, gid) = (Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)));
    fchown(&top, uid, gid)?;
    // Each is opened from the top again, so that few descriptors are open however deep the folders lie.
    let mut waiting = vec![PathBuf::new()];
    while let Some(path) = waiting.pop() {
        let mut folder = top.try_clone()?;
        for name in &path {
            folder = open_folder(&folder, name)?;
        }
        for entry in std::fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))? {
            let entry = entry?;
            let name = entry.file_name();
            fchownat(&folder, name.as_os_str(), uid, gid, AtFlags::AT_SYMLINK_NOFOLLOW)?;
            if entry.file_type()?.is_dir() {
                waiting.push(path.join(name));
            }
        }
    }
    Ok(())
}

/// A folder whose own path nobody but the agent can change.
pub(crate) fn open_path(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    Ok(nix::fcntl::open(path, flags, Mode::empty())?)
}

/// A folder in an open one, and never what a link leads to.
pub(crate) fn open_folder(parent: &OwnedFd, name: impl AsRef<OsStr>) -> io::Result<OwnedFd> {
    let name = name.as_ref();
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Err(Errno::ELOOP | Errno::ENOTDIR) => Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            format!("`{}` on the way is a link or a file", name.display()),
        )),
        result => Ok(result?),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::os::unix::fs::symlink;

    use super::*;

    fn path(text: &str) -> RelativePath {
        RelativePath::parse(text).unwrap()
    }

    #[test]
    fn a_path_out_of_the_workspace_is_refused_and_says_why() {
        for (text, reason) in [
            ("/etc/passwd", "absolute"),
            ("../x", "`..`"),
            ("a/../../x", "`..`"),
            ("a\0b", "NUL"),
            (&"x".repeat(2000), "too long"),
        ] {
            let error = RelativePath::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert_eq!(path("./a//b/").as_str(), "a/b");
        assert_eq!(path(".").as_str(), "");
    }

    #[test]
    fn links_are_never_followed() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("secret"), "secret").unwrap();
        symlink(outside.path(), inside.path().join("folder")).unwrap();
        symlink(outside.path().join("secret"), inside.path().join("file")).unwrap();
        let tree = Tree::new(inside.path(), None);
        assert!(tree.open(&path("folder/secret")).is_err());
        assert!(tree.open(&path("file")).is_err());
        assert!(tree.create(&path("folder/new")).is_err());
        tree.create(&path("file")).unwrap().write_all(b"mine").unwrap();
        assert_eq!(
            fs::read_to_string(outside.path().join("secret")).unwrap(),
            "secret"
        );
        let mut text = String::new();
        tree.open(&path("file"))
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "mine");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_tree_is_given_away_with_its_links_and_without_what_they_lead_to() {
        if !nix::unistd::geteuid().is_root() {
            println!(
                "skipped: a_tree_is_given_away_with_its_links_and_without_what_they_lead_to: only root may give files away"
            );
            return;
        }
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("theirs"), "").unwrap();
        fs::create_dir_all(inside.path().join("a/b")).unwrap();
        fs::write(inside.path().join("a/b/file"), "").unwrap();
        symlink(outside.path(), inside.path().join("a/link")).unwrap();
        give_away_all(
            inside.path(),
            Owner {
                uid: 12_345,
                gid: 12_345,
            },
        )
        .unwrap();
        for given in ["", "a", "a/b", "a/b/file", "a/link"] {
            let metadata = fs::symlink_metadata(inside.path().join(given)).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (12_345, 12_345), "{given}");
        }
        for kept in ["", "theirs"] {
            assert_eq!(fs::symlink_metadata(outside.path().join(kept)).unwrap().uid(), 0);
        }
    }

    #[test]
    fn a_pipe_is_not_opened() {
        let inside = tempfile::tempdir().unwrap();
        nix::unistd::mkfifo(&inside.path().join("pipe"), Mode::S_IRWXU).unwrap();
        assert!(Tree::new(inside.path(), None).open(&path("pipe")).is_err());
    }

    #[test]
    fn entries_are_taken_in_unless_one_is_in_the_way() {
        let (inside, from) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let tree = Tree::new(inside.path(), None);
        fs::write(from.path().join("a"), "a").unwrap();
        tree.take_in(from.path(), &path("deep/er")).unwrap();
        assert_eq!(fs::read_to_string(inside.path().join("deep/er/a")).unwrap(), "a");
        fs::write(from.path().join("a"), "b").unwrap();
        let (name, error) = tree.take_in(from.path(), &path("deep/er")).unwrap_err();
        assert_eq!((name.as_str(), error.kind()), ("a", io::ErrorKind::AlreadyExists));
    }
}
