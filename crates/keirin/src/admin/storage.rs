//! `keirin admin storage`: what takes how much room, and whose the object storage is.

use std::sync::Arc;

use clap::{Args, Subcommand};
use keirin_commands::reach::On;
use keirin_commands::retention;
use keirin_commands::shown::{ago_or_never, until};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_console::progress::{count, size};
use keirin_model::{Clock, Timestamp};
use keirin_retention::Retention;
use keirin_store::audit::AuditDetails;
use keirin_wire::api::{StorageOverview, StorageOwner};

use super::audit;
use super::place::{configuration, used_folder};
use crate::config::ConfigFlags;
use crate::serve::storage::{self, Database};

/// Shows what takes how much room, or makes the database the owner of the object storage
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct StorageArguments {
    #[command(subcommand)]
    command: Option<StorageCommand>,
    #[command(flatten)]
    show: On<NoArguments>,
}

#[derive(Debug, Subcommand)]
enum StorageCommand {
    /// Make this server's database the owner of the object storage, in the place of another
    ///
    /// Objects are removed for their owner alone. A restored copy of a server that uses the same bucket is not the owner;
    /// claim the bucket for it only where the original is gone for good, because what the original has stored since the
    /// backup is removed then.
    Claim(ClaimArguments),
}

#[derive(Debug, Args)]
struct NoArguments {}

#[derive(Debug, Args)]
struct ClaimArguments {
    #[command(flatten)]
    flags: ConfigFlags,
}

/// Does what was asked.
pub(super) async fn storage(arguments: StorageArguments, output: &Output) -> anyhow::Result<CommandExit> {
    match arguments.command {
        None => {
            let (client, NoArguments {}) = arguments.show.connect()?;
            let overview = client.storage().await?;
            if output.is_json() {
                output.document(&overview);
            } else {
                show(&overview, output);
            }
            Ok(CommandExit::Success)
        }
        Some(StorageCommand::Claim(arguments)) => claim(&arguments, output).await,
    }
}

fn show(overview: &StorageOverview, output: &Output) {
    let now = machine::now();
    let kept = overview.items.iter().filter(|item| item.count > 0);
    let rows: Vec<Vec<String>> = kept
        .map(|item| {
            vec![
                item.project.clone().unwrap_or_else(|| "(the server)".to_owned()),
                retention::title(item.kind).to_owned(),
                item.count.to_string(),
                item.bytes.map_or_else(String::new, size),
                ago_or_never(now, item.oldest),
                goes_next(now, item.goes_next),
            ]
        })
        .collect();
    if rows.is_empty() {
        output.say("Nothing is kept yet.");
    } else {
        output.table(
            &["Project", "Kept", "Count", "Size", "Oldest", "Next goes"],
            &rows,
        );
    }
    if overview.objects_to_remove > 0 {
        let objects = count(overview.objects_to_remove, "object");
        output.say(format!(
            "{objects} that nothing points at any more will be removed."
        ));
    }
    match overview.owner {
        StorageOwner::This => {}
        StorageOwner::Another => {
            output.say("The object storage belongs to another database, so nothing is removed from it.");
            output.hint("Where the other server is gone for good: keirin admin storage claim");
        }
        StorageOwner::Nobody => {
            output.say("The object storage does not say whose it is, so nothing is removed from it.");
            output.hint("If it is this server's alone: keirin admin storage claim");
        }
    }
}

/// When something goes that has been kept long enough.
fn goes_next(now: Timestamp, at: Option<Timestamp>) -> String {
    match at {
        None => "never".to_owned(),
        Some(at) if at <= now => "within the hour".to_owned(),
        at => until(now, at),
    }
}

async fn claim(arguments: &ClaimArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let config = match configuration(&arguments.flags, output) {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let data = used_folder(&config)?;
    let database = Database::reach(&config, &data).await?;
    let clock: Clock = Arc::new(machine::now);
    let claimed = async {
        let objects = storage::objects(&config, &data)?;
        let retention = Retention::new(database.store().clone(), objects, clock);
        let store = database.store();
        let entry = audit::begin(store, "keirin admin storage claim", &AuditDetails::new()).await?;
        retention.claim(&machine::password()).await?;
        audit::made(store, entry).await
    };
    let claimed = claimed.await;
    database.close().await?;
    claimed?;
    let place = storage::place_of_objects(&config, &data);
    output.say(format!(
        "The objects in {place} belong to this server's database now."
    ));
    Ok(CommandExit::Success)
}
