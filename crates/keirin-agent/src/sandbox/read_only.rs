//! Makes what is mounted read-only in a sandbox's namespace for mounts, so that a job writes nowhere but in what it is shown.
//! Landlock does the same, and better, where the kernel has it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

use super::namespaces::{NamespaceError, cannot};

/// What the kernel makes up, each process its own part of it, and terminals: nothing that is written there stays.
const VIRTUAL: [&str; 3] = ["proc", "devpts", "autofs"];

/// Makes everything read-only that this process can reach, but for the mounts at these places.
pub(super) fn protect(writable: &[PathBuf]) -> Result<(), NamespaceError> {
    let mounts = fs::read("/proc/self/mountinfo").map_err(cannot("see what is mounted"))?;
    for mounted in mounts.split(|byte| *byte == b'\n').filter_map(Mounted::parse) {
        let is_writable = writable.contains(&mounted.place);
        let is_virtual = VIRTUAL.contains(&mounted.kind.as_str()) || mounted.place.starts_with("/proc");
        if !is_writable && !is_virtual && !mounted.flags.contains(MsFlags::MS_RDONLY) {
            let place = mounted.place.display().to_string();
            mounted
                .make_read_only()
                .map_err(cannot(format!("make {place} read-only")))?;
        }
    }
    Ok(())
}

/// One mount.
#[derive(Debug, PartialEq, Eq)]
struct Mounted {
    place: PathBuf,
    kind: String,
    flags: MsFlags,
}

impl Mounted {
    /// Reads a line of `/proc/<id>/mountinfo`.
    fn parse(line: &[u8]) -> Option<Self> {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let end_of_optional = fields.iter().position(|field| *field == b"-")?;
        let options = fields.get(5)?.split(|byte| *byte == b',');
        Some(Self {
            place: PathBuf::from(unescaped(fields.get(4)?)),
            kind: OsStr::from_bytes(fields.get(end_of_optional + 1)?)
                .to_string_lossy()
                .into_owned(),
            flags: options.filter_map(flag).collect(),
        })
    }

    /// What the mount forbids already stays forbidden: the kernel insists on it in the namespace of an ordinary user.
    fn make_read_only(&self) -> io::Result<()> {
        let nothing: Option<&str> = None;
        let flags = self.flags | MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
        match mount(nothing, &self.place, nothing, flags, nothing) {
            // Another mount hides it.
            Ok(()) | Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES | Errno::EINVAL) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn flag(option: &[u8]) -> Option<MsFlags> {
    match option {
        b"ro" => Some(MsFlags::MS_RDONLY),
        b"nosuid" => Some(MsFlags::MS_NOSUID),
        b"nodev" => Some(MsFlags::MS_NODEV),
        b"noexec" => Some(MsFlags::MS_NOEXEC),
        // Those of access times stay as they are when none is named.
        _ => None,
    }
}

/// Spaces and the like are written as a backslash and three octal digits.
fn unescaped(text: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits
            .filter(|_| *first == b'\\')
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[3..] } else { after };
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo_is_read_with_spaces_and_any_number_of_optional_fields() {
        let line = b"36 35 98:0 / /mnt/two\\040words rw,nosuid,noexec,relatime shared:1 master:2 - ext4 /dev/root rw,errors=ro";
        let expected = Mounted {
            place: PathBuf::from("/mnt/two words"),
            kind: "ext4".to_owned(),
            flags: MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        };
        assert_eq!(Mounted::parse(line), Some(expected));
        let read_only = Mounted::parse(b"1 0 0:1 / / ro,nodev - tmpfs none rw").unwrap();
        assert_eq!(read_only.flags, MsFlags::MS_RDONLY | MsFlags::MS_NODEV);
        assert_eq!(Mounted::parse(b""), None);
    }
}
