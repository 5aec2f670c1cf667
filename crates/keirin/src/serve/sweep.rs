//! Once a day: objects that nothing points at are removed.

use std::time::Duration;

use keirin_logs::Logs;
use keirin_objects::Objects;
use keirin_store::Store;

use crate::machine;

/// How often it is swept. Until something does, a crash has cost a little room and nothing else.
const EVERY: Duration = Duration::from_hours(24);
/// How long the server has been there before it sweeps for the first time; many servers never are for a day.
const FIRST: Duration = Duration::from_hours(1);
/// What is younger may still get its row, or still be written to.
const AGE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Sweeps until it is dropped.
pub(super) async fn sweep(store: &Store, logs: &Logs, objects: &Objects) {
    tokio::time::sleep(FIRST).await;
    loop {
        match once(store, logs, objects).await {
            Ok(0) => {}
            Ok(swept) => tracing::info!(swept, "removed objects that nothing pointed at"),
            Err(error) => tracing::warn!(%error, "objects cannot be swept at the moment"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn once(
    store: &Store,
    logs: &Logs,
    objects: &Objects,
) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    let before = machine::now() - AGE;
    let unfinished = objects.sweep_unfinished(before).await?;
    let lines = logs.sweep_orphans(before).await?;
    let artifacts = keirin_api::sweep_artifacts(store, objects, before).await?;
    Ok(unfinished + lines + artifacts)
}
