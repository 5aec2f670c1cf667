//! How the private PostgreSQL is set up: for one small server on the same machine, and safe against a loss of power.

use std::path::Path;

/// The settings that are passed on its command line, where nobody can lose them.
pub(crate) fn arguments(data: &Path, socket_folder: &Path, durable: bool) -> Vec<std::ffi::OsString> {
    let mut arguments = vec!["-D".into(), data.into()];
    let mut set = |setting: std::ffi::OsString| {
        arguments.push("-c".into());
        arguments.push(setting);
    };
    // A list of folders, in which a quoted name may hold anything.
    let quoted = socket_folder.to_string_lossy().replace('"', "\"\"");
    set(format!("unix_socket_directories=\"{quoted}\"").into());
    for setting in [
        // Nobody reaches it but through the socket's folder.
        "listen_addresses=",
        "port=5432",
        "unix_socket_permissions=0700",
        "password_encryption=scram-sha-256",
        "max_connections=100",
        "shared_buffers=64MB",
        "effective_cache_size=512MB",
        "work_mem=16MB",
        "maintenance_work_mem=64MB",
        "jit=off",
        "random_page_cost=1.1",
        // Backups are taken by statements, so the journal is only for crashes.
        "wal_level=minimal",
        "max_wal_senders=0",
        "wal_compression=on",
        "max_wal_size=1GB",
        "checkpoint_timeout=15min",
        // Rows of running work change often: they are cleaned up and counted anew early.
        "autovacuum_naptime=20s",
        "autovacuum_vacuum_scale_factor=0.05",
        "autovacuum_analyze_scale_factor=0.05",
        // A statement whose client is gone ends.
        "client_connection_check_interval=5s",
        "logging_collector=off",
        "log_destination=stderr",
        "log_checkpoints=off",
        "log_timezone=UTC",
        "timezone=UTC",
    ] {
        set(setting.into());
    }
    if !durable {
        for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off"] {
            set(setting.into());
        }
    }
    arguments
}
