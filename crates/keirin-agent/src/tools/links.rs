//! Where a link of a workspace leads, worked out without looking at anything outside: an agent that is root would tell by
//! its answer whether a file is there that the job may not know of.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat};

/// As many links in a row are followed as the kernel does.
const LINKS: usize = 40;
/// As many folders may lie on the way, each of which is open meanwhile: more than a path that is kept has room for.
const FOLDERS: usize = crate::files::LONGEST / 2;

/// Where a link leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LinkTarget {
    /// To this file of the workspace.
    File(PathBuf),
    /// To this folder of the workspace; an empty path is the workspace itself.
    Folder(PathBuf),
    /// To something of the workspace that is neither.
    Special,
    /// To something in the workspace that is not there, or back to itself; by these words of the link.
    Nowhere(PathBuf),
    /// Out of the workspace, at some link on the way, whatever is there.
    Out,
}

/// Follows a link from link to link. `root` is the workspace's own path, which leads by no link.
pub(super) fn follow(root: &Path, link: &Path) -> io::Result<LinkTarget> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let top = open(root, flags | OFlag::O_DIRECTORY, Mode::empty())?;
    let mut waiting = VecDeque::new();
    put_before(&mut waiting, link);
    // The folders on the way, by the names that lead to them.
    let mut way: Vec<(OsString, OwnedFd)> = Vec::new();
    let mut links = 0;
    let mut words = PathBuf::new();
    while let Some(step) = waiting.pop_front() {
        let name = match step {
            Step::Up if way.pop().is_some() => continue,
            Step::Up => return Ok(LinkTarget::Out),
            Step::Down(name) => name,
        };
        let folder = way.last().map_or(top.as_fd(), |(_, folder)| folder.as_fd());
        let opened = match openat(folder, name.as_os_str(), flags, Mode::empty()) {
            Ok(opened) => opened,
            Err(Errno::ENOENT | Errno::ENAMETOOLONG) => return Ok(LinkTarget::Nowhere(words)),
            Err(error) => return Err(error.into()),
        };
        let kind = SFlag::from_bits_truncate(fstat(&opened)?.st_mode) & SFlag::S_IFMT;
        if kind == SFlag::S_IFDIR {
            if way.len() == FOLDERS {
                return Ok(LinkTarget::Nowhere(words));
            }
            way.push((name, opened));
            continue;
        }
        if kind != SFlag::S_IFLNK {
            return Ok(match (waiting.is_empty(), kind == SFlag::S_IFREG) {
                (true, true) => LinkTarget::File(joined(&way).join(name)),
                (true, false) => LinkTarget::Special,
                (false, _) => LinkTarget::Nowhere(words),
            });
        }
        links += 1;
        if links > LINKS {
            return Ok(LinkTarget::Nowhere(words));
        }
        let target = PathBuf::from(readlinkat(&opened, "")?);
        if links == 1 {
            words.clone_from(&target);
        }
        if target.is_absolute() {
            let Ok(inside) = target.strip_prefix(root) else {
                return Ok(LinkTarget::Out);
            };
            way.clear();
            put_before(&mut waiting, inside);
        } else {
            put_before(&mut waiting, &target);
        }
    }
    Ok(LinkTarget::Folder(joined(&way)))
}

/// A part of a path.
enum Step {
    Up,
    Down(OsString),
}

/// Puts the parts of a relative path before what is still to be gone.
fn put_before(waiting: &mut VecDeque<Step>, path: &Path) {
    for component in path.components().rev() {
        match component {
            Component::ParentDir => waiting.push_front(Step::Up),
            Component::Normal(name) => waiting.push_front(Step::Down(name.to_owned())),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
}

fn joined(way: &[(OsString, OwnedFd)]) -> PathBuf {
    way.iter().map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_followed_within_the_workspace_and_no_further() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = inside.path().canonicalize().unwrap();
        let there = outside.path().canonicalize().unwrap().join("there");
        fs::create_dir_all(there.join("deep")).unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "").unwrap();
        nix::unistd::mkfifo(&root.join("pipe"), Mode::S_IRWXU).unwrap();
        symlink(&there, root.join("a/there")).unwrap();
        symlink("b", root.join("a/c")).unwrap();
        let absent = there.with_file_name("absent");
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let back = |way: &str| format!("{way}/../..{}", text(&root.join("a/b/file")));
        use LinkTarget::{File, Folder, Nowhere, Out, Special};
        for (target, expected) in [
            ("../a/c/file".to_owned(), File("a/b/file".into())),
            (text(&root.join("a/c/file")), File("a/b/file".into())),
            ("..".to_owned(), Folder("".into())),
            ("c".to_owned(), Folder("a/b".into())),
            ("../pipe".to_owned(), Special),
            ("gone".to_owned(), Nowhere("gone".into())),
            ("b/file/more".to_owned(), Nowhere("b/file/more".into())),
            ("link".to_owned(), Nowhere("link".into())),
            // The answer is the same whether it is there or not, a file or a folder, and by whichever way.
            (text(&there), Out),
            (text(&absent), Out),
            ("there/deep".to_owned(), Out),
            ("there/absent".to_owned(), Out),
            ("../../x".to_owned(), Out),
            (text(&root.join("../x")), Out),
            (back(&text(&there)), Out),
            (back(&text(&absent)), Out),
            (
                format!("../../{}/a/b/file", root.file_name().unwrap().display()),
                Out,
            ),
        ] {
            let link = root.join("a/link");
            drop(fs::remove_file(&link));
            symlink(&target, &link).unwrap();
            assert_eq!(follow(&root, Path::new("a/link")).unwrap(), expected, "{target}");
        }
    }
}
