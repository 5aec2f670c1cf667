//! Whether the references of a repository on this machine may have moved, told by the times of their files and by nothing
//! in them.
//!
//! Git never writes into a file of references: it renames a new one into its place. So a changed reference is another file
//! in its folder. Where times are coarse and the number of a file that has just gone is used again, two changes at one moment
//! may look like one; so a repository that is watched is looked at now and then as well.

use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use walkdir::WalkDir;

use crate::layout::{GitFolders, candidates, is_absent};

/// A repository with more files of references costs more to walk than git takes to list them: it packs them when it cleans up.
const MOST_FILES: usize = 10_000;

/// Stands for the state of a repository's references: two that differ are of references that may have moved.
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
    /// The stamp of the repository that git finds at a path. Reads no file but those that name a folder.
    ///
    /// # Errors
    /// See [`StampError`].
    pub fn of(path: &Path) -> Result<Self, StampError> {
        let GitFolders { own, common } = repository(path)?;
        let mut hasher = DefaultHasher::new();
        // What is checked out is this work tree's.
        hash(&fs::metadata(own.join("HEAD"))?, &mut hasher);
        for list in [
            common.join("packed-refs"),
            common.join("reftable/tables.list"),
            own.join("reftable/tables.list"),
        ] {
            match fs::metadata(list) {
                Ok(metadata) => hash(&metadata, &mut hasher),
                Err(error) if is_absent(&error) => hasher.write_u8(0),
                Err(error) => return Err(error.into()),
            }
        }
        // In whatever order they come.
        let (mut files, mut sum) = (0_usize, 0_u64);
        for kind in ["refs/heads", "refs/tags"] {
            for entry in WalkDir::new(common.join(kind)).follow_links(true) {
                let found = entry.and_then(|entry| Ok((entry.metadata()?, entry)));
                let (metadata, entry) = match found {
                    Ok(found) => found,
                    Err(error) if error.io_error().is_some_and(is_absent) => continue,
                    Err(error) => return Err(io::Error::from(error).into()),
                };
                files += 1;
                if files > MOST_FILES {
                    return Err(StampError::TooMany);
                }
                let mut one = DefaultHasher::new();
                entry.path().hash(&mut one);
                hash(&metadata, &mut one);
                sum = sum.wrapping_add(one.finish());
            }
        }
        (files, sum).hash(&mut hasher);
        Ok(Self(hasher.finish()))
    }
}

/// Where git finds the repository of a path.
fn repository(path: &Path) -> io::Result<GitFolders> {
    for place in candidates(path) {
        if let Some(found) = GitFolders::at(&place)?
            && found.own.join("HEAD").try_exists()?
        {
            return Ok(found);
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

fn hash(metadata: &Metadata, hasher: &mut DefaultHasher) {
    (metadata.ino(), metadata.len()).hash(hasher);
    (metadata.mtime(), metadata.mtime_nsec()).hash(hasher);
    (metadata.ctime(), metadata.ctime_nsec()).hash(hasher);
}
