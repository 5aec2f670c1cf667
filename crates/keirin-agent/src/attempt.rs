//! One attempt at a job from its start to the last word about it: workspace, steps, what they left, the report.

use std::sync::Arc;

use keirin_wire::agent::{Assignment, AttemptEvent};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::backoff::Backoff;
use crate::clock::ServerClock;
use crate::config::{Config, RunAs};
use crate::delivery::Delivery;
use crate::mask::Masks;
use crate::output::JobLog;
use crate::remains;
use crate::runner::Runner;
use crate::sandbox::{Namespaces, Sandbox, Sandboxes};
use crate::server::{AttemptLease, Server, Trouble};
use crate::slots::Slot;
use crate::spool::SharedSpool;
use crate::spool_log::LogSpool;
use crate::step::StepEnd;
use crate::stop::Stop;
use crate::workspace::{Folder, Workspace};

/// An attempt with all that it needs.
pub(crate) struct Attempt {
    pub(crate) config: Arc<Config>,
    pub(crate) server: Arc<dyn Server>,
    pub(crate) folder: Arc<Folder>,
    pub(crate) sandboxes: Arc<Sandboxes>,
    /// Where it runs; `None` where the server gave more jobs than there are slots.
    pub(crate) slot: Option<Slot>,
    pub(crate) assignment: Assignment,
    pub(crate) stop: Stop,
    pub(crate) received_at: Instant,
    pub(crate) clock: ServerClock,
}

/// What is left of an attempt that is over.
struct Used {
    sandbox: Option<Sandbox>,
    workspace: Option<Workspace>,
}

impl Attempt {
    /// Runs to the end: until nothing of the job is left on this machine, and the server knows how it went or does not
    /// want to know.
    pub(crate) async fn run(self) {
        let attempt = self.assignment.attempt;
        let lease = AttemptLease {
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
            log_trouble: Trouble::default(),
        };
        let delivery = AbortOnDropHandle::new(tokio::spawn(delivery.run()));

        let Used { sandbox, workspace } = self.work(&lease, &spool).await;
        // While the server hears of the end.
        let clearing = tokio::spawn(async move {
            if let Some(sandbox) = sandbox {
                sandbox.close().await;
            }
            let removal = move || {
                if let Some(Err(error)) = workspace.map(|workspace| workspace.remove()) {
                    tracing::warn!(%attempt, %error, "cannot remove a workspace");
                }
            };
            tokio::task::spawn_blocking(removal).await
        });
        self.sandboxes.make_ahead();
        // The agent may be stopped while the job still runs, or while the server is away after its end.
        let farewell = async {
            self.stop.agent_stopping().await;
            sleep(self.config.patience.farewell).await;
        };
        tokio::select! {
            _ = delivery => {}
            () = farewell => tracing::warn!(%attempt, "the server could not be told how a job ended"),
        }
        if !matches!(clearing.await, Ok(Ok(()))) {
            tracing::error!(%attempt, "removing a workspace broke off");
        }
        // Made only when the server could not be reached for long.
        let _ = std::fs::remove_file(spool_file);
    }

    /// Makes the workspace, runs the steps, ends what they left, and says how it went.
    async fn work(&self, lease: &AttemptLease, spool: &Arc<SharedSpool>) -> Used {
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
        let (used, end) = match self.begin().await {
            Ok((workspace, sandbox)) => {
                let (sandbox, end) = self.run_in(&workspace, sandbox, lease, &log, &tell).await;
                let (sandbox, workspace) = (Some(sandbox), Some(workspace));
                (Used { sandbox, workspace }, end)
            }
            Err((workspace, reason)) => {
                let sandbox = None;
                (Used { sandbox, workspace }, StepEnd::failed(reason))
            }
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
        used
    }

    /// Makes what the steps run in; or says why there is none, with what has been made of it.
    async fn begin(&self) -> Result<(Workspace, Sandbox), (Option<Workspace>, String)> {
        let Some(slot) = &self.slot else {
            return Err((None, "the agent was given more jobs than it has slots".to_owned()));
        };
        let workspace = match self.folder.workspace(self.assignment.attempt, slot.owner()) {
            Ok(workspace) => workspace,
            Err(error) => return Err((None, format!("the agent has no workspace for the job: {error}"))),
        };
        let folders = workspace.folders().clone();
        match self.sandboxes.start(folders, slot.owner()).await {
            Ok(sandbox) => Ok((workspace, sandbox)),
            Err(error) => Err((
                Some(workspace),
                format!("the agent cannot keep the job apart from others: {error}"),
            )),
        }
    }

    /// Runs the steps and ends what they left. Returns the sandbox, which is still to be closed.
    async fn run_in(
        &self,
        workspace: &Workspace,
        sandbox: Sandbox,
        lease: &AttemptLease,
        log: &Arc<JobLog>,
        tell: &(dyn Fn(AttemptEvent) + Send + Sync),
    ) -> (Sandbox, StepEnd) {
        let sandbox = Mutex::new(sandbox);
        tell(AttemptEvent::Started);
        let mut end = Runner::new(self, lease, log, workspace, &sandbox, tell)
            .run()
            .await;
        let mut sandbox = sandbox.into_inner();
        let left = match sandbox.end().await {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(attempt = %lease.attempt, %error, "a job's sandbox cannot end what the job had left running");
                self.end_remains(workspace).await
            }
        };
        self.end_processes_of_slot(workspace).await;
        if let Some(exceeded) = sandbox.take_exceeded() {
            let limit = self.config.job_limits.explain(exceeded);
            log.say(None, &limit);
            end = end.over(limit);
        }
        if left > 0 {
            let noun = if left == 1 { "process" } else { "processes" };
            log.say(
                None,
                &format!("Ended {left} {noun} that the job had left running."),
            );
        }
        (sandbox, end)
    }

    /// Ends what shows that it belongs to this workspace, for a sandbox that was killed itself. Returns how many processes
    /// there were.
    async fn end_remains(&self, workspace: &Workspace) -> usize {
        let attempt = self.assignment.attempt;
        let root = workspace.root().to_owned();
        match tokio::task::spawn_blocking(move || remains::end_processes_in(&root)).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => {
                tracing::error!(%attempt, %error, "cannot look for processes that a job has left");
                0
            }
            Err(error) => {
                tracing::error!(%attempt, %error, "looking for processes that a job has left broke off");
                0
            }
        }
    }

    /// Where no namespace ends with its first process: ends whatever runs as the slot's user, which nobody else is.
    async fn end_processes_of_slot(&self, workspace: &Workspace) {
        if self.sandboxes.namespaces == Namespaces::Full {
            return;
        }
        if let (RunAs::Range(_), Some(owner)) = (&self.config.identity, workspace.owner())
            && let Err(error) = self.sandboxes.end_processes_of(owner).await
        {
            tracing::error!(attempt = %self.assignment.attempt, %error, "a job may have left processes");
        }
    }
}
