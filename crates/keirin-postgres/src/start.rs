//! Making the data and starting PostgreSQL on it.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Child;

use crate::cluster::{ClusterOptions, NAME};
use crate::error::ClusterError;
use crate::folder::Folder;
use crate::identity::Identity;
use crate::postmaster::Postmaster;
use crate::{folder, postmaster, settings};

/// How often one looks whether PostgreSQL is ready or gone. There is no way to be told.
pub(crate) const LOOK: Duration = Duration::from_millis(10);

/// How long a new PostgreSQL waits for the last processes of one that was killed.
const LEFTOVERS: Duration = Duration::from_secs(10);

/// How ready the kernel is to kill PostgreSQL where memory runs out: its first process after everything else, because all
/// others end with it; those after jobs and most others too, unless one has taken much by itself.
const OOM_SCORE: i32 = -900;
const OOM_SCORE_OF_OTHERS: i32 = -100;

/// The PostgreSQL that runs on this data, once it takes connections; `None` where none runs.
pub(crate) async fn wait_while_starting(data: &Path) -> Result<Option<Postmaster>, ClusterError> {
    loop {
        match Postmaster::on(data)? {
            Some(postmaster) if !postmaster.ready => tokio::time::sleep(LOOK).await,
            found => return Ok(found),
        }
    }
}

/// Starts PostgreSQL, on new data where there is none yet, and waits until it takes connections.
pub(crate) async fn start(
    options: &ClusterOptions,
    folder: &Folder,
    identity: &Identity,
) -> Result<(Postmaster, Child), ClusterError> {
    let data = folder.data();
    let version = folder.version()?;
    if version.is_some() {
        folder.read_password()?;
    }
    let binaries = options.search.find(&data, version).await?;
    identity.let_through(folder.path())?;
    if version.is_none() {
        make_data(&binaries.folder, folder, identity, options.durable).await?;
    }
    let socket_folder = folder.socket_folder(options.runtime_dir.as_deref(), identity)?;
    let arguments = settings::arguments(&data, &socket_folder, options.durable);
    let program = binaries.folder.join("postgres");
    clear_stale_locks(&data, &socket_folder).await?;
    let (log, log_begin) = folder.open_log()?;
    let same_log = log.try_clone().map_err(ClusterError::io("open", &folder.log()))?;
    let mut child = identity
        .command(&program)
        .args(&arguments)
        // Each process that the first one starts sets its own.
        .env("PG_OOM_ADJUST_FILE", "/proc/self/oom_score_adj")
        .env("PG_OOM_ADJUST_VALUE", OOM_SCORE_OF_OTHERS.to_string())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(same_log)
        .spawn()
        .map_err(ClusterError::io("run", &program))?;
    keep_longest(&child);
    loop {
        if let Some(status) = child.try_wait().map_err(ClusterError::io("wait for", &program))? {
            return Err(ClusterError::Start {
                status: status.to_string(),
                log: folder.log(),
                tail: folder.log_tail(log_begin),
            });
        }
        if let Some(postmaster) = Postmaster::on(&data)?
            && postmaster.ready
        {
            return Ok((postmaster, child));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Has the kernel kill this process last where memory runs out, where we may ask for it: with `CAP_SYS_RESOURCE`, which
/// root has outside of most containers.
fn keep_longest(process: &Child) {
    let Some(id) = process.id() else { return };
    if let Err(error) = std::fs::write(format!("/proc/{id}/oom_score_adj"), OOM_SCORE.to_string()) {
        tracing::debug!(%error, "the kernel does not kill PostgreSQL later than others where memory runs out");
    }
}

/// Removes the locks of a PostgreSQL that was killed, once its last processes are gone, which takes them moments.
/// PostgreSQL itself would be misled by a process that nobody has buried, or whose number belongs to another now. Where
/// somebody stays in its folder the locks are left to PostgreSQL to judge.
async fn clear_stale_locks(data: &Path, socket_folder: &Path) -> Result<(), ClusterError> {
    let locks = [
        data.join(postmaster::LOCK),
        socket_folder.join(folder::SOCKET_LOCK),
    ];
    let mut waited = Duration::ZERO;
    while locks.iter().any(|lock| lock.exists()) && waited < LEFTOVERS {
        if !postmaster::somebody_works_in(data)? {
            tracing::info!("removing the locks of a PostgreSQL that was killed");
            for lock in &locks {
                folder::remove_file(lock)?;
            }
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
    }
    Ok(())
}

async fn make_data(
    binaries: &Path,
    folder: &Folder,
    identity: &Identity,
    durable: bool,
) -> Result<(), ClusterError> {
    let unfinished = folder.unfinished_data();
    match std::fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(ClusterError::io("remove", &unfinished)(error));
        }
        _ => {}
    }
    DirBuilder::new()
        .mode(0o700)
        .create(&unfinished)
        .map_err(ClusterError::io("make the folder", &unfinished))?;
    identity.own(&unfinished)?;

    // PostgreSQL's user may be another than ours, so it gets a copy of the password for this once.
    let password = folder.new_password()?;
    let copy = folder.path().join("postgres.unfinished.password");
    folder::write_secret(&copy, &password.0)?;
    identity.own(&copy)?;
    let program = binaries.join("initdb");
    let mut command = identity.command(&program);
    command
        .arg("--pgdata")
        .arg(&unfinished)
        .arg("--pwfile")
        .arg(&copy)
        .args([
            "--username",
            NAME,
            "--auth",
            "scram-sha-256",
            "--locale",
            "C",
            "--encoding",
            "UTF8",
        ])
        .stdin(Stdio::null());
    if !durable {
        command.arg("--no-sync");
    }
    // Whoever starts another beside it would be in its way.
    let output = command.kill_on_drop(true).output().await;
    let output = output.map_err(ClusterError::io("run", &program));
    std::fs::remove_file(&copy).map_err(ClusterError::io("remove", &copy))?;
    let output = output?;
    if !output.status.success() {
        return Err(ClusterError::Init {
            data: folder.data(),
            output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    let data = folder.data();
    std::fs::rename(&unfinished, &data).map_err(ClusterError::io("name", &data))
}
