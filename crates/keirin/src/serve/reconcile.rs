//! What goes on beside the engine while this server leads: logs of finished attempts are closed, facts become series, and
//! samples go out. Each says of its rounds how they went; what must not be lost is a background job instead.

use std::sync::Arc;
use std::time::Duration;

use keirin_background::Reconciler;
use keirin_console::machine;
use keirin_controller::{Controller, RepositoryWatch, WatchError};
use keirin_exchange::exchange::Exchange;
use keirin_logs::Logs;
use keirin_series::transforms::Transforms;
use keirin_store::Store;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::Server;

/// How long changes are gathered before it is looked for logs whose attempt is over.
const GATHER: Duration = Duration::from_millis(100);
/// How often it is looked when nothing has changed.
const CLOSE_IDLE: Duration = Duration::from_secs(30);

/// How long new facts are gathered before they become samples.
const GATHER_FACTS: Duration = Duration::from_millis(20);
/// How many times as long as making samples took it rests afterwards, so that it never takes much of a busy machine:
/// what it costs goes with the series that have grown, and hardly with how many facts each has grown by.
const REST: u32 = 15;
/// The longest rest, which is how old a sample may be on a machine that is busy.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// How long until it is looked again for facts that a transaction has held back. The time doubles as long as that is so.
const HELD_BACK_FACTS: Duration = Duration::from_secs(1);
/// The longest such time.
const LONGEST_HELD_BACK: Duration = Duration::from_secs(10);
/// How long until it is looked again for facts that nobody has told of. The time doubles with each look that finds nothing.
const FACTS: Duration = Duration::from_secs(5);
/// The longest such time.
const LONGEST_WITHOUT_FACTS: Duration = Duration::from_secs(60);

/// How often what was pushed is said again: well within the time after which a series counts as gone.
const REFRESH_PUSHED_GROUPS: Duration = Duration::from_secs(60);
/// How often it is looked whether references of repositories on this machine have moved.
const WATCH: Duration = Duration::from_secs(1);
/// How many times as long as such a look took it rests, so that very many repositories cost little too.
const WATCH_REST: u32 = 100;
/// The longest rest.
const LONGEST_WATCH: Duration = Duration::from_secs(5);
/// How often it is read which projects there are.
const READ_PROJECTS: Duration = Duration::from_secs(5);
/// How often new samples are sent on.
const FORWARD: Duration = Duration::from_secs(10);
/// How often it is looked for sessions of the role for people's SQL that stay open.
const END_SESSIONS: Duration = Duration::from_secs(30);
/// How long a transaction of such a session may be open.
const OLDEST_TRANSACTION: Duration = Duration::from_secs(120);

/// Starts the loops of a server that leads, each a task of its own; they end when the handle is told to.
pub(super) fn start(server: &Server) -> AbortHandle {
    let (logs, controller) = (server.logs.clone(), Arc::clone(&server.controller));
    let (transforms, store) = (server.transforms.clone(), server.store.clone());
    let (exchange, all) = (Arc::clone(&server.exchange), &server.reconcilers);
    let mut loops = JoinSet::new();
    let close = all.add("close_logs", "Close the logs of attempts that are over");
    let of = Arc::clone(&controller);
    loops.spawn(close.keep_going(move |status| close_logs(logs.clone(), Arc::clone(&of), status)));
    let follow = all.add("follow_facts", "Make samples of new facts");
    loops.spawn(
        follow.keep_going(move |status| follow_facts(transforms.clone(), Arc::clone(&controller), status)),
    );
    let watch = all.add("watch_repositories", "Watch repositories for what is pushed");
    let of = store.clone();
    loops.spawn(watch.keep_going(move |status| watch_repositories(of.clone(), status)));
    let refresh = all.add("refresh_pushed_groups", "Say again what was pushed");
    let of = Arc::clone(&exchange);
    loops.spawn(refresh.keep_going(move |status| refresh_pushed_groups(Arc::clone(&of), status)));
    for place in 0..exchange.forwarders().len() {
        let name = exchange.forwarders()[place].name();
        let send = all.add(&format!("forward_{name}"), &format!("Send new samples to {name}"));
        let of = Arc::clone(&exchange);
        loops.spawn(send.keep_going(move |status| forward(Arc::clone(&of), place, status)));
    }
    let end = all.add("end_old_sessions", "End sessions of people's SQL that stay open");
    loops.spawn(end.keep_going(move |status| end_old_sessions(store.clone(), status)));
    tokio::spawn(async move { while loops.join_next().await.is_some() {} }).abort_handle()
}

/// Makes samples of new facts.
async fn follow_facts(transforms: Transforms, controller: Arc<Controller>, status: Reconciler) {
    let mut commits = controller.commits();
    let mut described = false;
    let (mut wait, mut held_back) = (FACTS, HELD_BACK_FACTS);
    loop {
        let began = Instant::now();
        let round = async {
            if !described {
                transforms.describe().await?;
                described = true;
            }
            transforms.catch_up(machine::now()).await
        };
        let round = round.await;
        let has_found = round.as_ref().is_ok_and(|progress| progress.facts > 0);
        let is_held_back = round.as_ref().is_ok_and(|progress| progress.is_held_back);
        status.went(&round.map(drop));
        tokio::time::sleep((began.elapsed() * REST).min(LONGEST_REST)).await;
        let news = async {
            tokio::select! {
                // The controller lives as long as this loop.
                changed = commits.changed() => drop(changed),
                () = transforms.woken() => {}
            }
            tokio::time::sleep(GATHER_FACTS).await;
        };
        let look_again = if is_held_back { held_back } else { wait };
        held_back = match is_held_back {
            true => (held_back * 2).min(LONGEST_HELD_BACK),
            false => HELD_BACK_FACTS,
        };
        let is_told = tokio::time::timeout(look_again, news).await.is_ok();
        wait = match has_found || is_held_back || is_told {
            true => FACTS,
            false => (wait * 2).min(LONGEST_WITHOUT_FACTS),
        };
    }
}

/// Asks for looks at repositories.
async fn watch_repositories(store: Store, status: Reconciler) {
    let mut watch = RepositoryWatch::default();
    let mut read_at = None;
    loop {
        let began = Instant::now();
        let round = async {
            if read_at.is_none_or(|read_at| began.duration_since(read_at) >= READ_PROJECTS) {
                watch.read_projects(&store).await?;
                read_at = Some(began);
            }
            watch.round(&store, machine::now()).await
        };
        let round: Result<(), WatchError> = round.await;
        if round.is_err() {
            // A project may have gone meanwhile.
            read_at = None;
        }
        status.went(&round);
        tokio::time::sleep((began.elapsed() * WATCH_REST).clamp(WATCH, LONGEST_WATCH)).await;
    }
}

async fn refresh_pushed_groups(exchange: Arc<Exchange>, status: Reconciler) {
    loop {
        tokio::time::sleep(REFRESH_PUSHED_GROUPS).await;
        status.went(&exchange.groups().refresh_pushed_groups().await.map(drop));
    }
}

/// Sends new samples to the server at this place of the list, at its own pace.
async fn forward(exchange: Arc<Exchange>, place: usize, status: Reconciler) {
    let Some(forwarder) = exchange.forwarders().get(place) else {
        return;
    };
    loop {
        let round = forwarder.forward().await;
        status.went(&round.as_ref().map(drop));
        if matches!(round, Ok(true)) {
            continue;
        }
        tokio::time::sleep(FORWARD).await;
    }
}

/// Ends sessions of whoever signed in to the database as the role for people's SQL and left a transaction open.
async fn end_old_sessions(store: Store, status: Reconciler) {
    loop {
        let round = store.end_old_reader_sessions(OLDEST_TRANSACTION).await;
        if let Ok(sessions @ 1..) = round {
            tracing::warn!(
                sessions,
                "sessions of the role for SQL stayed open too long and were ended"
            );
        }
        status.went(&round.map(drop));
        tokio::time::sleep(END_SESSIONS).await;
    }
}

/// Closes the logs of attempts that nobody holds any more, so that whoever follows them comes to their end.
async fn close_logs(logs: Logs, controller: Arc<Controller>, status: Reconciler) {
    let mut commits = controller.commits();
    loop {
        if controller.handle().is_ok() {
            status.went(&logs.close_finished(machine::now()).await);
        }
        let changed = tokio::time::timeout(CLOSE_IDLE, commits.changed()).await;
        if changed.is_ok() {
            tokio::time::sleep(GATHER).await;
        }
    }
}
