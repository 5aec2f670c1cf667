//! The namespaces of a sandbox: what its processes see of files and processes.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{geteuid, getgid, getuid};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

use super::plan::{Namespaces, Owner, SandboxPlan};
use super::read_only;

/// Bytes that a sandbox may put into `/dev/shm`, where it may have so much memory.
const SHARED_MEMORY: u64 = 1 << 30;
/// Files that a sandbox may make there: each takes memory of the kernel, which counts as nobody's.
const SHARED_FILES: u64 = 100_000;
/// A cover holds the way to the workspace and nothing else.
const COVER: &str = "mode=0755,size=64k";

/// Why there are no namespaces.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}: {source}")]
pub(super) struct NamespaceError {
    what: String,
    source: io::Error,
}

pub(super) fn cannot<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> NamespaceError {
    let what = what.into();
    move |source| NamespaceError {
        what,
        source: source.into(),
    }
}

/// Gives the children of this process a namespace for processes. Where that takes one for users, they have every right in
/// it until [`mount_proc`].
pub(super) fn hold_processes() -> Result<(), NamespaceError> {
    enter(CloneFlags::CLONE_NEWPID)
}

/// Moves this process into namespaces for mounts and IPC, where it sees what the plan shows.
pub(super) fn hold_files(plan: &SandboxPlan) -> Result<(), NamespaceError> {
    let flags = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC;
    match plan.namespaces {
        // That for processes has come with the right to make others.
        Namespaces::Full => unshare(flags).map_err(cannot("make namespaces"))?,
        Namespaces::Mounts => enter(flags)?,
        Namespaces::None => return Ok(()),
    }
    let before = umask(Mode::from_bits_truncate(0o022));
    let mounted = mount_all(plan);
    umask(before);
    mounted
}

/// Makes namespaces. Who is not root needs one for users too, in which it may make others.
fn enter(mut flags: CloneFlags) -> Result<(), NamespaceError> {
    let is_root = geteuid().is_root();
    let (uid, gid) = (getuid(), getgid());
    if !is_root {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    unshare(flags).map_err(cannot("make namespaces"))?;
    if is_root {
        return Ok(());
    }
    let map = || {
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
        fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
    };
    map().map_err(cannot("be the same user in a namespace"))
}

fn mount_all(plan: &SandboxPlan) -> Result<(), NamespaceError> {
    let nothing: Option<&str> = None;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(nothing, "/", nothing, private, nothing).map_err(cannot("keep mounts to itself"))?;
    // What is shown is opened first: its path may soon be covered.
    let folders = &plan.folders;
    let (temporary, var_temporary) = (open(&folders.temporary)?, open(&folders.var_temporary)?);
    let mut shown: Vec<(File, &Path)> = Vec::new();
    for path in folders.all() {
        shown.push((open(path)?, path));
    }
    let mut places: Vec<(PathBuf, Option<File>)> =
        covers(plan).into_iter().map(|place| (place, None)).collect();
    for path in &plan.writable {
        // One that is not there, or is a link, is nothing to write in.
        if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
            && let Ok(place) = path.canonicalize()
            && let Ok(folder) = open(&place)
        {
            places.push((place, Some(folder)));
        }
    }
    // A folder comes before what lies in it, so that each place is what was said of it and not of a folder around it. Of the
    // same place the cover comes last.
    places.sort_by(|(one, given), (other, other_given)| {
        one.cmp(other).then(given.is_none().cmp(&other_given.is_none()))
    });
    let mut writable = Vec::new();
    if let Some(accounts) = &folders.accounts {
        for (file, path) in [(&accounts.users, "/etc/passwd"), (&accounts.groups, "/etc/group")] {
            if is_file(path) {
                bind(&open(file)?, Path::new(path))?;
            }
        }
    }
    for (folder, path) in [(&temporary, "/tmp"), (&var_temporary, "/var/tmp")] {
        if let Some(place) = folder_at(path)? {
            bind(folder, &place)?;
            writable.push(place);
        }
    }
    if let Some(place) = folder_at("/dev/shm")? {
        let limit = plan.limits.memory.map_or(u64::MAX, |limit| limit.0);
        let options = format!(
            "mode=1777,size={},nr_inodes={SHARED_FILES}",
            limit.min(SHARED_MEMORY)
        );
        tmpfs(&place, &options)?;
        writable.push(place);
    }
    // Terminals of its own: by those of the agent's user it would hear what is typed there.
    if let Some(place) = folder_at("/dev/pts")? {
        terminals(&place)?;
    }
    for (place, given) in places {
        match given {
            Some(folder) => {
                show(&folder, &place)?;
                writable.push(place);
            }
            None => cover(&place)?,
        }
    }
    if plan.namespaces == Namespaces::Mounts {
        cover_keys()?;
    }
    for (folder, path) in shown {
        show(&folder, path)?;
        writable.push(path.to_owned());
    }
    read_only::protect(&writable)
}

/// Mounts the `/proc` of the namespace that this process is the first in, which shows nothing else; its
/// rights in a namespace for users end with that.
pub(super) fn mount_proc() -> Result<(), NamespaceError> {
    let nothing: Option<&str> = None;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, nothing).map_err(cannot("mount a /proc of its own"))?;
    cover_keys()?;
    if geteuid().is_root() {
        return Ok(());
    }
    let give_up = || {
        let none = CapabilitySet::empty();
        let sets = CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        };
        set_capabilities(None, sets)
    };
    give_up().map_err(cannot("give up its rights in the namespace"))
}

/// The list of keys tells a process of those in its session's keyring too, which it has from the agent.
fn cover_keys() -> Result<(), NamespaceError> {
    let keys = Path::new("/proc/keys");
    match keys.exists() {
        true => bind(&open(Path::new("/dev/null"))?, keys),
        // A kernel without keyrings.
        false => Ok(()),
    }
}

/// What is closed, and the first folder on the way to the workspace that the steps' user may not enter: it then sees
/// nothing in there but its workspace.
fn covers(plan: &SandboxPlan) -> Vec<PathBuf> {
    let closed = plan.closed.iter().flat_map(|path| path.canonicalize());
    let on_the_way = plan
        .owner
        .and_then(|owner| first_out_of_reach(&plan.folders.work, owner));
    closed.chain(on_the_way).collect()
}

/// The first folder on the way that a user may not enter.
pub(crate) fn first_out_of_reach(path: &Path, owner: Owner) -> Option<PathBuf> {
    let mut ancestors: Vec<&Path> = path.ancestors().skip(1).collect();
    ancestors.reverse();
    let is_closed = |folder: &&Path| {
        fs::metadata(folder).is_ok_and(|metadata| {
            let bit = match (metadata.uid() == owner.uid, metadata.gid() == owner.gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            metadata.mode() & bit == 0
        })
    };
    ancestors.into_iter().find(is_closed).map(Path::to_owned)
}

/// Where a folder of the machine really lies that jobs have for themselves; `None` where there is none.
fn folder_at(path: &str) -> Result<Option<PathBuf>, NamespaceError> {
    let place = match fs::canonicalize(path) {
        Ok(place) => place,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(format!("see where {path} leads"))(error)),
    };
    match place.is_dir() {
        true => Ok(Some(place)),
        false => Err(cannot(format!("show {path}"))(io::Error::from(
            io::ErrorKind::NotADirectory,
        ))),
    }
}

fn is_file(path: &str) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn open(path: &Path) -> Result<File, NamespaceError> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW;
    fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)
        .map_err(cannot(format!("open {}", path.display())))
}

/// Shows a folder at its own place, which may be covered by now.
fn show(folder: &File, place: &Path) -> Result<(), NamespaceError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(place)
        .map_err(cannot(format!("make {}", place.display())))?;
    bind(folder, place)
}

fn cover(place: &Path) -> Result<(), NamespaceError> {
    match fs::symlink_metadata(place) {
        Ok(metadata) if metadata.is_dir() => tmpfs(place, COVER),
        Ok(_) => bind(&open(Path::new("/dev/null"))?, place),
        // An earlier cover hides it.
        Err(_) => Ok(()),
    }
}

fn bind(what: &File, path: &Path) -> Result<(), NamespaceError> {
    let nothing: Option<&str> = None;
    let source = format!("/proc/self/fd/{}", what.as_raw_fd());
    mount(Some(source.as_str()), path, nothing, MsFlags::MS_BIND, nothing)
        .map_err(cannot(format!("show {}", path.display())))
}

/// An instance of the file system of terminals that has none yet. `/dev/ptmx` beside it makes new ones in it.
fn terminals(path: &Path) -> Result<(), NamespaceError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = "newinstance,ptmxmode=0666,mode=0620";
    mount(Some("devpts"), path, Some("devpts"), flags, Some(options))
        .map_err(cannot(format!("cover {}", path.display())))
}

fn tmpfs(path: &Path, options: &str) -> Result<(), NamespaceError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), path, Some("tmpfs"), flags, Some(options))
        .map_err(cannot(format!("cover {}", path.display())))
}
