//! Finding PostgreSQL's programs: those that were named, else the system's, else the copy beside this program.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::error::ClusterError;
use crate::folder::Folder;
use crate::identity::plain_command;

/// The oldest PostgreSQL that the statements of this program run on.
pub const OLDEST_POSTGRES: u32 = 15;

/// Where to look for PostgreSQL's programs.
#[derive(Debug, Clone, Default)]
pub struct PostgresSearch {
    /// The only folder to look in, where a person has named one.
    pub named: Option<PathBuf>,
    /// Whether to pass over what the system has.
    pub hide_system: bool,
    /// The value of `PATH`.
    pub path: Option<OsString>,
    /// The folder of this program's own file, for the copy beside it.
    pub beside: Option<PathBuf>,
}

/// A folder with PostgreSQL's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) folder: PathBuf,
    pub(crate) major: u32,
}

impl fmt::Display for Binaries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {}", self.major, self.folder.display())
    }
}

impl PostgresSearch {
    /// The folder of the programs that the cluster in this data folder would be run by, and their major version.
    ///
    /// # Errors
    /// There are none that fit; says what to do.
    pub async fn locate(&self, data_dir: &Path) -> Result<(PathBuf, u32), ClusterError> {
        let folder = Folder::at(data_dir);
        let binaries = self.find(&folder.data(), folder.version()?).await?;
        Ok((binaries.folder, binaries.major))
    }

    /// Finds the programs for data of this major version; for new data, the newest.
    pub(crate) async fn find(&self, data: &Path, version: Option<u32>) -> Result<Binaries, ClusterError> {
        let mut found = Vec::new();
        if let Some(named) = &self.named {
            found.push(look_into(named).await?);
        } else {
            let mut system = if self.hide_system {
                Vec::new()
            } else {
                running(&self.system_folders()).await
            };
            // Stable, so that of the same version the first place wins.
            system.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
            found.append(&mut system);
            found.append(&mut running(&self.folders_beside()).await);
        }
        let fits = |binaries: &&Binaries| match version {
            Some(version) => binaries.major == version,
            None => binaries.major >= OLDEST_POSTGRES,
        };
        if let Some(binaries) = found.iter().find(fits) {
            return Ok(binaries.clone());
        }
        let list = found
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let list = if list.is_empty() {
            "none at all".to_owned()
        } else {
            format!("only {list}")
        };
        Err(match version {
            Some(version) => ClusterError::OtherVersion {
                data: data.to_owned(),
                version,
                found: list,
            },
            None => ClusterError::NoBinaries {
                oldest: OLDEST_POSTGRES,
                found: list,
            },
        })
    }

    fn system_folders(&self) -> Vec<PathBuf> {
        let path = self
            .path
            .iter()
            .flat_map(|path| std::env::split_paths(path).collect::<Vec<_>>());
        // Debian's and Red Hat's places, where versions lie side by side and mostly not in PATH.
        path.chain(versions("/usr/lib/postgresql", ""))
            .chain(versions("/usr", "pgsql-"))
            .chain([PathBuf::from("/usr/local/pgsql/bin")])
            .collect()
    }

    fn folders_beside(&self) -> Vec<PathBuf> {
        self.beside
            .iter()
            .flat_map(|beside| {
                [
                    beside.join("postgres/bin"),
                    beside.join("../share/keirin/postgres/bin"),
                ]
            })
            .collect()
    }
}

/// The `bin` folders of the versions that lie in one folder.
fn versions(parent: &str, prefix: &str) -> Vec<PathBuf> {
    // A folder that cannot be read holds nothing that could be run.
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut folders: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix));
            version.is_some_and(|version| version.parse::<u32>().is_ok())
        })
        .map(|entry| entry.path().join("bin"))
        .collect();
    folders.sort();
    folders
}

/// Those of the folders that hold PostgreSQL. A system's folder without it, or with one that does not run, is no fault.
async fn running(folders: &[PathBuf]) -> Vec<Binaries> {
    let mut found: Vec<Binaries> = Vec::new();
    for folder in folders {
        if let Ok(binaries) = look_into(folder).await
            && found.iter().all(|other| other.folder != binaries.folder)
        {
            found.push(binaries);
        }
    }
    found
}

async fn look_into(folder: &Path) -> Result<Binaries, ClusterError> {
    let not_postgres = |why: String| ClusterError::NotPostgres {
        folder: folder.to_owned(),
        why,
    };
    for program in ["postgres", "initdb"] {
        let is_program = folder
            .join(program)
            .metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0);
        if !is_program {
            return Err(not_postgres(format!("there is no program `{program}` in it")));
        }
    }
    let output = plain_command(&folder.join("postgres"))
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| not_postgres(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let major = major(&text).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        not_postgres(format!(
            "`postgres --version` says `{}`",
            [text.trim(), complaint.trim()].concat()
        ))
    })?;
    Ok(Binaries {
        folder: folder.to_owned(),
        major,
    })
}

/// The major version in what `postgres --version` says, as in `postgres (PostgreSQL) 15.18 (Debian ...)`.
fn major(text: &str) -> Option<u32> {
    let version = text.split("(PostgreSQL) ").nth(1)?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18devel\n"), Some(18));
        assert_eq!(major("something else"), None);
    }
}
