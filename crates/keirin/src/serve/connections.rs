//! How many connections the server takes: as many as there are files for, less those that it needs itself.

use anyhow::Context as _;
use keirin_api::ConnectionLimits;
use keirin_console::output::Output;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Config;

/// The files that the server needs for its database, objects, logs, mirrors and what it fetches from others.
const RESERVE: u64 = 256;

/// As many connections as a server takes unless it is told otherwise.
const USUAL: u64 = 8192;

/// As many as programs of its own user on this machine may have beside them, by its socket: more than the calls at once of
/// an agent with a slot for each processor, and so many that a token's part of them is more than the streams of a command that
/// follows a flow.
const LOCAL: u64 = 512;

/// One address may have a part of all connections: one in so many.
const PART_OF_ADDRESS: u64 = 4;

/// Raises the number of files that may be open as far as the system lets an ordinary program; gives the number.
///
/// # Errors
/// When the system does not tell the number. That it cannot be raised is no error: there are fewer connections then.
pub(super) fn raise_file_limit() -> anyhow::Result<u64> {
    let (soft, hard) =
        getrlimit(Resource::RLIMIT_NOFILE).context("cannot tell how many files may be open")?;
    if soft >= hard {
        return Ok(soft);
    }
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => Ok(hard),
        Err(error) => {
            tracing::warn!(%error, soft, hard, "the number of open files cannot be raised");
            Ok(soft)
        }
    }
}

/// How many connections of its own user's programs on this machine fit into so many files.
pub(super) fn local_limits(files: u64) -> ConnectionLimits {
    let local = usize::try_from(local(files)).unwrap_or(usize::MAX);
    ConnectionLimits {
        total: local,
        per_address: local,
    }
}

/// How many of so many files are kept for the socket.
fn local(files: u64) -> u64 {
    LOCAL.min(files / 8)
}

/// How many connections of others fit into so many files.
pub(super) fn limits(config: &Config, files: u64, output: &Output) -> ConnectionLimits {
    let limits = fit(config.connections_limit, config.connections_per_address, files);
    if let Some(wanted) = config.connections_limit
        && u64::from(wanted) > limits.total as u64
    {
        output.say(format!(
            "connections_limit is {wanted}, but only {files} files may be open, so the server takes {} connections. \
             Raise the limit of open files (LimitNOFILE= in systemd, ulimit -n in a shell).",
            limits.total
        ));
    }
    limits
}

fn fit(total: Option<u32>, per_address: Option<u32>, files: u64) -> ConnectionLimits {
    let needed = RESERVE.min(files / 2) + local(files) + 2 * ConnectionLimits::SPARE as u64;
    let room = files.saturating_sub(needed).max(1);
    let total = total.map_or(USUAL, u64::from).clamp(1, room);
    let part = total.div_ceil(PART_OF_ADDRESS);
    let per_address = per_address.map_or(part, u64::from).clamp(1, total);
    ConnectionLimits {
        total: usize::try_from(total).unwrap_or(usize::MAX),
        per_address: usize::try_from(per_address).unwrap_or(usize::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_needs_itself_is_left() {
        for files in [256, 1024, 20_000, 1_048_576, u64::MAX] {
            let limits = fit(None, None, files);
            let local = local_limits(files);
            let used = (limits.total + local.total + 2 * ConnectionLimits::SPARE) as u64;
            assert!(used <= files - RESERVE.min(files / 2), "{files}: {limits:?}");
            assert!(limits.per_address < limits.total, "{files}: {limits:?}");
        }
        let of_1024 = fit(None, None, 1024);
        assert_eq!((of_1024.total, of_1024.per_address), (576, 144));
        let of_many = fit(None, None, 1_048_576);
        assert_eq!((of_many.total, of_many.per_address), (8192, 2048));
    }

    #[test]
    fn what_is_set_holds_as_far_as_there_are_files() {
        let limits = fit(Some(50_000), Some(40_000), 1_048_576);
        assert_eq!((limits.total, limits.per_address), (50_000, 40_000));
        let limits = fit(Some(50_000), Some(40_000), 1024);
        assert_eq!((limits.total, limits.per_address), (576, 576));
        let limits = fit(Some(0), Some(0), 1024);
        assert_eq!((limits.total, limits.per_address), (1, 1));
    }
}
