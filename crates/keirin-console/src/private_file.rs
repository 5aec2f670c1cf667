//! Files and folders that only their owner may read: keys, tokens, registrations.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Makes a folder that only its owner may enter; one that is there stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(folder: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// Writes a file as a whole, safely on disk, or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let shown = file.display();
    let unfinished = file.with_extension("new");
    let written = (|| {
        let mut target = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        target.write_all(content)?;
        target.sync_all()?;
        fs::rename(&unfinished, file)?;
        match file.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    })();
    written.with_context(|| format!("cannot write {shown}"))
}

/// Reads a file; `None` where there is none.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read(file: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// Writes a value as JSON.
///
/// # Errors
/// When it cannot be written.
pub fn write_json(file: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    write(file, &serde_json::to_vec_pretty(value)?)
}

/// Reads a value from JSON; `None` where there is no file.
///
/// # Errors
/// When the file cannot be read, or holds something else.
pub fn read_json<T: DeserializeOwned>(file: &Path) -> anyhow::Result<Option<T>> {
    let Some(content) = read(file)? else {
        return Ok(None);
    };
    let value = serde_json::from_slice(&content);
    value
        .map(Some)
        .with_context(|| format!("{} holds something unexpected; remove it", file.display()))
}

/// Removes a file, if it is there.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(file: &Path) -> anyhow::Result<()> {
    match fs::remove_file(file) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot remove {}", file.display())),
    }
}

/// Removes a folder with all that is in it, if it is there.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove_folder(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot remove {}", folder.display())),
    }
}
