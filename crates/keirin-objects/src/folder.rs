//! The folder backend: what it needs beyond the library's local file system.
//!
//! A file is written under `NAME#NUMBER`, synced, renamed to `NAME`, and its folder is synced. What a crash leaves under
//! such a name is never listed and no key can name it (`#` is in no key); [`sweep`] removes it.
#![allow(clippy::disallowed_methods, reason = "this module is the adapter to the file system")]

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use walkdir::WalkDir;

use crate::error::ObjectError;
use crate::key::ObjectKey;

/// Opens the folder, making it for its owner alone when it is missing.
pub(crate) fn open(path: &Path) -> Result<(LocalFileSystem, PathBuf), ObjectError> {
    let unusable = |error: io::Error| ObjectError::Settings {
        reason: format!("folder {}: {error}", path.display()),
    };
    make(path).map_err(unusable)?;
    let root = fs::canonicalize(path).map_err(unusable)?;
    let backend = LocalFileSystem::new_with_prefix(&root)
        .map_err(|error| ObjectError::Settings {
            reason: format!("folder {}: {error}", path.display()),
        })?
        .with_fsync(true)
        .with_automatic_cleanup(true);
    Ok((backend, root))
}

/// Makes the folder durably: an object is no safer than the folders that lead to it.
fn make(path: &Path) -> io::Result<()> {
    let absolute = std::path::absolute(path)?;
    let is_missing = |folder: &&Path| !folder.exists();
    let missing: Vec<&Path> = absolute.ancestors().take_while(is_missing).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(&absolute)?;
    for made in missing {
        if let Some(holder) = made.parent() {
            fs::File::open(holder)?.sync_all()?;
        }
    }
    Ok(())
}

/// Whether the way to an object leads over a symbolic link, so that it may lie anywhere.
pub(crate) fn is_linked(root: &Path, key: &ObjectKey) -> bool {
    let mut path = root.to_owned();
    key.as_str().split('/').any(|part| {
        path.push(part);
        path.is_symlink()
    })
}

/// Removes files whose writing began before `before` and never ended; says how many.
pub(crate) fn sweep(root: &Path, before: Timestamp) -> Result<u64, ObjectError> {
    let mut swept = 0;
    for entry in WalkDir::new(root) {
        let entry = match entry.map_err(io::Error::from) {
            Ok(entry) => entry,
            // Folders go with their last object.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(ObjectError::io(error)),
        };
        if !entry.file_type().is_file() || !is_unfinished(&entry.file_name().to_string_lossy()) {
            continue;
        }
        match remove_if_older(entry.path(), before) {
            Ok(removed) => swept += u64::from(removed),
            // Its writer was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(ObjectError::io(error)),
        }
    }
    Ok(swept)
}

fn remove_if_older(path: &Path, before: Timestamp) -> io::Result<bool> {
    let modified = Timestamp::try_from(fs::symlink_metadata(path)?.modified()?).map_err(io::Error::other)?;
    if modified >= before {
        return Ok(false);
    }
    fs::remove_file(path)?;
    Ok(true)
}

fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}
