//! What processes use, as the system counts it.

use std::fs;

/// Ticks of the system's clock in a second, on every Linux that this runs on.
const TICKS: f64 = 100.0;

/// What a process has used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    pub cpu_seconds: f64,
    pub memory_megabytes: f64,
}

impl Usage {
    /// What a process has used so far; nothing where it is gone.
    pub fn of(pid: i32) -> Self {
        Self {
            cpu_seconds: cpu_seconds(pid).unwrap_or_default(),
            memory_megabytes: memory_megabytes(pid).unwrap_or_default(),
        }
    }
}

/// Processor time of a process and all its children, the finished ones included.
pub fn cpu_of_family(pid: i32) -> f64 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    let living: f64 = children.map(cpu_of_family).sum();
    living + cpu_fields(pid).map_or(0.0, |ticks| ticks.iter().sum::<f64>() / TICKS)
}

fn cpu_seconds(pid: i32) -> Option<f64> {
    let ticks = cpu_fields(pid)?;
    Some((ticks[0] + ticks[1]) / TICKS)
}

/// User and system time of the process, then of its finished children, in ticks.
fn cpu_fields(pid: i32) -> Option<[f64; 4]> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |at: usize| fields.get(at)?.parse().ok();
    Some([field(11)?, field(12)?, field(13)?, field(14)?])
}

fn memory_megabytes(pid: i32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1000.0 * 1.024)
}
