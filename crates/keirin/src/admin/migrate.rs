//! `keirin admin migrate`: brings the tables of the database to this version.

use anyhow::bail;
use clap::Args;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_store::Store;
use serde_json::json;

use super::place::configuration;
use crate::config::ConfigFlags;
use crate::serve::data::DataFolder;
use crate::serve::storage::Database;

/// Brings the tables of the database to this version
#[derive(Debug, Args)]
pub(crate) struct MigrateArguments {
    #[command(flatten)]
    flags: ConfigFlags,
}

/// Brings the tables to this version and says from which.
///
/// # Errors
/// The database cannot be reached, is newer, or a statement failed.
pub(super) async fn migrate(arguments: MigrateArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let config = match configuration(&arguments.flags, output) {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let data = DataFolder::open(&config.data_dir)?;
    let database = Database::reach(&config, &data).await?;
    let migrated = bring_up(database.store()).await;
    database.close().await?;
    let (from, to) = migrated?;
    if output.is_json() {
        output.document(&json!({ "from": from, "to": to }));
        return Ok(CommandExit::Success);
    }
    output.line(match from {
        Some(from) if from == to => format!("The tables are at version {to} already."),
        Some(from) => format!("The tables were at version {from} and are at version {to} now."),
        None => format!("The tables were made, at version {to}."),
    });
    Ok(CommandExit::Success)
}

async fn bring_up(store: &Store) -> anyhow::Result<(Option<i64>, i64)> {
    let from = store.condition().await?.tables;
    let to = Store::table_version();
    if let Some(newer) = from.filter(|from| *from > to) {
        bail!(
            "the tables are at version {newer}, and this program knows them up to version {to}; use the newer program"
        );
    }
    store.migrate().await?;
    Ok((from, to))
}
