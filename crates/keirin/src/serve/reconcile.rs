//! What goes on beside the engine: logs of finished attempts are closed, and closed logs are sealed.

use std::sync::Arc;
use std::time::Duration;

use keirin_controller::Controller;
use keirin_logs::Logs;
use keirin_model::{AttemptId, LogStreamId};
use tokio::task::AbortHandle;

use super::Server;
use crate::machine;

/// How often it is looked for logs whose attempt is over.
const CLOSE: Duration = Duration::from_secs(1);
/// How often it is looked when there was nothing.
const CLOSE_IDLE: Duration = Duration::from_secs(5);

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

/// Closes the logs of attempts that nobody holds any more.
async fn close_logs(logs: &Logs, controller: &Controller) {
    loop {
        let closed = close_some(logs, controller).await;
        let pause = if closed > 0 { CLOSE } else { CLOSE_IDLE };
        tokio::time::sleep(pause).await;
    }
}

async fn close_some(logs: &Logs, controller: &Controller) -> usize {
    let Ok(handle) = controller.handle() else { return 0 };
    let open: Vec<(LogStreamId, AttemptId)> = match logs.open_attempts().await {
        Ok(open) => open,
        Err(error) => {
            tracing::warn!(%error, "open logs cannot be listed at the moment");
            return 0;
        }
    };
    let mut closed = 0;
    for (stream, attempt) in open {
        if handle.live().get(attempt).is_some() {
            continue;
        }
        match logs.close(stream, machine::now()).await {
            Ok(()) => closed += 1,
            Err(error) => tracing::warn!(%attempt, %error, "a log could not be closed"),
        }
    }
    closed
}
