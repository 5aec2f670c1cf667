//! Whether the references of a repository on this machine may have moved, told by the times of their files and by nothing
//! in them.
//!
//! Git never writes into a file of references: it renames a new one into its place. So a changed reference is another file
//! in its folder, with a number of its own, and what is not read cannot be read wrongly.

use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// A repository with more files of references costs more to walk than git takes to list them: it packs them when it cleans up.
const MOST_FILES: usize = 10_000;

/// Stands for the state of a repository's references: two that differ are of references that may have moved, two that are
/// equal of references that have not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefsStamp(u64);

/// Why a repository has no stamp.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    /// There is no repository, or this process may not look at it.
    #[error("its references cannot be looked at: {0}")]
    Unreadable(#[from] io::Error),
    /// Too much would have to be looked at.
    #[error("it has more than {MOST_FILES} files of references; `git pack-refs --all` makes one of them")]
    TooMany,
}

impl RefsStamp {
    /// The stamp of the repository in a folder, bare or with a work tree. Reads no file but the short ones that say where a
    /// linked work tree has its repository.
    ///
    /// # Errors
    /// See [`StampError`].
    pub fn of(folder: &Path) -> Result<Self, StampError> {
        let own = git_folder(folder)?;
        let common = common_folder(&own)?;
        let mut hasher = DefaultHasher::new();
        // What is checked out is this work tree's; a folder without it is no repository.
        hash(&fs::metadata(own.join("HEAD"))?, &mut hasher);
        for name in ["packed-refs", "reftable/tables.list"] {
            match fs::symlink_metadata(common.join(name)) {
                Ok(metadata) => hash(&metadata, &mut hasher),
                Err(error) if error.kind() == io::ErrorKind::NotFound => hasher.write_u8(0),
                Err(error) => return Err(error.into()),
            }
        }
        let mut files = 0;
        for kind in ["refs/heads", "refs/tags"] {
            let folder = common.join(kind);
            for entry in WalkDir::new(&folder).sort_by_file_name() {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) if is_gone(&error) => continue,
                    Err(error) => return Err(io::Error::from(error).into()),
                };
                files += 1;
                if files > MOST_FILES {
                    return Err(StampError::TooMany);
                }
                entry.path().hash(&mut hasher);
                match entry.metadata() {
                    Ok(metadata) => hash(&metadata, &mut hasher),
                    Err(error) if is_gone(&error) => {}
                    Err(error) => return Err(io::Error::from(error).into()),
                }
            }
        }
        Ok(Self(hasher.finish()))
    }
}

fn is_gone(error: &walkdir::Error) -> bool {
    error.io_error().map(io::Error::kind) == Some(io::ErrorKind::NotFound)
}

fn hash(metadata: &Metadata, hasher: &mut DefaultHasher) {
    (metadata.ino(), metadata.len()).hash(hasher);
    (metadata.mtime(), metadata.mtime_nsec()).hash(hasher);
    (metadata.ctime(), metadata.ctime_nsec()).hash(hasher);
}

/// Where git keeps what belongs to this folder.
fn git_folder(folder: &Path) -> io::Result<PathBuf> {
    let inside = folder.join(".git");
    match fs::metadata(&inside) {
        Ok(metadata) if metadata.is_dir() => Ok(inside),
        Ok(_) => {
            let text = fs::read_to_string(&inside)?;
            let path = text.trim_end().strip_prefix("gitdir: ");
            Ok(folder.join(path.ok_or(io::ErrorKind::InvalidData)?))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(folder.to_owned()),
        Err(error) => Err(error),
    }
}

/// Where what all work trees of a repository share is kept.
fn common_folder(own: &Path) -> io::Result<PathBuf> {
    match fs::read_to_string(own.join("commondir")) {
        Ok(text) => Ok(own.join(text.trim_end())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(own.to_owned()),
        Err(error) => Err(error),
    }
}
