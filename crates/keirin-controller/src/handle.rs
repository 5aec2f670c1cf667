//! How the rest of the program reaches the engine: messages to its loop, and what comes back.

use std::time::Duration;

use keirin_engine::{AgentClaim, CancelTarget, Engine, EngineEvent, EventReply, NewFlow};
use keirin_model::{AgentId, AttemptId, FlowId, ProjectId, RunId};
use keirin_wire::agent::{Claim, Claimed, POLL_SECONDS, Report, Reported};
use tokio::sync::{mpsc, oneshot};

use crate::live::LiveAttempts;
use crate::work::WorkError;

type Reply<T> = oneshot::Sender<Result<T, WorkError>>;

/// What the engine's loop is sent.
pub(crate) enum Message {
    /// Something happened.
    Step(EngineEvent, Reply<EventReply>),
    /// A finished flow is to go on.
    Reopen(Reopen, Reply<()>),
    /// An agent asks for work.
    Claim(AgentClaim, Reply<Claimed>),
    /// Somebody wants to know something that the engine knows.
    Ask(Box<dyn FnOnce(&Engine) + Send>),
}

/// What a finished flow goes on with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reopen {
    Rerun { flow: FlowId, failed_only: bool },
    StartRun(RunId),
}

/// Reaches the engine. Clones reach the same one.
#[derive(Clone)]
pub struct Handle {
    messages: mpsc::Sender<Message>,
    live: LiveAttempts,
}

/// Tells the engine that a claim is over when it was given up: its connection broke, or nobody waits any more.
struct OpenClaim<'a> {
    handle: &'a Handle,
    agent: AgentId,
    session: u64,
    sequence: u64,
    answered: bool,
}

/// A number that no other flow of the project gets. Dropped, it is released.
pub(crate) struct ReservedNumber<'a> {
    handle: &'a Handle,
    project: ProjectId,
    number: i64,
    is_used: bool,
}

impl Handle {
    pub(crate) fn new(messages: mpsc::Sender<Message>, live: LiveAttempts) -> Self {
        Self { messages, live }
    }

    /// Starts a flow that gets the next number.
    ///
    /// # Errors
    /// When its due time is over, and when this server does not lead.
    pub async fn start_flow(&self, new: NewFlow) -> Result<FlowId, WorkError> {
        match self.step(EngineEvent::StartFlow(Box::new(new))).await? {
            EventReply::Started(flow) => Ok(flow),
            other => Err(unexpected("a flow", other)),
        }
    }

    /// A number for a flow whose plan depends on it.
    ///
    /// # Errors
    /// When this server does not lead.
    pub(crate) async fn reserve_number(&self, project: ProjectId) -> Result<ReservedNumber<'_>, WorkError> {
        match self.step(EngineEvent::ReserveNumber(project)).await? {
            EventReply::Reserved(number) => Ok(ReservedNumber {
                handle: self,
                project,
                number,
                is_used: false,
            }),
            other => Err(unexpected("a number", other)),
        }
    }

    /// Stops what is under way.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when it is not under way.
    pub async fn cancel(&self, target: CancelTarget) -> Result<(), WorkError> {
        self.step(EngineEvent::Cancel(target)).await.map(drop)
    }

    /// Runs jobs of a finished flow again.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when it is under way or has nothing to run again.
    pub async fn rerun(&self, flow: FlowId, failed_only: bool) -> Result<(), WorkError> {
        self.send(|reply| Message::Reopen(Reopen::Rerun { flow, failed_only }, reply))
            .await
    }

    /// Starts a run of a stage with a manual start.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when it does not wait for a person.
    pub async fn start_run(&self, run: RunId) -> Result<(), WorkError> {
        self.send(|reply| Message::Reopen(Reopen::StartRun(run), reply))
            .await
    }

    /// Tells the engine what happened, and waits until what follows is committed.
    ///
    /// # Errors
    /// What the engine refuses, and when this server does not lead.
    pub async fn step(&self, event: EngineEvent) -> Result<EventReply, WorkError> {
        self.send(|reply| Message::Step(event, reply)).await
    }

    /// An agent asks for work; answered when there is something to say, at the latest after [`POLL_SECONDS`].
    ///
    /// # Errors
    /// [`WorkError::NotFound`] when the agent is not known, and when this server does not lead.
    pub async fn claim(&self, agent: AgentId, claim: Claim) -> Result<Claimed, WorkError> {
        let mut open = OpenClaim {
            handle: self,
            agent,
            session: claim.session,
            sequence: claim.sequence,
            answered: false,
        };
        let claim = AgentClaim {
            agent,
            session: claim.session,
            sequence: claim.sequence,
            free: claim.free,
            holding: claim.holding,
        };
        let answer = self.send(|reply| Message::Claim(claim, reply));
        match tokio::time::timeout(Duration::from_secs(POLL_SECONDS), answer).await {
            Ok(answer) => {
                open.answered = true;
                answer
            }
            Err(_) => Ok(Claimed::default()),
        }
    }

    /// An agent tells of an attempt.
    ///
    /// # Errors
    /// [`WorkError::LeaseLost`] and [`WorkError::Gap`], and when this server does not lead.
    pub async fn report(&self, attempt: AttemptId, report: Report) -> Result<Reported, WorkError> {
        let agent = self.live.get(attempt)?.ok_or(WorkError::LeaseLost)?.agent;
        let event = EngineEvent::Report {
            agent,
            attempt,
            events: report.events,
        };
        match self.step(event).await? {
            EventReply::Reported { acknowledged, stop } => Ok(Reported {
                acknowledged,
                stop,
                now: None,
            }),
            other => Err(unexpected("a report", other)),
        }
    }

    /// The attempts that agents hold.
    pub fn live(&self) -> &LiveAttempts {
        &self.live
    }

    /// Asks the engine what it knows.
    ///
    /// # Errors
    /// When this server does not lead.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let (reply, answer) = oneshot::channel();
        let ask = Message::Ask(Box::new(move |engine| drop(reply.send(question(engine)))));
        self.messages.send(ask).await.map_err(|_| does_not_lead())?;
        answer.await.map_err(|_| does_not_lead())
    }

    async fn send<T>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Result<T, WorkError> {
        let (reply, answer) = oneshot::channel();
        self.messages
            .send(message(reply))
            .await
            .map_err(|_| does_not_lead())?;
        answer.await.map_err(|_| does_not_lead())?
    }
}

impl ReservedNumber<'_> {
    /// The number.
    pub(crate) fn number(&self) -> i64 {
        self.number
    }

    /// Starts the flow that has it; `None` where the engine began anew meanwhile, so that another number is to be reserved.
    ///
    /// # Errors
    /// When the flow's due time is over, and when this server does not lead.
    pub(crate) async fn start(mut self, mut new: NewFlow) -> Result<Option<FlowId>, WorkError> {
        new.number = Some(self.number);
        let answer = self.handle.step(EngineEvent::StartFlow(Box::new(new))).await?;
        self.is_used = true;
        match answer {
            EventReply::Started(flow) => Ok(Some(flow)),
            EventReply::NotReserved => Ok(None),
            other => Err(unexpected("a flow", other)),
        }
    }
}

/// Whatever came in between: a flow that has started keeps its number.
impl Drop for ReservedNumber<'_> {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        let (project, number) = (self.project, self.number);
        // Where the loop is full or gone, the number is left out.
        let (reply, _) = oneshot::channel();
        let back = EngineEvent::ReleaseNumber { project, number };
        drop(self.handle.messages.try_send(Message::Step(back, reply)));
    }
}

fn unexpected(what: &str, answer: EventReply) -> WorkError {
    WorkError::Internal(format!("{what} was answered with {answer:?}").into())
}

pub(crate) fn does_not_lead() -> WorkError {
    WorkError::Unavailable("This server does not lead at the moment. Try again in a few seconds.".to_owned())
}

impl Drop for OpenClaim<'_> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let over = EngineEvent::ClaimOver {
            agent: self.agent,
            session: self.session,
            sequence: self.sequence,
        };
        // Where the loop is full or gone nothing is lost: what is given to a claim that is over is given again.
        let (reply, _) = oneshot::channel();
        drop(self.handle.messages.try_send(Message::Step(over, reply)));
    }
}
