//! What Landlock allows a sandbox and all that it starts.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
    path_beneath_rules,
};

use super::plan::{Namespaces, SandboxPlan};

/// What any program may write to; terminals are the sandbox's own where it has a namespace for mounts.
const DEVICES: [&str; 8] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
];
const PRIVATE: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// What the newest known kernel offers; older ones give what they have.
const NEWEST: ABI = ABI::V6;
/// From this on Landlock can stand alone.
const SUFFICIENT: ABI = ABI::V3;

/// Why Landlock does not hold.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccessError {
    #[error("the kernel does not hold steps to their workspace: {0}")]
    Landlock(#[from] RulesetError),
    #[error("Landlock is {0}")]
    TooOld(String),
}

/// Lets Landlock allow what the plan leaves; returns whether it does its part.
pub(super) fn restrict(plan: &SandboxPlan) -> Result<bool, AccessError> {
    let mut readable = Vec::new();
    let mut writable: Vec<PathBuf> = plan.folders.all().map(Path::to_owned).to_vec();
    if plan.namespaces == Namespaces::None {
        // What is not there cannot be read.
        let closed: Vec<PathBuf> = plan.closed.iter().flat_map(|path| path.canonicalize()).collect();
        open_below(Path::new("/"), &closed, &mut readable);
        for folder in plan.writable.iter().flat_map(|path| path.canonicalize()) {
            open_below(&folder, &closed, &mut writable);
        }
    } else {
        // What is closed is covered.
        readable.push(PathBuf::from("/"));
        writable.extend(plan.writable.iter().cloned());
        writable.extend(PRIVATE.map(PathBuf::from));
    }
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(readable, AccessFs::from_read(NEWEST)))?
        .add_rules(path_beneath_rules(writable, AccessFs::from_all(NEWEST)))?
        .add_rules(path_beneath_rules(DEVICES, AccessFs::from_all(NEWEST)))?
        .restrict_self()?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    };
    match abi {
        ABI::Unsupported if plan.needs_landlock => Err(AccessError::TooOld("not there".to_owned())),
        older if plan.needs_landlock && older < SUFFICIENT => {
            Err(AccessError::TooOld(format!("too old ({older})")))
        }
        abi => Ok(abi != ABI::Unsupported),
    }
}

/// Landlock can only allow, so everything beside the ways to the closed paths is named.
fn open_below(folder: &Path, closed: &[PathBuf], open: &mut Vec<PathBuf>) {
    if !closed.iter().any(|path| path.starts_with(folder)) {
        return open.push(folder.to_owned());
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // A link is judged by where it leads.
        let Ok(target) = path.canonicalize() else { continue };
        let is_closed = closed.iter().any(|closed| target.starts_with(closed));
        let leads_to_closed = closed.iter().any(|closed| closed.starts_with(&target));
        match (is_closed, leads_to_closed) {
            (true, _) => {}
            (false, false) => open.push(path),
            (false, true) if target == path => open_below(&path, closed, open),
            (false, true) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_stays_so_in_a_folder_that_is_open_and_what_is_open_in_one_that_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for place in ["open/a", "open/closed", "closed/open"] {
            fs::create_dir_all(root.join(place)).unwrap();
        }
        let closed = ["open/closed", "closed"].map(|place| root.join(place));
        let below = |place: &str| {
            let mut open = Vec::new();
            open_below(&root.join(place), &closed, &mut open);
            open
        };
        assert_eq!(below("open"), [root.join("open/a")]);
        assert_eq!(below("closed/open"), [root.join("closed/open")]);
        assert_eq!(below("closed"), Vec::<PathBuf>::new());
        assert_eq!(below(""), [root.join("open/a")]);
    }
}
