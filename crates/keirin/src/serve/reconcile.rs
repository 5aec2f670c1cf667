//! What goes on beside the engine while this server leads: logs of finished attempts are closed, closed logs are sealed, facts become series, and
//! samples come in and go out.

use std::sync::Arc;
use std::time::Duration;

use keirin_api::App;
use keirin_controller::Controller;
use keirin_logs::Logs;
use keirin_metrics::exchange::Exchange;
use keirin_metrics::transforms::Transforms;
use keirin_model::{AttemptId, LogStreamId};
use keirin_store::Store;
use tokio::task::AbortHandle;
use tokio::time::Instant;

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
/// How many times as long as making samples took it rests afterwards, so that it never takes much of a busy machine:
/// what it costs goes with the series that have grown, and hardly with how many facts each has grown by.
const REST: u32 = 15;
/// The longest rest, which is how old a sample may be on a machine that is busy.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// How often it is looked for facts that nobody has told of.
const FACTS: Duration = Duration::from_secs(5);

/// How often what was pushed is said again: well within the time after which a series counts as gone.
const REFRESH_PUSHED_GROUPS: Duration = Duration::from_secs(60);
/// How often new samples are sent on.
const FORWARD: Duration = Duration::from_secs(10);
/// How often it is looked for agents that waited to be let in and are gone.
const FORGET_AGENTS: Duration = Duration::from_secs(3600);
/// How often samples are dropped that are too old.
const DROP_OLD: Duration = Duration::from_secs(3600);
/// How often it is looked for sessions of the role for people's SQL that stay open.
const END_SESSIONS: Duration = Duration::from_secs(30);
/// How long a transaction of such a session may be open.
const OLDEST_TRANSACTION: Duration = Duration::from_secs(120);

/// Starts the loops of a server that leads; they end when the handle is told to.
pub(super) fn start(server: &Server) -> AbortHandle {
    let (logs, controller) = (server.logs.clone(), Arc::clone(&server.controller));
    let (transforms, exchange) = (server.transforms.clone(), Arc::clone(&server.exchange));
    let store = server.store.clone();
    let app = Arc::clone(&server.app);
    let loops = async move {
        tokio::join!(
            close_logs(&logs, &controller),
            seal_logs(&logs),
            follow_facts(&transforms, &controller),
            refresh_pushed_groups(&exchange),
            forward(&exchange),
            drop_old(&exchange),
            end_old_sessions(&store),
            forget_silent_agents(&app),
        );
    };
    tokio::spawn(loops).abort_handle()
}

/// Makes samples of new facts.
async fn follow_facts(transforms: &Transforms, controller: &Controller) {
    let mut commits = controller.commits();
    let mut described = false;
    loop {
        let began = Instant::now();
        if !described {
            match transforms.describe().await {
                Ok(()) => described = true,
                Err(error) => tracing::warn!(%error, "metrics cannot be described at the moment"),
            }
        }
        if let Err(error) = transforms.catch_up(machine::now()).await {
            tracing::warn!(%error, "facts cannot become series at the moment");
        }
        tokio::time::sleep((began.elapsed() * REST).min(LONGEST_REST)).await;
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

async fn refresh_pushed_groups(exchange: &Exchange) {
    loop {
        tokio::time::sleep(REFRESH_PUSHED_GROUPS).await;
        if let Err(error) = exchange.groups().refresh_pushed_groups().await {
            tracing::warn!(%error, "what was pushed cannot be said again at the moment");
        }
    }
}

/// Sends new samples to every server that is to have them, each at its own pace.
async fn forward(exchange: &Exchange) {
    let each = exchange.forwarders().iter().map(async |forwarder| {
        loop {
            match forwarder.forward().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(forward = forwarder.name(), %error, "samples cannot be sent on at the moment");
                }
            }
            tokio::time::sleep(FORWARD).await;
        }
    });
    futures::future::join_all(each).await;
}

/// Forgets agents that nobody has let in and that are gone.
async fn forget_silent_agents(app: &App) {
    loop {
        if let Err(error) = app.forget_silent_agents().await {
            tracing::warn!(%error, "agents that are gone cannot be forgotten at the moment");
        }
        tokio::time::sleep(FORGET_AGENTS).await;
    }
}

async fn drop_old(exchange: &Exchange) {
    loop {
        match exchange.drop_old().await {
            Ok(0) => {}
            Ok(chunks) => tracing::info!(chunks, "samples that are too old have been dropped"),
            Err(error) => {
                tracing::warn!(%error, "samples that are too old cannot be dropped at the moment")
            }
        }
        tokio::time::sleep(DROP_OLD).await;
    }
}

/// Ends sessions of whoever signed in to the database as the role for people's SQL and left a transaction open.
async fn end_old_sessions(store: &Store) {
    loop {
        match store.end_old_reader_sessions(OLDEST_TRANSACTION).await {
            Ok(0) => {}
            Ok(sessions) => {
                tracing::warn!(
                    sessions,
                    "sessions of the role for SQL stayed open too long and were ended"
                );
            }
            Err(error) => tracing::warn!(%error, "old sessions of the role for SQL cannot be ended"),
        }
        tokio::time::sleep(END_SESSIONS).await;
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
