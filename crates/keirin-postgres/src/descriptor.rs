//! Files and folders by descriptors: what is changed is what was looked at, whatever is put in its place meanwhile.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;

/// Opens a file or folder of an absolute path. Where a link has taken the place of it, or of a folder on the way, it
/// fails.
pub(crate) fn open_itself(path: &Path) -> io::Result<OwnedFd> {
    let on_the_way = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    // What never answers, as a pipe that nobody writes to, holds nobody up.
    let itself = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let mut found = open("/", on_the_way, Mode::empty())?;
    let mut components = path.components().skip(1).peekable();
    while let Some(component) = components.next() {
        let Component::Normal(name) = component else {
            return Err(Errno::EINVAL.into());
        };
        let flags = match components.peek() {
            Some(_) => on_the_way | OFlag::O_DIRECTORY,
            None => itself,
        };
        found = openat(&found, name, flags, Mode::empty()).map_err(|error| match error {
            Errno::ELOOP | Errno::ENOTDIR => io::Error::other("a link, or a file, is in its place"),
            error => error.into(),
        })?;
    }
    Ok(found)
}
