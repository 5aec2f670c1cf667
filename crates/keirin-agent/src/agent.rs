//! The claim loop: asks for work, starts jobs, stops them, goes on whatever the connection does.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use keirin_model::AttemptId;
use keirin_wire::agent::{Assignment, Claim, Claimed, POLL_SECONDS};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::attempt::Attempt;
use crate::backoff::Backoff;
use crate::clock::ServerClock;
use crate::config::{Config, RunAs};
use crate::delivery::in_time;
use crate::error::AgentError;
use crate::executor::{ExecutorParts, Executors};
use crate::isolation::{self, Prepared};
use crate::server::{CallError, Server};
use crate::slots::Slots;
use crate::stop::{Stop, StopReason};
use crate::workspace::Folder;

/// With every slot taken a claim only brings cancels, so a short job is not disturbed by one: this long it is put off.
const PAUSE_WHEN_FULL: Duration = Duration::from_secs(1);

/// A server that answers at once and says nothing is asked again after this.
const PAUSE_AFTER_NOTHING: Duration = Duration::from_millis(100);

/// Whether the agent is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// It works.
    Running,
    /// It takes no new job and ends with its last one.
    Finish,
    /// It stops its jobs, which are then lost and tried elsewhere, and ends.
    Stop,
}

/// A program that runs jobs.
pub struct JobRunner {
    config: Arc<Config>,
    server: Arc<dyn Server>,
    folder: Arc<Folder>,
    slots: Slots,
    executors: Arc<Executors>,
    session: u64,
    sequence: u64,
    jobs: JoinSet<()>,
    held: HashMap<AttemptId, Stop>,
    attempts: HashMap<Id, AttemptId>,
    clock: ServerClock,
}

/// A claim that is under way.
struct Call {
    free: u32,
    sent_at: Instant,
    answer: Pin<Box<dyn Future<Output = Result<Claimed, CallError>> + Send>>,
}

impl JobRunner {
    /// Works until it is told to end and its last job is over.
    pub async fn run(
        config: Config,
        server: Arc<dyn Server>,
        shutdown: watch::Receiver<Shutdown>,
    ) -> Result<(), AgentError> {
        let is_other = matches!(config.identity, RunAs::User(_) | RunAs::Range(_));
        if is_other && !nix::unistd::geteuid().is_root() {
            return Err(AgentError::NotRoot);
        }
        let slots = Slots::new(&config.identity, config.slots, &config.runtime_folder)?;
        let Prepared { folder, sandboxes } = isolation::prepare(&config, &slots).await?;
        let parts = ExecutorParts {
            config: Arc::new(config),
            folder: Arc::new(folder),
            sandboxes: Arc::new(sandboxes),
        };
        let executors = Executors::new(&parts);
        executors.make_ahead();
        let ExecutorParts { config, folder, .. } = parts;
        let agent = Self {
            slots,
            executors: Arc::new(executors),
            session: (config.random)(),
            clock: ServerClock::new(Arc::clone(&config.clock)),
            sequence: 0,
            config,
            server,
            folder,
            jobs: JoinSet::new(),
            held: HashMap::new(),
            attempts: HashMap::new(),
        };
        agent.work(shutdown).await;
        Ok(())
    }

    async fn work(mut self, mut shutdown: watch::Receiver<Shutdown>) {
        let mut backoff = Backoff::new(Arc::clone(&self.config.random));
        let mut call: Option<Call> = None;
        let mut claim_at = Instant::now();
        loop {
            let order = *shutdown.borrow_and_update();
            if order == Shutdown::Stop {
                self.held
                    .values()
                    .for_each(|stop| stop.request(StopReason::AgentStopping));
            }
            if order != Shutdown::Running && self.held.is_empty() {
                return;
            }
            let free = if order == Shutdown::Running {
                self.free()
            } else {
                0
            };
            // The server does not know of a slot that has become free since it was asked.
            if call.as_ref().is_some_and(|call| (call.free == 0) != (free == 0)) {
                call = None;
                claim_at = Instant::now();
            }
            if call.is_none() && claim_at <= Instant::now() {
                call = Some(self.claim(free));
            }
            tokio::select! {
                (answer, sent_at) = answer(&mut call) => {
                    call = None;
                    claim_at = Instant::now() + self.take(answer, sent_at, &mut backoff);
                }
                Some(ended) = self.jobs.join_next_with_id() => {
                    self.forget(ended);
                    // The server has just heard of the end of the job, so it is there, and there is a slot for it.
                    claim_at = Instant::now();
                }
                () = sleep_until(claim_at), if call.is_none() => {}
                Ok(()) = shutdown.changed() => {}
            }
        }
    }

    fn free(&self) -> u32 {
        self.config
            .slots
            .saturating_sub(u32::try_from(self.held.len()).unwrap_or(u32::MAX))
    }

    fn claim(&mut self, free: u32) -> Call {
        self.sequence += 1;
        let mut holding: Vec<AttemptId> = self.held.keys().copied().collect();
        holding.sort_unstable();
        let claim = Claim {
            session: self.session,
            sequence: self.sequence,
            free,
            holding,
        };
        let server = Arc::clone(&self.server);
        let limit = Duration::from_secs(POLL_SECONDS) + self.config.patience.call;
        let answer = Box::pin(async move { in_time(limit, server.claim(&claim)).await });
        Call {
            free,
            sent_at: Instant::now(),
            answer,
        }
    }

    /// Does what the server says; returns how long to wait before it is asked again.
    fn take(
        &mut self,
        answer: Result<Claimed, CallError>,
        sent_at: Instant,
        backoff: &mut Backoff,
    ) -> Duration {
        let claimed = match answer {
            Ok(claimed) => claimed,
            Err(error) => {
                let wait = backoff.next();
                tracing::warn!(%error, ?wait, "cannot ask for work; asking again");
                return wait;
            }
        };
        backoff.reset();
        let is_empty = claimed.assignments.is_empty() && claimed.stop.is_empty();
        for attempt in &claimed.stop {
            if let Some(stop) = self.held.get(attempt) {
                stop.request(StopReason::Cancelled);
            }
        }
        if !claimed.assignments.is_empty() {
            // How long the server waited is not known, only that it answers at once when it has something.
            self.clock.set(claimed.now, Duration::ZERO);
        }
        for assignment in claimed.assignments {
            self.start(assignment);
        }
        match (self.free(), is_empty && sent_at.elapsed() < PAUSE_AFTER_NOTHING) {
            (0, _) => PAUSE_WHEN_FULL,
            (_, true) => PAUSE_AFTER_NOTHING,
            (_, false) => Duration::ZERO,
        }
    }

    fn start(&mut self, assignment: Assignment) {
        let id = assignment.attempt;
        if self.held.contains_key(&id) {
            return;
        }
        tracing::info!(attempt = %id, job = %assignment.origin.job, "starting a job");
        let stop = Stop::new();
        let attempt = Attempt {
            config: Arc::clone(&self.config),
            server: Arc::clone(&self.server),
            folder: Arc::clone(&self.folder),
            executors: Arc::clone(&self.executors),
            slot: self.slots.take(),
            assignment,
            stop: stop.clone(),
            received_at: Instant::now(),
            clock: self.clock.clone(),
        };
        let task = self.jobs.spawn(attempt.run());
        self.attempts.insert(task.id(), id);
        self.held.insert(id, stop);
    }

    fn forget(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let task = match &ended {
            Ok((task, ())) => *task,
            Err(error) => error.id(),
        };
        let Some(attempt) = self.attempts.remove(&task) else {
            return;
        };
        self.held.remove(&attempt);
        if let Err(error) = ended {
            // It is no longer among what the agent holds, so the server takes it for lost.
            tracing::error!(%attempt, %error, "a job broke the agent's own code");
        }
    }
}

/// Waits for the answer to the claim under way; for ever where there is none.
async fn answer(call: &mut Option<Call>) -> (Result<Claimed, CallError>, Instant) {
    match call {
        Some(call) => (call.answer.as_mut().await, call.sent_at),
        None => std::future::pending().await,
    }
}
