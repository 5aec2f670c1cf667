//! The processes of an attempt and what they use, as `/proc` shows them.

use std::fs;

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

/// Bytes of memory that only processes hold: not what the kernel keeps of files. Pages that processes share since a fork
/// count once, at the price of a slower look, which is taken where the quick one finds more than a limit.
pub(super) fn memory(processes: &[Process], limit: u64) -> u64 {
    let quick: u64 = processes.iter().filter_map(resident).sum();
    if quick <= limit {
        return quick;
    }
    processes
        .iter()
        .filter_map(|process| proportional(process).or_else(|| resident(process)))
        .sum()
}

/// What the process has in memory that is no file's.
fn resident(process: &Process) -> Option<u64> {
    bytes(
        "RssAnon:",
        &fs::read_to_string(format!("/proc/{}/status", process.id)).ok()?,
    )
}

/// The same without the parts of others that share it.
fn proportional(process: &Process) -> Option<u64> {
    bytes(
        "Pss_Anon:",
        &fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id)).ok()?,
    )
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
    fn a_number_of_bytes_is_read() {
        let text = "5500-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 900 kB\nPss:  500 kB\nPss_Anon:             321 kB\n";
        assert_eq!(bytes("Pss_Anon:", text), Some(321 * 1024));
        assert_eq!(bytes("Pss_Anon:", ""), None);
    }
}
