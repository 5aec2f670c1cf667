//! How much memory a session of people's SQL may take: PostgreSQL bounds the steps of a query, and not the values that it
//! puts together.

use std::fs;
use std::io;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use sqlx::postgres::PgConnectOptions;

use crate::{Result, Store};

/// Bytes that the process of a session may have for itself.
pub(super) const SESSION_BYTES: u64 = 256 * 1024 * 1024;

/// What PostgreSQL answers where the system gives it no more memory.
pub(super) const OUT_OF_MEMORY: &str = "53200";

impl Store {
    /// Bounds the memory of each session of the role, where the database runs on this machine and lets us: as a user that
    /// we may act for, and not in another container.
    pub(super) async fn bound_reader_memory(&self, options: &PgConnectOptions) -> Result<()> {
        if options.get_socket().is_none() && !options.get_host().starts_with('/') {
            return Ok(());
        }
        let role = options.get_username();
        let processes = sqlx::query_scalar!(
            r#"select pid as "pid!" from pg_stat_activity
               where usename = $1::text and datname = current_database() and backend_type = 'client backend'"#,
            role,
        )
        .fetch_all(&self.pool)
        .await?;
        for process in processes {
            if let Err(error) = bound(process, role) {
                tracing::debug!(%error, process, "the memory of a session for people's SQL is not bounded");
            }
        }
        Ok(())
    }
}

fn bound(process: i32, role: &str) -> io::Result<()> {
    // In another container the number is another process's.
    let title = fs::read(format!("/proc/{process}/cmdline"))?;
    let title = String::from_utf8_lossy(&title);
    if !title.starts_with("postgres: ") || !title.contains(role) {
        return Err(io::Error::other("no process of this number serves the session"));
    }
    let limit = Rlimit {
        current: Some(SESSION_BYTES),
        maximum: Some(SESSION_BYTES),
    };
    // It holds for what a process maps for itself; what all of them share does not count.
    prlimit(Pid::from_raw(process), Resource::Data, limit)?;
    Ok(())
}
