//! What a server needs besides its database: git, object storage, an address, the web page.

use std::io::ErrorKind;
use std::sync::Arc;

use keirin_console::machine;
use keirin_git::Git;
use keirin_retention::{OwnershipError, Retention};
use keirin_store::Store;
use tokio::net::TcpListener;

use super::Check;
use super::database::Facts;
use crate::config::Config;
use crate::serve::data::DataFolder;
use crate::serve::storage;

const GIT: &str = "git";
const OBJECTS: &str = "object storage";
const ADDRESS: &str = "address";
const PAGE: &str = "web page";

pub(super) async fn git(checks: &mut Vec<Check>) {
    checks.push(match Git::new().version().await {
        Ok(version) => Check::ok(GIT, version),
        Err(error) => Check::failed(GIT, &error.into()),
    });
}

/// Writes, reads and removes an object.
pub(super) async fn objects(
    config: &Config,
    data: Option<&DataFolder>,
    store: Option<&Store>,
    checks: &mut Vec<Check>,
) {
    let Some(data) = data else {
        checks.push(Check::skipped(OBJECTS, "there is no data folder"));
        return;
    };
    let tried = async { storage::check(&storage::objects(config, data)?).await };
    checks.push(match tried.await {
        Ok(()) if let Some(error) = not_owner(config, data, store).await => {
            Check::problem(OBJECTS, error.to_string(), "see docs/storage.md")
        }
        Ok(()) => Check::ok(
            OBJECTS,
            format!(
                "wrote, read and removed one in {}",
                storage::place_of_objects(config, data)
            ),
        ),
        Err(error) => Check::failed(OBJECTS, &error),
    });
}

/// Why nothing is removed, where a server has used this database and the objects are not its own.
async fn not_owner(config: &Config, data: &DataFolder, store: Option<&Store>) -> Option<OwnershipError> {
    let (store, objects) = (store?, storage::objects(config, data).ok()?);
    // That the database does not answer, or has no tables yet, another check says.
    store.object_owner().await.ok()??;
    let retention = Retention::new(store.clone(), objects, Arc::new(machine::now));
    retention.check_owner().await.err()
}

/// Whether the server has its address, or could have it.
pub(super) async fn address(
    config: &Config,
    data: Option<&DataFolder>,
    facts: &Facts,
    checks: &mut Vec<Check>,
) {
    let listen = config.listen;
    checks.push(match TcpListener::bind(listen).await {
        Ok(_) => Check::ok(ADDRESS, format!("{listen} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let own = data.and_then(|data| data.local().ok().flatten());
            let is_own = own.is_some_and(|local| local.url.port_or_known_default() == Some(listen.port()));
            match &facts.leader {
                Some(leader) if is_own => {
                    Check::ok(ADDRESS, format!("{} listens on {listen}", leader.holder))
                }
                _ => Check::problem(
                    ADDRESS,
                    format!("another program listens on {listen}"),
                    "choose another address with --listen, or stop that program",
                ),
            }
        }
        Err(error) => Check::problem(
            ADDRESS,
            format!("nobody can listen on {listen}: {error}"),
            "name an address of this machine with --listen; ports below 1024 need special rights",
        ),
    });
}

pub(super) fn page(checks: &mut Vec<Check>) {
    checks.push(if keirin_api::page_is_built() {
        Check::ok(PAGE, "in this program")
    } else {
        Check::problem(
            PAGE,
            "this program was built without it",
            "build it with `make build`; everything else works without",
        )
    });
}
