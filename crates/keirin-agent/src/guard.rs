//! Holds a step to its workspace where it runs as the agent's own user.
//!
//! The agent starts its own program again in a small mode that calls [`main`], which takes rights away from itself and
//! then becomes the step's program. Two layers of the kernel are used, each where it is allowed:
//!
//! - A **namespace**: the closed paths are covered by empty folders, so neither a file nor a Unix socket in them can be
//!   reached. Needs user namespaces that ordinary users may make.
//! - **Landlock**: nothing can be written but the workspace; closed paths cannot be read; from Linux 6.12 on processes
//!   outside cannot be signalled. Needs Landlock ABI 3 (Linux 6.2) to stand alone, because before that a file that
//!   cannot be opened could still be emptied.
//!
//! Where only Landlock holds, a Unix socket in a closed folder can still be connected to (up to ABI 8), so what listens
//! there has to ask who calls. Where neither holds, the step is refused.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
    path_beneath_rules,
};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};

/// Devices that any program may write to.
const DEVICES: [&str; 7] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/pts",
];

/// What the newest known kernel offers; older ones give what they have.
const NEWEST: ABI = ABI::V6;

/// Why a step is not started.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The agent and its guard do not fit together.
    #[error("the guard was called with arguments that it does not know: {0:?}")]
    Arguments(OsString),
    /// A folder that the step needs is missing.
    #[error("cannot use {path}: {source}")]
    Path {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Landlock is there and failed.
    #[error("the kernel does not hold the step to its workspace: {0}")]
    Landlock(#[from] RulesetError),
    /// Nothing that could hold the step.
    #[error(
        "jobs cannot be kept from the server's files here: Landlock is {landlock}, and no namespace can be made \
         ({namespace}). Start the agent as root so that jobs run as another user, or use a kernel from 6.2 on with \
         Landlock switched on"
    )]
    Nothing {
        /// What Landlock offers.
        landlock: String,
        /// What stands in the way of a namespace.
        namespace: io::Error,
    },
    /// The step's program cannot be started.
    #[error("cannot start `{program}`: {source}")]
    Exec {
        /// Which.
        program: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The arguments that make [`main`] hold a program to `writable`, away from `closed`. The program and its own arguments
/// follow them.
pub fn arguments(writable: &[&Path], closed: &[PathBuf], folder: &Path) -> Vec<OsString> {
    let mut arguments = Vec::new();
    for path in writable {
        arguments.extend(["--writable".into(), path.as_os_str().to_owned()]);
    }
    for path in closed {
        arguments.extend(["--closed".into(), path.as_os_str().to_owned()]);
    }
    arguments.extend(["--folder".into(), folder.as_os_str().to_owned(), "--".into()]);
    arguments
}

/// Takes the rights away from this process and becomes the program. To be called before any thread is started; comes
/// back only with an error, which belongs on standard error.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Result<Infallible, GuardError> {
    let request = Request::parse(arguments)?;
    let namespace = cover(&request);
    let abi = restrict(&request)?;
    if let Err(error) = namespace
        && abi < ABI::V3
    {
        let landlock = match abi {
            ABI::Unsupported => "not there".to_owned(),
            older => format!("too old ({older})"),
        };
        return Err(GuardError::Nothing {
            landlock,
            namespace: error,
        });
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the guard becomes the step's program; this is its adapter"
    )]
    let mut command = std::process::Command::new(&request.program);
    // The folder is entered anew, by its path: the old way there may lead through what is covered now.
    let source = command
        .args(&request.arguments)
        .current_dir(&request.folder)
        .exec();
    Err(GuardError::Exec {
        program: request.program.to_string_lossy().into_owned(),
        source,
    })
}

struct Request {
    writable: Vec<PathBuf>,
    closed: Vec<PathBuf>,
    folder: PathBuf,
    program: OsString,
    arguments: Vec<OsString>,
}

impl Request {
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, GuardError> {
        let (mut writable, mut closed, mut folder) = (Vec::new(), Vec::new(), PathBuf::from("/"));
        let mut rest = arguments.into_iter();
        loop {
            let name = rest.next().unwrap_or_default();
            if name == "--" {
                break;
            }
            let value = PathBuf::from(rest.next().unwrap_or_default());
            match name.to_str() {
                Some("--writable") => writable.push(canonical(&value)?),
                // What is not there cannot be read.
                Some("--closed") => closed.extend(value.canonicalize()),
                Some("--folder") => folder = value,
                _ => return Err(GuardError::Arguments(name)),
            }
        }
        let program = rest.next().ok_or_else(|| GuardError::Arguments("--".into()))?;
        Ok(Self {
            writable,
            closed,
            folder,
            program,
            arguments: rest.collect(),
        })
    }
}

fn canonical(path: &Path) -> Result<PathBuf, GuardError> {
    path.canonicalize().map_err(|source| GuardError::Path {
        path: path.to_owned(),
        source,
    })
}

/// Covers the closed paths with empty folders that only this process and its children see, and lets what is writable show
/// through.
fn cover(request: &Request) -> io::Result<()> {
    let (uid, gid) = (getuid(), getgid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))?;
    let nothing: Option<&str> = None;
    mount(
        nothing,
        "/",
        nothing,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        nothing,
    )?;
    let through: Vec<(File, &PathBuf)> = request
        .writable
        .iter()
        .filter(|path| request.closed.iter().any(|closed| path.starts_with(closed)))
        .map(|path| Ok((File::open(path)?, path)))
        .collect::<io::Result<_>>()?;
    for closed in &request.closed {
        match closed.is_dir() {
            true => mount(
                Some("none"),
                closed,
                Some("tmpfs"),
                MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
                Some("size=64k"),
            )?,
            // One that an earlier cover hides is gone already.
            false if closed.exists() => mount(Some("/dev/null"), closed, nothing, MsFlags::MS_BIND, nothing)?,
            false => {}
        }
    }
    for (folder, path) in through {
        fs::create_dir_all(path)?;
        let source = format!("/proc/self/fd/{}", folder.as_raw_fd());
        mount(Some(source.as_str()), path, nothing, MsFlags::MS_BIND, nothing)?;
    }
    Ok(())
}

/// Lets Landlock allow what is left; returns what it can do.
fn restrict(request: &Request) -> Result<ABI, GuardError> {
    let mut readable = Vec::new();
    open_below(Path::new("/"), &request.closed, &mut readable);
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(readable, AccessFs::from_read(NEWEST)))?
        .add_rules(path_beneath_rules(&request.writable, AccessFs::from_all(NEWEST)))?
        .add_rules(path_beneath_rules(DEVICES, AccessFs::from_all(NEWEST)))?
        .restrict_self()?;
    Ok(match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    })
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
