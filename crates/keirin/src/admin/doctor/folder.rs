//! The data folder: whose it is, who may enter it, and how much room there is.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use keirin_console::progress::size;
use keirin_model::Timestamp;
use nix::sys::statvfs::statvfs;
use nix::unistd::geteuid;

use super::Check;
use crate::config::Config;
use crate::serve::data::DataFolder;

const FOLDER: &str = "data folder";
const KEY: &str = "master key";
const DISK: &str = "disk space";
const BACKUPS: &str = "backups";

/// Less room than this is a problem: a database that cannot write stops.
const LEAST_ROOM: u64 = 1024 * 1024 * 1024;

/// Looks at the data folder; `None` where there is none.
pub(super) fn look(config: &Config, checks: &mut Vec<Check>) -> Option<DataFolder> {
    let shown = config.data_dir.display();
    let data = match DataFolder::existing(&config.data_dir) {
        Ok(Some(data)) => data,
        Ok(None) => {
            checks.push(Check::problem(
                FOLDER,
                format!("there is no {shown}"),
                "start a server, which makes it, or name the server's folder with --data-dir",
            ));
            return None;
        }
        Err(error) => {
            checks.push(Check::failed(FOLDER, &error));
            return None;
        }
    };
    checks.push(rights(data.root()));
    checks.push(key(&data));
    checks.push(room(data.root()));
    Some(data)
}

fn rights(root: &Path) -> Check {
    let shown = root.display();
    let metadata = match root.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return Check::failed(FOLDER, &error.into()),
    };
    if !metadata.is_dir() {
        return Check::problem(
            FOLDER,
            format!("{shown} is no folder"),
            "name a folder with --data-dir",
        );
    }
    let (owner, me) = (metadata.uid(), geteuid().as_raw());
    if owner != me {
        return Check::problem(
            FOLDER,
            format!("{shown} belongs to uid {owner}, and this is uid {me}"),
            "run keirin as its owner",
        );
    }
    // PostgreSQL's own user may be let through, by its group, where the server is root.
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o067 != 0 {
        return Check::problem(
            FOLDER,
            format!("others may look into {shown} (mode {mode:o})"),
            format!("chmod 700 {shown}"),
        );
    }
    match tempfile::Builder::new().prefix(".doctor-").tempfile_in(root) {
        Ok(_) => Check::ok(FOLDER, format!("{shown}, for its owner alone")),
        Err(error) => Check::problem(
            FOLDER,
            format!("nothing can be written in {shown}: {error}"),
            "give its owner the right to write, and look whether the disk is full or read-only",
        ),
    }
}

fn key(data: &DataFolder) -> Check {
    let file = data.master_key_file();
    match data.known_master_key() {
        Err(error) => return Check::failed(KEY, &error),
        Ok(None) => return Check::skipped(KEY, "none has been made; a server makes it when it first starts"),
        Ok(Some(_)) => {}
    }
    let former = data.former_master_key_file();
    if former.exists() {
        return Check::problem(
            KEY,
            format!(
                "a restore was broken off, and {} holds the key from before it",
                former.display()
            ),
            format!(
                "restore again with --replace; or, to stay with what was there, mv {} {}",
                former.display(),
                file.display()
            ),
        );
    }
    let mode = match file.metadata() {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) => return Check::failed(KEY, &error.into()),
    };
    if mode & 0o077 == 0 {
        Check::ok(KEY, "for its owner alone")
    } else {
        Check::problem(
            KEY,
            format!("others may read {} (mode {mode:o})", file.display()),
            format!("chmod 600 {}", file.display()),
        )
    }
}

/// Whether the server backs itself up, where it is to.
pub(super) fn backups(config: &Config, now: Timestamp) -> Check {
    let schedule = match config.backup_schedule() {
        Ok(schedule) => schedule,
        Err(error) => return Check::failed(BACKUPS, &error),
    };
    let Some(schedule) = schedule else {
        return Check::skipped(
            BACKUPS,
            "the server takes none by itself; name a folder (`backup_dir`), or run `keirin admin backup` by other means",
        );
    };
    let shown = schedule.folder.display();
    match schedule.backups() {
        Err(error) => Check::problem(
            BACKUPS,
            format!("{shown} cannot be read: {error}"),
            "give the server's user the right to read and write there",
        ),
        Ok(times) => match times.last() {
            None => Check::problem(
                BACKUPS,
                format!("there is none in {shown} yet"),
                "look at the job `make_backup` (keirin admin jobs); a server that has just been set up takes the first at once",
            ),
            Some(newest) if schedule.is_overdue(*newest, now) => Check::problem(
                BACKUPS,
                format!("the newest in {shown} is of {newest:.0}"),
                "look at the job `make_backup` (keirin admin jobs), which says why",
            ),
            Some(newest) => Check::ok(
                BACKUPS,
                format!("{} in {shown}, the newest of {newest:.0}", times.len()),
            ),
        },
    }
}

fn room(root: &Path) -> Check {
    let disk = match statvfs(root) {
        Ok(disk) => disk,
        Err(error) => return Check::failed(DISK, &error.into()),
    };
    let free = disk.blocks_available() * disk.fragment_size();
    let found = format!("{} free for {}", size(free), root.display());
    if free < LEAST_ROOM {
        return Check::problem(DISK, found, format!("make room: at least {}", size(LEAST_ROOM)));
    }
    if disk.files() > 0 && disk.files_available() == 0 {
        return Check::problem(
            DISK,
            "no more files can be made, though there is room",
            "remove files, or make the file system anew with more inodes",
        );
    }
    Check::ok(DISK, found)
}
