//! How the server of a data folder is reached from this machine: a file in the folder, which the server writes when it takes
//! work and which only its owner may read.

use std::fmt;
use std::path::{Path, PathBuf};

use keirin_console::private_file;
use serde::{Deserialize, Serialize};
use url::Url;

/// Where the server on this machine is reached, with a token that may do everything.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// Its address.
    pub url: Url,
    /// The path of its socket from the data folder; `None` where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// What opens it. Never printed.
    pub token: String,
}

impl fmt::Debug for Local {
    /// Leaves the token out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Local({})", self.url)
    }
}

/// The file of a data folder that says it.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("local.json")
}

/// What the file of a data folder says; `None` where there is none.
///
/// # Errors
/// The file is there and cannot be read, or holds something else.
pub fn read(folder: &Path) -> anyhow::Result<Option<Local>> {
    private_file::read_json(&file(folder))
}
