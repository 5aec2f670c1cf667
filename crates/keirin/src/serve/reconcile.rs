//! What goes on beside the engine: logs of finished attempts are closed, closed logs are sealed, and facts become
//! series.

use std::sync::Arc;
use std::time::Duration;

use keirin_controller::Controller;
use keirin_logs::Logs;
use keirin_metrics::transforms::Transforms;
use keirin_model::{AttemptId, LogStreamId};
use tokio::task::AbortHandle;

use super::Server;
use crate::machine;

/// How long changes are gathered before it is looked for logs whose attempt is over.
const GATHER: Duration = Duration::from_millis(100);
/// How often it is looked when nothing has changed.
const CLOSE_IDLE: Duration = Duration::from_secs(30);
/// How often it is looked for logs to seal that nobody has told of.
const SEAL: Duration = Duration::from_secs(60);

/// How long new facts are gathered before they become samples.
const GATHER_FACTS: Duration = Duration::from_millis(20);
/// How often it is looked for facts that nobody has told of.
const FACTS: Duration = Duration::from_secs(5);

/// Starts the loops; they end when the handle is told to.
pub(super) fn start(server: &Server) -> AbortHandle {
    let (logs, controller) = (server.logs.clone(), Arc::clone(&server.controller));
    let transforms = server.transforms.clone();
    let loops = async move {
        tokio::join!(
            close_logs(&logs, &controller),
            seal_logs(&logs),
            follow_facts(&transforms, &controller)
        );
    };
    tokio::spawn(loops).abort_handle()
}

/// Makes samples of new facts, while this server leads.
async fn follow_facts(transforms: &Transforms, controller: &Controller) {
    let mut commits = controller.commits();
    let mut described = false;
    loop {
        if controller.handle().is_ok() {
            if !described {
                match transforms.describe().await {
                    Ok(()) => described = true,
                    Err(error) => tracing::warn!(%error, "metrics cannot be described at the moment"),
                }
            }
            match transforms.catch_up(machine::now()).await {
                // Facts that came meanwhile are looked for at once.
                Ok(progress) if progress.facts > 0 => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "facts cannot become series at the moment"),
            }
        }
        let news = async {
            tokio::select! {
                // The controller lives as long as this loop.
                changed = commits.changed() => drop(changed),
                () = transforms.woken() => {}
            }
            tokio::time::sleep(GATHER_FACTS).await;
        };
        drop(tokio::time::timeout(FACTS, news).await);
    }
}

/// Makes few large pieces of the many small ones that a closed log came in.
async fn seal_logs(logs: &Logs) {
    loop {
        match logs.seal().await {
            Ok(done) if done.sealed > 0 => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "logs cannot be sealed at the moment"),
        }
        drop(tokio::time::timeout(SEAL, logs.sealing_wanted()).await);
    }
}

/// Closes the logs of attempts that nobody holds any more, so that whoever follows them comes to their end.
async fn close_logs(logs: &Logs, controller: &Controller) {
    let mut commits = controller.commits();
    loop {
        close_finished(logs, controller).await;
        let changed = tokio::time::timeout(CLOSE_IDLE, commits.changed()).await;
        if changed.is_ok() {
            tokio::time::sleep(GATHER).await;
        }
    }
}

async fn close_finished(logs: &Logs, controller: &Controller) {
    let Ok(handle) = controller.handle() else { return };
    let open: Vec<(LogStreamId, AttemptId)> = match logs.open_attempts().await {
        Ok(open) => open,
        Err(error) => return tracing::warn!(%error, "open logs cannot be listed at the moment"),
    };
    for (stream, attempt) in open {
        if handle.live().get(attempt).is_none()
            && let Err(error) = logs.close(stream, machine::now()).await
        {
            tracing::warn!(%attempt, %error, "a log could not be closed");
        }
    }
}
