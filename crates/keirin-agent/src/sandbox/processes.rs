//! The processes of an attempt and what they use, as `/proc` shows them.

use std::fs;

use nix::sys::statvfs::statvfs;
use nix::unistd::Pid;

/// A process as its line in `/proc` describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: Pid,
    pub(super) parent: Pid,
    /// False for one that has ended and waits to be asked how.
    pub(super) is_running: bool,
    /// Its threads.
    pub(super) threads: u64,
}

impl Process {
    /// Reads the text of `/proc/<id>/stat`.
    fn parse(id: Pid, text: &str) -> Option<Self> {
        // The name of the program stands in brackets and can hold anything; the state, the parent and others follow.
        let fields: Vec<&str> = text.rsplit(')').next()?.split_whitespace().collect();
        Some(Self {
            id,
            parent: Pid::from_raw(fields.get(1)?.parse().ok()?),
            is_running: !matches!(*fields.first()?, "Z" | "X"),
            threads: fields.get(17)?.parse().ok()?,
        })
    }
}

/// All processes but this one: in a PID namespace those of the namespace.
pub(super) fn others() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let this = Pid::this();
    // One that cannot be read has ended meanwhile.
    ids.map(Pid::from_raw)
        .filter(|id| *id != this)
        .filter_map(|id| Process::parse(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?))
        .collect()
}

/// All processes of the attempt that this process holds: those of the PID namespace that it is the first in, else its
/// descendants.
pub(super) fn of_attempt(is_first: bool) -> Vec<Process> {
    match is_first {
        true => others(),
        false => descendants(Pid::this(), others()),
    }
}

/// The processes that descend from another.
pub(super) fn descendants(ancestor: Pid, mut candidates: Vec<Process>) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        let (children, rest): (Vec<_>, Vec<_>) = candidates
            .into_iter()
            .partition(|process| process.parent == parent);
        parents.extend(children.iter().map(|child| child.id));
        found.extend(children);
        candidates = rest;
    }
    found
}

/// Bytes of memory that processes hold: not what the kernel keeps of files. `named` is what lies in shared memory under
/// a name, whether or not a process has mapped it. Pages that processes share count once, at the price of a slower look,
/// which is taken where the quick one finds more than a limit.
pub(super) fn memory(processes: &[Process], named: u64, limit: u64) -> u64 {
    let quick: Memory = processes.iter().filter_map(resident).sum();
    if quick.with(named) <= limit {
        return quick.with(named);
    }
    let exact: Memory = processes
        .iter()
        .filter_map(|process| proportional(process).or_else(|| resident(process)))
        .sum();
    exact.with(named)
}

/// What a process has in memory that is no file's, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Memory {
    anonymous: u64,
    shared: u64,
}

impl Memory {
    /// All in all. What lies in shared memory by name is mostly mapped too, so the two are not added up.
    fn with(self, named: u64) -> u64 {
        self.anonymous + self.shared.max(named)
    }
}

impl std::iter::Sum for Memory {
    fn sum<I: Iterator<Item = Self>>(memory: I) -> Self {
        let nothing = Self {
            anonymous: 0,
            shared: 0,
        };
        memory.fold(nothing, |sum, more| Self {
            anonymous: sum.anonymous + more.anonymous,
            shared: sum.shared + more.shared,
        })
    }
}

/// What the process has in memory.
fn resident(process: &Process) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{}/status", process.id)).ok()?;
    Some(Memory {
        anonymous: bytes("RssAnon:", &text)? + bytes("VmSwap:", &text).unwrap_or(0),
        shared: bytes("RssShmem:", &text)?,
    })
}

/// The same without the parts of others that share it.
fn proportional(process: &Process) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id)).ok()?;
    Some(Memory {
        anonymous: bytes("Pss_Anon:", &text)? + bytes("SwapPss:", &text).unwrap_or(0),
        shared: bytes("Pss_Shmem:", &text)?,
    })
}

/// What lies in the shared memory of this IPC namespace under a name: files in `/dev/shm`, segments of System V.
pub(super) fn named_shared_memory() -> u64 {
    let files = statvfs("/dev/shm").map_or(0, |system| {
        let blocks = system.blocks().saturating_sub(system.blocks_free());
        blocks.saturating_mul(system.fragment_size())
    });
    files + fs::read_to_string("/proc/sysvipc/shm").map_or(0, |text| segments(&text))
}

/// The bytes of all segments in the kernel's list, in memory and swapped out: its last two columns.
fn segments(text: &str) -> u64 {
    text.lines()
        .skip(1)
        .flat_map(|line| line.split_whitespace().rev().take(2))
        .filter_map(|number| number.parse::<u64>().ok())
        .sum()
}

fn bytes(name: &str, text: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: i32, parent: i32) -> Process {
        Process {
            id: Pid::from_raw(id),
            parent: Pid::from_raw(parent),
            is_running: true,
            threads: 1,
        }
    }

    #[test]
    fn a_process_is_read_whatever_its_program_is_called() {
        let text = "7 (a) S (b) Z 3 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 12 0 100 1000 50";
        let read = Process::parse(Pid::from_raw(7), text).unwrap();
        let expected = Process {
            is_running: false,
            threads: 12,
            ..process(7, 3)
        };
        assert_eq!(read, expected);
        assert_eq!(Process::parse(Pid::from_raw(7), "7 (a"), None);
    }

    #[test]
    fn descendants_are_found_over_generations_and_nobody_else() {
        let candidates = vec![process(5, 4), process(3, 2), process(4, 3), process(9, 1)];
        let mut found: Vec<i32> = descendants(Pid::from_raw(2), candidates)
            .iter()
            .map(|process| process.id.as_raw())
            .collect();
        found.sort_unstable();
        assert_eq!(found, [3, 4, 5]);
    }

    #[test]
    fn shared_memory_counts_once_whether_or_not_it_is_mapped() {
        let memory = Memory {
            anonymous: 5,
            shared: 20,
        };
        assert_eq!((memory.with(0), memory.with(20), memory.with(30)), (25, 25, 35));
        assert_eq!([memory, memory].into_iter().sum::<Memory>().with(50), 60);
    }

    #[test]
    fn the_segments_of_system_v_are_added_up() {
        let text = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n\
             0          0   600              67108864     3     3      0     0     0     0     0          0          0 1795949862              67108864                  4096\n";
        assert_eq!(segments(text), 67_108_864 + 4096);
        assert_eq!(segments("key"), 0);
    }

    #[test]
    fn a_number_of_bytes_is_read() {
        let text = "5500-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 900 kB\nPss:  500 kB\nPss_Anon:             321 kB\n";
        assert_eq!(bytes("Pss_Anon:", text), Some(321 * 1024));
        assert_eq!(bytes("Pss_Anon:", ""), None);
    }
}
