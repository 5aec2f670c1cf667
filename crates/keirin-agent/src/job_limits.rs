//! What the processes of an attempt may take of their machine.

use std::fmt;
use std::str::FromStr;

use nix::sys::sysinfo::sysinfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What one attempt may take of its machine. `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLimits {
    /// Processes and threads at once.
    pub processes: Option<u64>,
    /// Files that one process may have open.
    pub open_files: Option<u64>,
    /// Memory of all its processes together.
    pub memory: Option<ByteSize>,
    /// What its folders hold together, and one file alone.
    pub disk: Option<ByteSize>,
    /// Files and folders in its folders.
    pub files: Option<u64>,
}

impl JobLimits {
    /// What a machine with so much memory survives, and the work of a usual job fits in.
    pub fn for_memory(bytes: u64) -> Self {
        const MEGABYTE: u64 = 1 << 20;
        Self {
            processes: Some(2048),
            open_files: Some(16_384),
            memory: Some(ByteSize((bytes / 2 / MEGABYTE).max(512) * MEGABYTE)),
            disk: Some(ByteSize(20 << 30)),
            files: Some(2_000_000),
        }
    }

    /// What this machine survives.
    pub fn for_this_machine() -> Self {
        // Every kernel tells it; half a gigabyte is what the smallest would be given.
        Self::for_memory(sysinfo().map_or(0, |machine| machine.ram_total()))
    }

    /// What a person is told about a limit that a job has run into.
    pub(crate) fn explain(&self, exceeded: ExceededLimit) -> String {
        let number = |limit: Option<u64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        let size = |limit: Option<ByteSize>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        match exceeded {
            ExceededLimit::Processes => format!(
                "the job had as many processes and threads as it may, {}, and was ended: have it start fewer, or raise \
                 `agent.process_limit`",
                number(self.processes)
            ),
            ExceededLimit::Memory => format!(
                "the job used more than {} of memory and was ended: have it use less, or raise `agent.memory_limit`",
                size(self.memory)
            ),
            ExceededLimit::Disk => format!(
                "the job had more than {} in its folders and was ended: have it write less, or raise `agent.disk_limit`",
                size(self.disk)
            ),
            ExceededLimit::Files => format!(
                "the job had more than {} files and folders and was ended: have it make fewer, or raise \
                 `agent.files_limit`",
                number(self.files)
            ),
            ExceededLimit::FileSize => format!(
                "a file of the job would have become larger than {}: have it write less, or raise `agent.disk_limit`",
                size(self.disk)
            ),
        }
    }
}

/// A limit that a job has run into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ExceededLimit {
    Processes,
    Memory,
    Disk,
    Files,
    FileSize,
}

/// A number of bytes. Written as in `512M` or `4G`, in powers of 1024 as systemd has them; a number alone is bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// The letters of units and what they multiply by, as a power of two.
const UNITS: [(char, u32); 4] = [('T', 40), ('G', 30), ('M', 20), ('K', 10)];

/// A text is not a number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number of bytes: write it as in 512M or 4G; 0 sets no limit")]
pub struct InvalidByteSize(String);

impl FromStr for ByteSize {
    type Err = InvalidByteSize;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidByteSize(text.to_owned());
        let upper = text.trim().to_ascii_uppercase();
        let number_and_unit = upper
            .strip_suffix("IB")
            .or_else(|| upper.strip_suffix('B'))
            .unwrap_or(&upper);
        let unit = UNITS
            .iter()
            .find_map(|(letter, power)| Some((number_and_unit.strip_suffix(*letter)?, *power)));
        let (number, power) = unit.unwrap_or((number_and_unit, 0));
        let number: u64 = number.trim().parse().map_err(|_| invalid())?;
        number.checked_mul(1 << power).map(Self).ok_or_else(invalid)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS
            .iter()
            .find(|(_, power)| self.0 > 0 && self.0.is_multiple_of(1 << power));
        match exact {
            Some((letter, power)) => write!(formatter, "{}{letter}", self.0 >> power),
            None => write!(formatter, "{}", self.0),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Bytes(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Bytes(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text.parse().map_err(de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them_and_written_so_that_they_are_read_again() {
        let sizes = [
            ("512M", 512 << 20, "512M"),
            ("4G", 4 << 30, "4G"),
            ("4 GiB", 4 << 30, "4G"),
            ("1t", 1 << 40, "1T"),
            ("1536k", 1536 << 10, "1536K"),
            ("1000", 1000, "1000"),
            ("0", 0, "0"),
        ];
        for (text, bytes, written) in sizes {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!(size, ByteSize(bytes), "{text}");
            assert_eq!(size.to_string(), written);
            assert_eq!(
                serde_json::from_str::<ByteSize>(&format!("\"{text}\"")).unwrap(),
                size
            );
        }
        assert_eq!(
            serde_json::from_str::<ByteSize>("1048576").unwrap(),
            ByteSize(1 << 20)
        );
        for text in ["", "much", "-1", "1.5G", "99999999T"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
