//! What a job may take of its machine, as people set it.

use clap::Args;
use keirin_agent::{ByteSize, JobLimits};

/// Limits of each job; what is not named has its default, and 0 is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct LimitArguments {
    /// How many processes and threads a job may have at once; 0 for no limit [default: 2048]
    #[arg(long, value_name = "N", env = "KEIRIN_AGENT_PROCESS_LIMIT")]
    pub(crate) process_limit: Option<u64>,
    /// How much memory a job may use, as in 4G; 0 for no limit [default: half of the machine's]
    #[arg(long, value_name = "SIZE", env = "KEIRIN_AGENT_MEMORY_LIMIT")]
    pub(crate) memory_limit: Option<ByteSize>,
    /// How much a job may have in its folders, as in 4G; 0 for no limit [default: 20G]
    #[arg(long, value_name = "SIZE", env = "KEIRIN_AGENT_DISK_LIMIT")]
    pub(crate) disk_limit: Option<ByteSize>,
    /// How many files and folders a job may have in its folders; 0 for no limit [default: 2000000]
    #[arg(long, value_name = "N", env = "KEIRIN_AGENT_FILES_LIMIT")]
    pub(crate) files_limit: Option<u64>,
    /// How many files each process of a job may have open; 0 for the machine's own limit [default: 16384]
    #[arg(long, value_name = "N", env = "KEIRIN_AGENT_OPEN_FILES_LIMIT")]
    pub(crate) open_files_limit: Option<u64>,
}

impl LimitArguments {
    /// The limits in force.
    pub(crate) fn limits(&self) -> JobLimits {
        self.over(JobLimits::for_this_machine())
    }

    fn over(&self, default: JobLimits) -> JobLimits {
        let number = |set: Option<u64>, default: Option<u64>| set.or(default).filter(|limit| *limit > 0);
        let size =
            |set: Option<ByteSize>, default: Option<ByteSize>| set.or(default).filter(|limit| limit.0 > 0);
        JobLimits {
            processes: number(self.process_limit, default.processes),
            memory: size(self.memory_limit, default.memory),
            disk: size(self.disk_limit, default.disk),
            files: number(self.files_limit, default.files),
            open_files: number(self.open_files_limit, default.open_files),
        }
    }

    /// The same as flags of `keirin agent start`.
    pub(crate) fn flags(&self) -> Vec<(&'static str, String)> {
        let flags = [
            (
                "--process-limit",
                self.process_limit.map(|limit| limit.to_string()),
            ),
            ("--memory-limit", self.memory_limit.map(|limit| limit.to_string())),
            ("--disk-limit", self.disk_limit.map(|limit| limit.to_string())),
            ("--files-limit", self.files_limit.map(|limit| limit.to_string())),
            (
                "--open-files-limit",
                self.open_files_limit.map(|limit| limit.to_string()),
            ),
        ];
        flags
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// The limits in words, as far as there are any.
pub(crate) fn describe(limits: &JobLimits) -> String {
    let parts = [
        limits.processes.map(|limit| format!("{limit} processes")),
        limits.memory.map(|limit| format!("{limit} of memory")),
        limits.disk.map(|limit| format!("{limit} of disk")),
        limits.files.map(|limit| format!("{limit} files")),
        limits
            .open_files
            .map(|limit| format!("{limit} open files a process")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => "without limits of what it takes".to_owned(),
        false => format!("at most {}", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default_and_nothing_is_no_limit() {
        let set = LimitArguments {
            process_limit: Some(0),
            memory_limit: Some(ByteSize(1 << 30)),
            ..LimitArguments::default()
        };
        let limits = set.over(JobLimits::for_memory(16 << 30));
        assert_eq!(
            describe(&limits),
            "at most 1G of memory, 20G of disk, 2000000 files, 16384 open files a process"
        );
        assert_eq!(
            set.flags(),
            [
                ("--process-limit", "0".to_owned()),
                ("--memory-limit", "1G".to_owned())
            ]
        );
        let usual = LimitArguments::default().over(JobLimits::for_memory(16 << 30));
        assert_eq!(
            describe(&usual),
            "at most 2048 processes, 8G of memory, 20G of disk, 2000000 files, 16384 open files a process"
        );
    }
}
