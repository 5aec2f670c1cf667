//! `keirin admin backup`: takes a backup now.

use std::path::{Path, PathBuf};

use clap::Args;
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::{Output, duration};
use keirin_console::progress::{count, size};
use keirin_model::Timestamp;
use serde_json::json;

use super::place::{configuration, used_folder};
use crate::agent::REGISTRATION;
use crate::backup::{BackupSource, Taken, is_standard_output};
use crate::config::ConfigFlags;
use crate::serve::storage::{self, Database};
use crate::signals::Stop;

/// Backs a server up into one file: database, logs, artifacts and master key. Whoever has the file has all secrets
/// of the server, so keep it where nobody else can read it
#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// The file to write; `-` for standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    flags: ConfigFlags,
}

/// Writes an archive of a server.
///
/// # Errors
/// The server's parts cannot be read, or the file cannot be written; then there is no file.
pub(super) async fn backup(arguments: BackupArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let config = match configuration(&arguments.flags, output) {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let started = machine::now();
    let mut stop = Stop::listen()?;
    let data = used_folder(&config)?;
    let database = Database::reach(&config, &data).await?;
    let source = BackupSource {
        store: database.store().clone(),
        objects: storage::objects(&config, &data)?,
        key: data.known_master_key()?,
        registration: data.agent().join(REGISTRATION),
        is_watched: true,
    };
    let taken = tokio::select! {
        taken = source.write_to(&arguments.file) => Some(taken),
        _ = stop.asked() => None,
    };
    database.close().await?;
    let Some(taken) = taken else {
        output.say("Stopped; no backup was written.");
        return Ok(CommandExit::Cancelled);
    };
    tell(&taken?, &arguments.file, started, output);
    Ok(CommandExit::Success)
}

fn tell(taken: &Taken, file: &Path, started: Timestamp, output: &Output) {
    let seconds = machine::now().duration_since(started).as_secs_f64();
    let end = &taken.end;
    let is_stream = is_standard_output(file);
    let shown = if is_stream {
        "standard output".to_owned()
    } else {
        file.display().to_string()
    };
    let summary = format!(
        "Backed up {}, {} and {} ({}) in {} to {shown}.",
        count(end.projects, "project"),
        count(end.flows, "flow"),
        count(end.objects, "object"),
        size(end.object_bytes),
        duration(seconds),
    );
    match (is_stream, output.is_json()) {
        // The archive itself is on standard output.
        (true, _) => output.say(summary),
        (false, true) => output.document(&json!({
            "file": shown, "bytes": taken.bytes, "taken_at": taken.at, "seconds": seconds, "projects": end.projects,
            "flows": end.flows, "objects": end.objects, "object_bytes": end.object_bytes, "rows": end.rows,
            "master_key": taken.has_key,
        })),
        (false, false) => output.line(summary),
    }
    if taken.has_key {
        output.hint("It holds the master key: whoever has the file has every secret of the server.");
    } else {
        output.say("There is no master key in the data folder, so there is none in the backup.");
    }
}
