//! One attempt at a job from its start to the last word about it: workspace, steps, what they left, the report.

use std::sync::Arc;
use std::time::Duration;

use keirin_wire::agent::{Assignment, AttemptEvent};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::backoff::Backoff;
use crate::clock::ServerClock;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::leftovers::Leftovers;
use crate::mask::Masks;
use crate::output::JobLog;
use crate::runner::Runner;
use crate::server::{Lease, Server};
use crate::spool::SharedSpool;
use crate::spool_log::LogSpool;
use crate::step::StepEnd;
use crate::stop::{Stop, StopReason};
use crate::workspace::{Folder, Workspace};

/// An attempt with all that it needs.
pub(crate) struct Attempt {
    pub(crate) config: Arc<Config>,
    pub(crate) server: Arc<dyn Server>,
    pub(crate) folder: Arc<Folder>,
    pub(crate) leftovers: Leftovers,
    pub(crate) assignment: Assignment,
    pub(crate) stop: Stop,
    pub(crate) received_at: Instant,
    pub(crate) clock: ServerClock,
}

impl Attempt {
    /// Runs to the end: until nothing of the job is left on this machine, and the server knows how it went or does not
    /// want to know.
    pub(crate) async fn run(self) {
        let attempt = self.assignment.attempt;
        let lease = Lease {
            attempt,
            token: self.assignment.token.clone(),
        };
        let spool_file = self.folder.spool_file(attempt);
        let log_spool = LogSpool::new(spool_file.clone(), self.config.limits.spool_memory_bytes);
        let spool = Arc::new(SharedSpool::new(log_spool));
        let delivery = Delivery {
            server: Arc::clone(&self.server),
            lease: lease.clone(),
            spool: Arc::clone(&spool),
            stop: self.stop.clone(),
            backoff: Backoff::new(Arc::clone(&self.config.random)),
            patience: self.config.patience,
            exclusive: self.assignment.exclusive,
            received_at: self.received_at,
            clock: self.clock.clone(),
        };
        let delivery = AbortOnDropHandle::new(tokio::spawn(delivery.run()));

        let workspace = self.work(&lease, &spool).await;
        let removal = tokio::task::spawn_blocking(move || {
            if let Some(Err(error)) = workspace.map(|workspace| workspace.remove()) {
                tracing::warn!(%attempt, %error, "cannot remove a workspace");
            }
        });
        let farewell = match self.stop.reason() {
            Some(StopReason::AgentStopping) => self.config.patience.farewell,
            _ => Duration::MAX,
        };
        if timeout(farewell, delivery).await.is_err() {
            tracing::warn!(%attempt, "the server could not be told how a job ended");
        }
        if removal.await.is_err() {
            tracing::error!(%attempt, "removing a workspace broke off");
        }
        // Made only when the server could not be reached for long.
        let _ = std::fs::remove_file(spool_file);
    }

    /// Makes the workspace, runs the steps, ends what they left, and says how it went.
    async fn work(&self, lease: &Lease, spool: &Arc<SharedSpool>) -> Option<Workspace> {
        let log = Arc::new(JobLog::new(
            Arc::clone(spool),
            Masks::new(&self.assignment.masks),
            self.clock.clone(),
            self.config.patience.batching,
            &self.config.limits,
        ));
        let tell = |event| {
            let due = Instant::now() + self.config.patience.batching;
            spool.with(|spool| spool.event(event, due));
            spool.news.notify_one();
        };
        let (workspace, end) = match self
            .folder
            .workspace(self.assignment.attempt, &self.config.identity)
        {
            Ok(workspace) => {
                let running = self.leftovers.enter().await;
                let marker = format!("{}-{:016x}", self.assignment.attempt, (self.config.random)());
                let runner = Runner::new(self, lease, &log, &workspace, &marker, &tell);
                tell(AttemptEvent::Started);
                let end = runner.run().await;
                let left = self.leftovers.sweep(running, &marker).await;
                if left > 0 {
                    let noun = if left == 1 { "process" } else { "processes" };
                    log.say(
                        None,
                        &format!("Ended {left} {noun} that the job had left running."),
                    );
                }
                (Some(workspace), end)
            }
            Err(error) => (
                None,
                StepEnd::failed(format!("the agent has no workspace for the job: {error}")),
            ),
        };
        let StepEnd {
            outcome,
            exit,
            message,
        } = end;
        tell(AttemptEvent::Finished {
            outcome,
            exit,
            message,
        });
        workspace
    }
}
