//! The one loop in which the engine decides.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use keirin_engine::{AgentClaim, Effects, Engine, EngineEvent, EventReply, Notification, RowChange, Rules};
use keirin_model::{AgentId, AttemptId, Clock, ScheduleId};
use keirin_wire::agent::Claimed;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::directory::Directory;
use crate::figures::LoopFigures;
use crate::handle::{Handle, Message, Reopen};
use crate::journal::{CommitFailure, Journal, JournalError};
use crate::live::LiveAttempts;
use crate::work::WorkError;

/// How many messages one transaction takes in at most.
const BATCH: usize = 1000;
/// How many messages may wait before senders have to.
const WAITING: usize = 4096;
/// How long until a journal that could not be read is read again.
const READ_AGAIN: Duration = Duration::from_millis(250);

/// What the loop needs.
pub(crate) struct EventLoopParts<J> {
    pub(crate) journal: Arc<J>,
    pub(crate) directory: Directory,
    pub(crate) clock: Clock,
    pub(crate) rules: Rules,
    /// Schedules that are due are sent here.
    pub(crate) due: mpsc::UnboundedSender<(ScheduleId, Timestamp)>,
    /// Counts the commits, for those who wait for news.
    pub(crate) commits: watch::Sender<u64>,
    /// How long it all takes.
    pub(crate) figures: Arc<LoopFigures>,
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Nobody can reach it any more.
    Unreachable,
    /// Another server leads.
    Deposed,
}

/// The loop's state.
struct EventLoop<J> {
    parts: EventLoopParts<J>,
    engine: Engine,
    live: LiveAttempts,
    messages: mpsc::Receiver<Message>,
    /// Claims that wait for something to be told.
    claims: HashMap<AgentId, WaitingClaim>,
    end: Option<End>,
}

/// A claim that is to be answered.
struct WaitingClaim {
    /// When the agent asked.
    asked_at: Timestamp,
    reply: oneshot::Sender<Result<Claimed, WorkError>>,
}

/// Answers somebody, once it is known whether the batch was committed.
type OnCommit = Box<dyn FnOnce(Result<(), WorkError>) + Send>;

/// What has been decided and not been committed.
#[derive(Default)]
struct Batch {
    changes: Vec<RowChange>,
    notifications: Vec<Notification>,
    replies: Vec<OnCommit>,
    claims: Vec<(AgentId, WaitingClaim)>,
}

/// Starts the loop on what the journal holds.
///
/// # Errors
/// When the journal cannot be read.
pub(crate) async fn start<J: Journal>(
    parts: EventLoopParts<J>,
) -> Result<(Handle, tokio::task::JoinHandle<End>), JournalError> {
    let snapshot = parts.journal.snapshot().await?;
    let engine = Engine::new(snapshot, parts.rules, (parts.clock)());
    let live = LiveAttempts::default();
    live.reset(&engine);
    let (sender, messages) = mpsc::channel(WAITING);
    let event_loop = EventLoop {
        parts,
        engine,
        live: live.clone(),
        messages,
        claims: HashMap::new(),
        end: None,
    };
    Ok((Handle::new(sender, live), tokio::spawn(event_loop.run())))
}

/// However the loop ends, what it knew of attempts is not true any more.
impl<J> Drop for EventLoop<J> {
    fn drop(&mut self) {
        self.live.forget();
    }
}

impl<J: Journal> EventLoop<J> {
    async fn run(mut self) -> End {
        while self.end.is_none() {
            let mut batch = Batch::default();
            let deadline = self.engine.next_deadline();
            tokio::select! {
                message = self.messages.recv() => match message {
                    Some(message) => self.take_in_all(message, &mut batch).await,
                    None => self.end = Some(End::Unreachable),
                },
                () = until(deadline, &self.parts.clock) => {}
            }
            let now = self.now();
            if self
                .engine
                .next_deadline()
                .is_some_and(|deadline| deadline <= now)
            {
                // Time asks no question.
                drop(self.step(EngineEvent::Tick, &mut batch));
            }
            self.commit(batch).await;
        }
        self.end.unwrap_or(End::Unreachable)
    }

    fn now(&self) -> Timestamp {
        (self.parts.clock)()
    }

    /// Takes in a message and all that have arrived meanwhile.
    async fn take_in_all(&mut self, first: Message, batch: &mut Batch) {
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(message) = next {
            self.take_in(message, batch).await;
            taken += 1;
            next = if taken < BATCH {
                self.messages.try_recv().ok()
            } else {
                None
            };
        }
    }

    async fn take_in(&mut self, message: Message, batch: &mut Batch) {
        match message {
            Message::Step(event, reply) => {
                let answer = self.step(event, batch);
                batch.reply(reply, answer);
            }
            Message::Reopen(reopen, reply) => {
                let reopened = self.reopen(reopen, batch).await;
                batch.reply(reply, reopened);
            }
            Message::Claim(claim, reply) => self.claim(claim, reply, batch),
            Message::Ask(question) => {
                // Who asks gets to know only what is committed.
                self.commit(std::mem::take(batch)).await;
                question(&self.engine);
            }
        }
    }

    fn step(&mut self, event: EngineEvent, batch: &mut Batch) -> Result<EventReply, WorkError> {
        let begun = Instant::now();
        let effects = self.engine.step(event, self.now());
        self.parts.figures.engine_step.observe(begun.elapsed());
        batch.keep(effects).map_err(WorkError::from)
    }

    fn claim(
        &mut self,
        claim: AgentClaim,
        reply: oneshot::Sender<Result<Claimed, WorkError>>,
        batch: &mut Batch,
    ) {
        let agent = claim.agent;
        let asked_at = self.now();
        match self.step(EngineEvent::Claim(claim), batch) {
            Ok(EventReply::Claimed) => batch.claims.push((agent, WaitingClaim { asked_at, reply })),
            // Another claim of this agent is the one that counts.
            Ok(_) => batch.reply(reply, Ok(Claimed::default())),
            Err(error) => batch.reply(reply, Err(error)),
        }
    }

    /// A finished flow is not in memory, so it is read first, with everything committed that it may depend on.
    async fn reopen(&mut self, reopen: Reopen, batch: &mut Batch) -> Result<(), WorkError> {
        self.commit(std::mem::take(batch)).await;
        let journal = Arc::clone(&self.parts.journal);
        let (flow, known) = match reopen {
            Reopen::Rerun { flow, .. } => (Some(flow), self.engine.knows_flow(flow)),
            Reopen::StartRun(run) => (journal.flow_of_run(run).await?, self.engine.knows_run(run)),
        };
        let stored = match flow {
            Some(flow) if !known => journal.flow_record(flow).await?.map(Box::new),
            _ => None,
        };
        let event = match reopen {
            Reopen::Rerun { flow, failed_only } => EngineEvent::Rerun {
                flow,
                failed_only,
                stored,
            },
            Reopen::StartRun(run) => EngineEvent::StartRun { run, stored },
        };
        self.step(event, batch).map(drop)
    }

    /// Commits what has been decided; then answers and tells.
    async fn commit(&mut self, batch: Batch) {
        let Batch {
            changes,
            notifications: tells,
            replies,
            claims,
        } = batch;
        if !changes.is_empty()
            && let Err(failure) = self.write(&changes).await
        {
            for reply in replies {
                reply(Err(not_committed(&failure)));
            }
            for (_, claim) in claims {
                drop(claim.reply.send(Err(not_committed(&failure))));
            }
            self.begin_anew(failure).await;
            return;
        }
        if !changes.is_empty() {
            self.live.follow(&self.engine, &changes);
            self.parts.commits.send_modify(|commits| *commits += 1);
        }
        for reply in replies {
            reply(Ok(()));
        }
        for (agent, claim) in claims {
            if let Some(earlier) = self.claims.insert(agent, claim) {
                drop(earlier.reply.send(Ok(Claimed::default())));
            }
        }
        self.tell(tells);
    }

    async fn write(&self, changes: &[RowChange]) -> Result<(), CommitFailure> {
        let begun = Instant::now();
        let written = self.parts.journal.commit(changes).await;
        self.parts.figures.commit.observe(begun.elapsed());
        written
    }

    /// Tells agents and the planner. An agent that does not listen hears of it when it claims again.
    fn tell(&mut self, tells: Vec<Notification>) {
        let mut told: BTreeMap<AgentId, Claimed> = BTreeMap::new();
        for tell in tells {
            match tell {
                Notification::Assign { agent, attempt } => {
                    let assignments = &mut told.entry(agent).or_default().assignments;
                    // Two claims of one agent in one batch: what the first was given, the second is given again, or it
                    // is lost already. The claim is answered in any case, because the engine takes it for answered.
                    let again = assignments.iter().any(|known| known.attempt == attempt);
                    if let (false, Some(assignment)) = (again, self.assignment(attempt)) {
                        assignments.push(assignment);
                    }
                }
                Notification::Stop { agent, attempt } => told.entry(agent).or_default().stop.push(attempt),
                Notification::Fire { schedule, due } => {
                    if self.parts.due.send((schedule, due)).is_err() {
                        tracing::debug!(%schedule, "nobody starts scheduled flows any more");
                    }
                }
            }
        }
        for (agent, claimed) in told {
            if let Some(claim) = self.claims.remove(&agent) {
                self.count_claim(claim.asked_at, &claimed);
                drop(claim.reply.send(Ok(claimed)));
            }
        }
    }

    /// Counts how long each job that an agent is given has waited for nothing but the loop.
    fn count_claim(&self, asked_at: Timestamp, claimed: &Claimed) {
        let now = self.now();
        for assignment in &claimed.assignments {
            let held = self.engine.held(assignment.attempt);
            let queued_at = held.and_then(|held| held.queued_at).unwrap_or(asked_at);
            let since = asked_at.max(queued_at);
            self.parts.figures.claim.observe(span(since, now));
        }
    }

    fn assignment(&self, attempt: AttemptId) -> Option<keirin_wire::agent::Assignment> {
        Some(self.parts.directory.assignment(self.engine.held(attempt)?))
    }

    /// After a commit that failed, or that nobody knows of, only the journal knows the truth.
    async fn begin_anew(&mut self, failure: CommitFailure) {
        for (_, claim) in self.claims.drain() {
            drop(claim.reply.send(Ok(Claimed::default())));
        }
        if matches!(failure, CommitFailure::Deposed) {
            tracing::warn!("another server leads; this one lets go");
            self.end = Some(End::Deposed);
            return;
        }
        tracing::warn!(error = %failure, "a commit failed; the state of the work is read again");
        loop {
            match self.parts.journal.snapshot().await {
                Ok(snapshot) => {
                    self.engine = Engine::new(snapshot, self.parts.rules, self.now());
                    self.live.reset(&self.engine);
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "the state of the work cannot be read yet");
                    tokio::time::sleep(READ_AGAIN).await;
                }
            }
        }
    }
}

impl Batch {
    fn keep(&mut self, effects: Effects) -> Result<EventReply, keirin_engine::Refusal> {
        self.changes.extend(effects.changes);
        self.notifications.extend(effects.notifications);
        effects.answer
    }

    /// Answers when the batch is committed.
    fn reply<T: Send + 'static>(
        &mut self,
        reply: oneshot::Sender<Result<T, WorkError>>,
        answer: Result<T, WorkError>,
    ) {
        self.replies.push(Box::new(move |committed| {
            // Who asked may have gone.
            drop(reply.send(committed.and(answer)));
        }));
    }
}

/// How long it is from one time to another; nothing where a clock was set back meanwhile.
fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

fn not_committed(failure: &CommitFailure) -> WorkError {
    tracing::debug!(error = %failure, "answered that a change was not committed");
    WorkError::Unavailable(
        "The database did not take the change. Look whether it was made, and try again.".to_owned(),
    )
}

/// Waits for a time; for ever where there is none.
async fn until(deadline: Option<Timestamp>, clock: &Clock) {
    let Some(deadline) = deadline else {
        return std::future::pending().await;
    };
    let wait = deadline.duration_since(clock());
    // A wait in the past is none. A millisecond more, so that the clock has surely reached the deadline.
    let wait = Duration::try_from(wait).unwrap_or_default() + Duration::from_millis(1);
    tokio::time::sleep(wait).await;
}
