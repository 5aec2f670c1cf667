//! The machine's lists of users and groups as jobs see them: with a line for the user that a job runs as, who is nobody to
//! the machine.

use std::collections::HashMap;
use std::fs;
use std::sync::{Mutex, PoisonError};

use crate::error::FolderError;
use crate::sandbox::{Accounts, Owner};
use crate::trusted::TrustedFolder;

/// The lists of every owner that has had a job. They are files of the agent, written again when the machine's change.
#[derive(Debug)]
pub(crate) struct AccountLists {
    folder: TrustedFolder,
    lists: Mutex<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    /// How many files were begun: each has a name of its own, also after one that could not be written to its end.
    begun: u64,
    written: HashMap<u32, Written>,
}

#[derive(Debug)]
struct Written {
    users: Vec<u8>,
    groups: Vec<u8>,
    files: Accounts,
}

impl AccountLists {
    /// None yet, in an empty folder.
    pub(crate) fn new(folder: TrustedFolder) -> Self {
        Self {
            folder,
            lists: Mutex::default(),
        }
    }

    /// The lists for an owner. `None` where it is somebody to the machine.
    pub(crate) fn of(&self, owner: Owner) -> Result<Option<Accounts>, FolderError> {
        // What the machine does not tell has no line either.
        let read = |path| fs::read(path).unwrap_or_default();
        let Some((users, groups)) = with_line(read("/etc/passwd"), read("/etc/group"), owner) else {
            return Ok(None);
        };
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = lists.written.get(&owner.uid)
            && (&before.users, &before.groups) == (&users, &groups)
            && before.files.users.exists()
            && before.files.groups.exists()
        {
            return Ok(Some(before.files.clone()));
        }
        // Sandboxes that are being made may still open those of before.
        let mut write = |list: &str, lines: &[u8]| {
            lists.begun += 1;
            self.folder.write(&format!("{list}-{}", lists.begun), lines)
        };
        let files = Accounts {
            users: write("users", &users)?,
            groups: write("groups", &groups)?,
        };
        let written = Written {
            users,
            groups,
            files: files.clone(),
        };
        lists.written.insert(owner.uid, written);
        Ok(Some(files))
    }
}

/// Both lists with a line for the owner. `None` where it is somebody already.
fn with_line(mut users: Vec<u8>, mut groups: Vec<u8>, owner: Owner) -> Option<(Vec<u8>, Vec<u8>)> {
    let has = |lines: &[u8], number: u32| {
        let number = number.to_string();
        lines
            .split(|byte| *byte == b'\n')
            .any(|line| line.split(|byte| *byte == b':').nth(2) == Some(number.as_bytes()))
    };
    if has(&users, owner.uid) {
        return None;
    }
    let Owner { uid, gid } = owner;
    let add = |lines: &mut Vec<u8>, line: String| {
        if lines.last().is_some_and(|last| *last != b'\n') {
            lines.push(b'\n');
        }
        lines.extend_from_slice(line.as_bytes());
    };
    add(
        &mut users,
        format!("keirin-job:x:{uid}:{gid}:A job of Keirin:/:/bin/sh\n"),
    );
    if !has(&groups, gid) {
        add(&mut groups, format!("keirin-job:x:{gid}:\n"));
    }
    Some((users, groups))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = Owner { uid: 7000, gid: 7001 };

    #[test]
    fn the_owner_has_a_line_in_both_lists_and_only_where_it_has_none() {
        let lists = |users: &str, groups: &str| {
            let with_line = with_line(users.into(), groups.into(), OWNER)?;
            Some((
                String::from_utf8(with_line.0).unwrap(),
                String::from_utf8(with_line.1).unwrap(),
            ))
        };
        let (users, groups) = lists("root:x:0:0::/:/bin/sh", "root:x:0:\n").unwrap();
        assert_eq!(
            users,
            "root:x:0:0::/:/bin/sh\nkeirin-job:x:7000:7001:A job of Keirin:/:/bin/sh\n"
        );
        assert_eq!(groups, "root:x:0:\nkeirin-job:x:7001:\n");
        let (_, groups) = lists("", "build:x:7001:\n").unwrap();
        assert_eq!(groups, "build:x:7001:\n");
        assert_eq!(lists("build:x:7000:7001::/:/bin/sh\n", ""), None);
    }

    #[test]
    fn lists_are_written_once_for_each_owner() {
        let parent = tempfile::tempdir().unwrap();
        let lists = AccountLists::new(TrustedFolder::open(&parent.path().join("accounts"), 0o700).unwrap());
        let owner = Owner {
            uid: 2_000_000_001,
            gid: 2_000_000_001,
        };
        let first = lists.of(owner).unwrap().unwrap();
        assert_eq!(lists.of(owner).unwrap().unwrap(), first);
        let other = Owner {
            uid: owner.uid + 1,
            ..owner
        };
        assert_ne!(lists.of(other).unwrap().unwrap(), first);
        assert!(fs::read_to_string(&first.users).unwrap().contains(":2000000001:"));

        // Somebody has cleaned up, and a file that could not be written to its end is in the way of none.
        fs::remove_file(&first.users).unwrap();
        let again = lists.of(owner).unwrap().unwrap();
        assert!(fs::read_to_string(&again.users).unwrap().contains(":2000000001:"));
        fs::remove_dir_all(parent.path()).unwrap();
        lists.of(owner).unwrap_err();
        fs::create_dir_all(parent.path().join("accounts")).unwrap();
        lists.of(owner).unwrap_err();
    }
}
