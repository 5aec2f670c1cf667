//! What a command is about: a configuration and the data folder that it names.

use std::path::Path;

use anyhow::bail;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;

use crate::config::{Config, ConfigFlags};
use crate::serve::data::DataFolder;

/// The configuration in force. One that cannot be used is told to people.
pub(super) fn configuration(flags: &ConfigFlags, output: &Output) -> Result<Config, CommandExit> {
    flags.read().map_err(|error| {
        output.error(format!("the configuration cannot be used: {error}"));
        CommandExit::Usage
    })
}

/// The data folder of a server that has been started before.
///
/// # Errors
/// There is none, or it holds no database.
pub(super) fn used_folder(config: &Config) -> anyhow::Result<DataFolder> {
    let Some(data) = DataFolder::existing(&config.data_dir)? else {
        bail!(
            "there is no data folder {}; name the server's with --data-dir",
            config.data_dir.display()
        );
    };
    if config.database_url.is_none() && !has_private_database(data.root()) {
        bail!(
            "{} holds no database: no server has been started with it; name the server's folder with --data-dir, or \
             its database with --database-url",
            data.root().display()
        );
    }
    Ok(data)
}

/// Whether a private database has been made in this data folder.
pub(super) fn has_private_database(root: &Path) -> bool {
    root.join("postgres").join("PG_VERSION").exists()
}
