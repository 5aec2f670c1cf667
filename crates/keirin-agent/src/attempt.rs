//! One attempt at a job from its start to the last word about it: workspace, steps, what they left, the report.

use std::sync::Arc;

use keirin_wire::agent::{Assignment, AttemptEvent};
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::backoff::Backoff;
use crate::clock::ServerClock;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::executor::{Executors, JobExecutor};
use crate::mask::Masks;
use crate::output::JobLog;
use crate::runner::Runner;
use crate::server::{AttemptLease, Server, Trouble};
use crate::slots::Slot;
use crate::spool::SharedSpool;
use crate::spool_log::LogSpool;
use crate::step::{JobContext, StepEnd};
use crate::stop::Stop;
use crate::workspace::Folder;

/// An attempt with all that it needs.
pub(crate) struct Attempt {
    pub(crate) config: Arc<Config>,
    pub(crate) server: Arc<dyn Server>,
    pub(crate) folder: Arc<Folder>,
    pub(crate) executors: Arc<Executors>,
    /// Where it runs; `None` where the server gave more jobs than there are slots.
    pub(crate) slot: Option<Slot>,
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

        let executor = self.work(&lease, &spool).await;
        // While the server hears of the end.
        let clearing = tokio::spawn(async move {
            if let Some(executor) = executor {
                executor.clean_up().await;
            }
        });
        self.executors.make_ahead();
        // The agent may be stopped while the job still runs, or while the server is away after its end.
        let farewell = async {
            self.stop.agent_stopping().await;
            sleep(self.config.patience.farewell).await;
        };
        tokio::select! {
            _ = delivery => {}
            () = farewell => tracing::warn!(%attempt, "the server could not be told how a job ended"),
        }
        if let Err(error) = clearing.await {
            tracing::error!(%attempt, %error, "clearing away what a job ran in broke off");
        }
        // Made only when the server could not be reached for long.
        let _ = std::fs::remove_file(spool_file);
    }

    /// Prepares what the steps run in, runs them, ends what they left, and says how it went. Returns what is still to be
    /// cleaned up.
    async fn work(&self, lease: &AttemptLease, spool: &Arc<SharedSpool>) -> Option<Box<dyn JobExecutor>> {
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
        let (executor, end) = match self.prepare().await {
            Ok(executor) => {
                let job = JobContext {
                    config: &self.config,
                    server: &self.server,
                    lease,
                    assignment: &self.assignment,
                    executor: executor.as_ref(),
                    log: &log,
                };
                let end = self.run_in(job, &tell).await;
                (Some(executor), end)
            }
            Err(reason) => (None, StepEnd::failed(reason)),
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
        executor
    }

    /// Prepares what the steps run in; or says why there is none.
    async fn prepare(&self) -> Result<Box<dyn JobExecutor>, String> {
        let slot = self.slot.as_ref();
        let slot = slot.ok_or_else(|| "the agent was given more jobs than it has slots".to_owned())?;
        let kind = self.assignment.job.requirements.executor;
        let prepared = self.executors.prepare(kind, self.assignment.attempt, slot);
        prepared.await.map_err(|error| error.to_string())
    }

    /// Runs the steps and ends what they left.
    async fn run_in(&self, job: JobContext<'_>, tell: &(dyn Fn(AttemptEvent) + Send + Sync)) -> StepEnd {
        tell(AttemptEvent::Started);
        let mut end = Runner::new(job, &self.stop, tell).run().await;
        let left = job.executor.end_processes().await;
        if let Some(exceeded) = job.executor.take_exceeded().await {
            let limit = self.config.job_limits.explain(exceeded);
            job.log.say(None, &limit);
            end = end.over(limit);
        }
        if left > 0 {
            let noun = if left == 1 { "process" } else { "processes" };
            job.log.say(
                None,
                &format!("Ended {left} {noun} that the job had left running."),
            );
        }
        end
    }
}
