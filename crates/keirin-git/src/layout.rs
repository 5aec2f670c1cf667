//! Where a repository on this machine lies: the folders that git reads for a path, which links and files may name.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// Repositories borrow objects from others, and those from others; git follows five.
const MOST_BORROWED: usize = 5;

/// A file that names a folder is no longer than this.
const LONGEST_POINTER: u64 = 64 << 10;

/// The folder of a repository, and the one that its linked checkouts share; the same where it is no linked checkout.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GitFolders {
    pub(crate) own: PathBuf,
    pub(crate) common: PathBuf,
}

impl GitFolders {
    /// Of the repository whose git folder, or whose file that names it, is `place`; `None` where there is nothing.
    pub(crate) fn at(place: &Path) -> io::Result<Option<Self>> {
        let own = match fs::metadata(place) {
            Ok(metadata) if metadata.is_dir() => place.to_owned(),
            Ok(_) => match read_within(place, LONGEST_POINTER)?
                .as_deref()
                .and_then(|text| text.strip_prefix("gitdir: "))
            {
                Some(target) => place.parent().unwrap_or(place).join(target.trim_end()),
                None => return Ok(None),
            },
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let common = match read_within(&own.join("commondir"), LONGEST_POINTER)? {
            Some(text) => own.join(text.trim_end()),
            None => own.clone(),
        };
        Ok(Some(Self { own, common }))
    }
}

/// Where git looks for the repository of a path, in this order.
pub(crate) fn candidates(path: &Path) -> [PathBuf; 4] {
    let bare = path.with_added_extension("git");
    [path.join(".git"), path.to_owned(), bare.join(".git"), bare]
}

/// Every folder that git may read for a path, with its links followed; none where there is nothing.
///
/// # Errors
/// One of them is named and not there, or may not be looked at.
pub(crate) fn folders_read(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for place in candidates(path) {
        if !place.try_exists()? {
            continue;
        }
        folders.push(place.canonicalize()?);
        // What lies in a work tree is no repository, whatever its files are called.
        match GitFolders::at(&place)? {
            Some(found) if found.own.join("HEAD").try_exists()? => {
                folders.push(found.own.canonicalize()?);
                folders.push(found.common.canonicalize()?);
                if found.common.join("refs").try_exists()? {
                    folders.push(found.common.join("refs").canonicalize()?);
                }
                add_objects(&found.common.join("objects"), MOST_BORROWED, &mut folders)?;
            }
            _ => {}
        }
    }
    Ok(folders)
}

/// A folder of objects, and those that it borrows from.
fn add_objects(objects: &Path, borrowed: usize, folders: &mut Vec<PathBuf>) -> io::Result<()> {
    for folder in [objects.to_owned(), objects.join("pack")] {
        if folder.try_exists()? {
            folders.push(folder.canonicalize()?);
        }
    }
    let Some(list) = read(&objects.join("info/alternates"))? else {
        return Ok(());
    };
    for line in list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        match borrowed.checked_sub(1) {
            Some(rest) => add_objects(&objects.join(line), rest, folders)?,
            None => return Err(io::Error::other("it borrows objects over too many others")),
        }
    }
    Ok(())
}

/// A file as text; `None` where there is none.
pub(crate) fn read(path: &Path) -> io::Result<Option<String>> {
    read_within(path, u64::MAX)
}

/// As [`read`], of a file that is no longer than this. What is no plain file is not waited for.
fn read_within(path: &Path, limit: u64) -> io::Result<Option<String>> {
    let read = || {
        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() || metadata.len() > limit {
            let path = path.display();
            return Err(io::Error::other(format!(
                "{path} is no plain file of a usual size"
            )));
        }
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error says that there is no such file.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}
