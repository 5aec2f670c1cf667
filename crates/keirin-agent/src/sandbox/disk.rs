//! What an attempt has in its folders.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Between two looks, and more for each file that there is, so that looking never takes much of a processor.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_FOR_FILE: Duration = Duration::from_micros(10);

/// Keeps counting, for as long as this process lives, in a thread of its own. The value is the latest count of bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "the thread belongs to no runtime and has nothing to wait for"
)]
pub(super) fn count(folders: Vec<PathBuf>) -> io::Result<Arc<AtomicU64>> {
    let bytes = Arc::new(AtomicU64::new(0));
    let latest = Arc::clone(&bytes);
    std::thread::Builder::new().spawn(move || {
        loop {
            let used = folders.iter().map(|folder| used(folder)).fold((0, 0), add);
            latest.store(used.0, Ordering::Relaxed);
            std::thread::sleep(PAUSE + PAUSE_FOR_FILE * used.1);
        }
    })?;
    Ok(bytes)
}

/// Bytes on disk and files, without following links. What cannot be read, or goes meanwhile, counts nothing.
fn used(folder: &Path) -> (u64, u32) {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::symlink_metadata(entry.path()).ok())
        .map(|metadata| (metadata.blocks() * 512, 1))
        .fold((0, 0), add)
}

fn add(sum: (u64, u32), more: (u64, u32)) -> (u64, u32) {
    (sum.0.saturating_add(more.0), sum.1.saturating_add(more.1))
}
