//! What goes on beside the engine: logs of finished attempts are closed, and closed logs are sealed.

use std::sync::Arc;
use std::time::Duration;

use keirin_controller::Controller;
use keirin_logs::Logs;
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

/// Starts the loops; they end when the handle is told to.
pub(super) fn start(server: &Server) -> AbortHandle {
    let (logs, controller) = (server.logs.clone(), Arc::clone(&server.controller));
    let loops = async move {
        tokio::join!(close_logs(&logs, &controller), seal_logs(&logs));
    };
    tokio::spawn(loops).abort_handle()
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
