//! Folders that agents of earlier versions have left where everybody may write.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::geteuid;

/// Where they lie.
const PARENT: &str = "/var/tmp";

/// Removes those of this user that no agent uses. What another user has made is left alone, whatever it is called.
pub(super) fn remove() {
    remove_in(Path::new(PARENT));
}

fn remove_in(parent: &Path) {
    let me = geteuid().as_raw();
    let prefix = format!("keirin-agent-{me}-");
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(&prefix) {
            continue;
        }
        let path = entry.path();
        // Of the entry itself, never of what it may lead to.
        let is_mine = entry
            .metadata()
            .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == me && metadata.mode() & 0o022 == 0);
        if is_mine
            && !is_in_use(&path)
            && let Err(error) = fs::remove_dir_all(&path)
        {
            tracing::warn!(folder = %path.display(), %error, "cannot remove a folder of an earlier version");
        }
    }
}

/// Whether an agent holds the lock of a folder that only this user can change.
fn is_in_use(folder: &Path) -> bool {
    let lock = folder.join("lock");
    let is_file = fs::symlink_metadata(&lock).is_ok_and(|metadata| metadata.is_file());
    is_file && fs::File::open(&lock).is_ok_and(|lock| lock.try_lock().is_err())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn only_unused_folders_of_ones_own_go_away() {
        let parent = tempfile::tempdir().unwrap();
        let me = geteuid();
        let make = |name: &str| {
            let folder = parent.path().join(format!("keirin-agent-{me}-{name}"));
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
            fs::write(folder.join("lock"), "").unwrap();
            folder
        };
        let (old, used, open) = (make("old"), make("used"), make("open"));
        let lock = fs::File::open(used.join("lock")).unwrap();
        lock.lock().unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let elsewhere = parent.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let link = parent.path().join(format!("keirin-agent-{me}-link"));
        symlink(&elsewhere, &link).unwrap();
        remove_in(parent.path());
        assert!(!old.exists());
        assert!(used.exists() && open.exists() && elsewhere.exists() && link.exists());
    }
}
