//! What an attempt has on disk: in its folders, and in files without a name that its processes have open.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::processes::{self, Process};

/// Between two looks, and more for each file that there is, so that looking never takes much of a processor; less for each that
/// there may not be any more, because a job makes them quickly.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_FOR_FILE: Duration = Duration::from_micros(10);

/// The latest count of what an attempt has on disk.
#[derive(Debug, Default)]
pub(super) struct DiskUse {
    bytes: AtomicU64,
    files: AtomicU64,
}

impl DiskUse {
    /// Bytes on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Files, folders and links.
    pub(super) fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }
}

/// Keeps counting, for as long as this process lives, in a thread of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "the thread belongs to no runtime and has nothing to wait for"
)]
pub(super) fn count(
    folders: Vec<PathBuf>,
    files_limit: Option<u64>,
    is_first: bool,
) -> io::Result<Arc<DiskUse>> {
    let counted = Arc::new(DiskUse::default());
    let latest = Arc::clone(&counted);
    std::thread::Builder::new().spawn(move || {
        // At first the folders are empty, and a step is about to start.
        let mut next = PAUSE;
        loop {
            std::thread::sleep(next);
            let mut used = Used::default();
            folders.iter().for_each(|folder| used.add_folder(folder));
            used.add_open_files(&processes::of_attempt(is_first));
            latest.bytes.store(used.bytes, Ordering::Relaxed);
            latest.files.store(used.files, Ordering::Relaxed);
            next = pause(used.files, files_limit);
        }
    })?;
    Ok(counted)
}

/// How long until the next look, where this one has found so many files.
fn pause(files: u64, limit: Option<u64>) -> Duration {
    let left = limit.map_or(u64::MAX, |limit| limit.saturating_sub(files));
    let weight = u32::try_from(files.min(left)).unwrap_or(u32::MAX);
    PAUSE + PAUSE_FOR_FILE.saturating_mul(weight)
}

/// Whether there is a file of so many bytes or more.
pub(super) fn has_file_of(folders: &[&Path], bytes: u64) -> bool {
    folders.iter().any(|folder| {
        let mut entries = walkdir::WalkDir::new(folder).into_iter().flatten();
        entries.any(|entry| {
            fs::symlink_metadata(entry.path())
                .is_ok_and(|metadata| metadata.is_file() && metadata.len() >= bytes)
        })
    })
}

/// What one look has found.
#[derive(Debug, Default)]
struct Used {
    bytes: u64,
    files: u64,
    /// Devices of the folders.
    devices: HashSet<u64>,
    /// Files that have more than one name, or that have none and may be open more than once: by device and number.
    counted: HashSet<(u64, u64)>,
}

impl Used {
    /// Adds what a folder holds, without following links. What cannot be read, or goes meanwhile, counts nothing.
    fn add_folder(&mut self, folder: &Path) {
        for entry in walkdir::WalkDir::new(folder).into_iter().flatten() {
            let Ok(metadata) = fs::symlink_metadata(entry.path()) else {
                continue;
            };
            self.devices.insert(metadata.dev());
            let is_counted_once = metadata.is_dir() || metadata.nlink() == 1;
            if is_counted_once || self.counted.insert((metadata.dev(), metadata.ino())) {
                self.add(&metadata);
            }
        }
    }

    /// Adds files on the folders' devices that have no name any more and live as long as they are open.
    fn add_open_files(&mut self, processes: &[Process]) {
        for process in processes {
            // One that has ended meanwhile has nothing open.
            let Ok(files) = fs::read_dir(format!("/proc/{}/fd", process.id)) else {
                continue;
            };
            for file in files.flatten() {
                let Ok(metadata) = fs::metadata(file.path()) else {
                    continue;
                };
                let is_ours = metadata.nlink() == 0 && self.devices.contains(&metadata.dev());
                if is_ours && self.counted.insert((metadata.dev(), metadata.ino())) {
                    self.add(&metadata);
                }
            }
        }
    }

    fn add(&mut self, metadata: &Metadata) {
        self.bytes = self.bytes.saturating_add(metadata.blocks().saturating_mul(512));
        self.files = self.files.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_looked_at_less_often_and_those_near_the_limit_more_often() {
        let seconds = |files, limit| pause(files, limit).as_secs_f64();
        assert_eq!(seconds(0, None), 0.5);
        assert_eq!(seconds(1_000_000, None), 10.5);
        assert_eq!(seconds(1_000_000, Some(2_000_000)), 10.5);
        assert_eq!(seconds(1_950_000, Some(2_000_000)), 1.0);
        assert_eq!(seconds(3_000_000, Some(2_000_000)), 0.5);
    }

    #[test]
    fn a_file_of_several_names_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        fs::write(&first, vec![1; 100_000]).unwrap();
        let counted = || {
            let mut used = Used::default();
            used.add_folder(folder.path());
            (used.bytes, used.files)
        };
        let before = counted();
        fs::hard_link(&first, &second).unwrap();
        assert_eq!(counted(), before);
        fs::copy(&first, folder.path().join("copy")).unwrap();
        let (bytes, files) = counted();
        assert!(bytes >= before.0 + 100_000 && files == before.1 + 1);
    }
}
