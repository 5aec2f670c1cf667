//! Servers that this machine knows: the one that runs here, and those that somebody has signed in to.
#![expect(clippy::disallowed_methods, reason = "the adapter that looks for known servers on disk")]

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use keirin_console::{machine, private_file};
use serde::{Deserialize, Serialize};

use crate::local;
use crate::reach::{KnownServer, NoServer, is_same};

/// The usual data folder.
const DATA_FOLDER: &str = ".keirin-data";
/// The file in the user's configuration folder that holds what `keirin login` saves.
const LOGINS: &str = "logins.json";

/// Servers that somebody has signed in to, the last one first.
#[derive(Default, Serialize, Deserialize)]
struct Logins {
    servers: Vec<KnownServer>,
}

/// The server on this machine: of the named data folder, or of the nearest one. One that is named must be there.
///
/// # Errors
/// The named folder has no server, or its file cannot be read.
pub(crate) fn on_this_machine(named: Option<&Path>) -> anyhow::Result<Option<KnownServer>> {
    let named = named.map(Path::to_owned);
    if let Some(folder) = named.or_else(|| machine::variable("KEIRIN_DATA_DIR").map(PathBuf::from)) {
        let server = server_of(&folder)?;
        let missing = || {
            NoServer::Unknown(format!(
                "no server has been started with the data folder {}; start it: keirin serve --data-dir {0}",
                folder.display()
            ))
        };
        return Ok(Some(server.ok_or_else(missing)?));
    }
    let here = std::env::current_dir().context("cannot tell which folder this is")?;
    for folder in here.ancestors() {
        let folder = folder.join(DATA_FOLDER);
        // Whoever can write a folder above this one must not choose the server that a command talks to.
        if is_own(&local::file(&folder))? {
            return server_of(&folder);
        }
    }
    Ok(None)
}

/// The server of this data folder; `None` where none runs.
fn server_of(folder: &Path) -> anyhow::Result<Option<KnownServer>> {
    Ok(local::read(folder)?.map(|local| KnownServer {
        url: local.url,
        socket: local.socket.map(|socket| folder.join(socket)),
        token: Some(local.token),
    }))
}

/// Whether there is such a file that belongs to whoever runs the program.
fn is_own(file: &Path) -> anyhow::Result<bool> {
    match std::fs::symlink_metadata(file) {
        Ok(metadata) => Ok(metadata.is_file() && metadata.uid() == nix::unistd::geteuid().as_raw()),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::NotADirectory
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", file.display())),
    }
}

/// Servers that somebody has signed in to, the last one first.
///
/// # Errors
/// The file is there and cannot be read.
pub(crate) fn saved() -> anyhow::Result<Vec<KnownServer>> {
    let Some(file) = file() else { return Ok(Vec::new()) };
    let logins: Option<Logins> = private_file::read_json(&file)?;
    Ok(logins.unwrap_or_default().servers)
}

/// Saves a server, in place of what was known of it. Gives the file.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn save(server: KnownServer) -> anyhow::Result<PathBuf> {
    let file = file().context("there is no home folder to save the token in; set HOME or XDG_CONFIG_HOME")?;
    let mut servers = saved()?;
    servers.retain(|known| !is_same(&known.url, &server.url));
    servers.insert(0, server);
    if let Some(folder) = file.parent() {
        private_file::make_folder(folder)?;
    }
    private_file::write_json(&file, &Logins { servers })?;
    Ok(file)
}

fn file() -> Option<PathBuf> {
    let folder = machine::variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| Some(machine::home()?.join(".config")))?;
    Some(folder.join("keirin").join(LOGINS))
}
