//! What agents tell of their attempts, and what follows when one is over.

use jiff::Timestamp;
use keirin_model::flow::Exit;
use keirin_model::{AgentId, AttemptId, Outcome, Status};
use keirin_wire::agent::{AttemptEvent, Numbered};

use crate::change::{Move, RowChange};
use crate::deadlines::Deadline;
use crate::engine::{Engine, Out};
use crate::event::{EventReply, Refusal};
use crate::work::Place;

impl Engine {
    /// Takes in what an agent tells of an attempt that it holds. Events that have been taken in before are left out.
    pub(crate) fn report(
        &mut self,
        agent: AgentId,
        attempt: AttemptId,
        events: Vec<Numbered>,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<EventReply, Refusal> {
        let holds = self
            .agents
            .lease(attempt)
            .is_some_and(|lease| lease.agent == agent);
        let known = self.work.attempt(attempt).map(|attempt| attempt.acknowledged);
        let (true, Some(mut acknowledged)) = (holds, known) else {
            return Err(Refusal::LeaseLost(attempt));
        };
        self.agents.seen(agent, now);
        self.agents.renew(attempt, now + self.rules.lease);
        let before = acknowledged;
        let mut end = None;
        for Numbered { sequence, event } in events {
            if sequence <= acknowledged {
                continue;
            }
            if sequence != acknowledged + 1 || end.is_some() {
                return self.gap(attempt, acknowledged, before, end, now, out);
            }
            acknowledged = sequence;
            match event {
                AttemptEvent::Finished {
                    outcome,
                    exit,
                    message,
                } => end = Some((outcome, exit, message)),
                other => self.take_in_event(attempt, other, now, out),
            }
        }
        let stop = self.is_stopping(attempt);
        self.acknowledge(attempt, before, acknowledged, out);
        if let Some((outcome, exit, message)) = end {
            self.end_attempt(attempt, outcome, exit, message, now, out);
        }
        Ok(EventReply::Reported { acknowledged, stop })
    }

    /// What came before a gap counts; the agent is told where to go on.
    fn gap(
        &mut self,
        attempt: AttemptId,
        acknowledged: u64,
        before: u64,
        end: Option<(Outcome, Exit, Option<String>)>,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<EventReply, Refusal> {
        self.acknowledge(attempt, before, acknowledged, out);
        if let Some((outcome, exit, message)) = end {
            self.end_attempt(attempt, outcome, exit, message, now, out);
        }
        Err(Refusal::Gap {
            attempt,
            expected: acknowledged + 1,
        })
    }

    fn acknowledge(&mut self, attempt: AttemptId, before: u64, sequence: u64, out: &mut Out) {
        if sequence > before
            && let Some(live) = self.work.attempt_mut(attempt)
        {
            live.acknowledged = sequence;
            out.changes.push(RowChange::Acknowledge { attempt, sequence });
        }
    }

    fn take_in_event(&mut self, attempt: AttemptId, event: AttemptEvent, at: Timestamp, out: &mut Out) {
        match event {
            AttemptEvent::Started => self.begin_attempt(attempt, at, out),
            AttemptEvent::StepStarted { index } => {
                out.changes.push(RowChange::StartStep { attempt, index, at })
            }
            AttemptEvent::StepFinished {
                index,
                outcome,
                exit,
                message,
            } => {
                out.changes.push(RowChange::FinishStep {
                    attempt,
                    index,
                    outcome,
                    exit,
                    message,
                    at,
                });
            }
            AttemptEvent::Finished { .. } => {}
        }
    }

    fn begin_attempt(&mut self, attempt: AttemptId, at: Timestamp, out: &mut Out) {
        let Some(place) = self.work.place_of_attempt(attempt) else {
            return;
        };
        let Some(live) = self.work.attempt_mut(attempt) else {
            return;
        };
        if live.status != Status::Waiting {
            return;
        }
        live.status = Status::Running;
        live.started_at = Some(at);
        let moved = Move {
            id: attempt,
            from: Status::Waiting,
            to: Status::Running,
            at,
        };
        out.changes.push(RowChange::MoveAttempt {
            moved,
            exit: Exit::default(),
            message: None,
        });
        let stopping = self.work.job(place).and_then(|work| work.job.stopping);
        self.move_job(place, Status::Running, at, out);
        if let Some(outcome) = stopping
            && let Some(work) = self.work.job_mut(place)
        {
            // A move ends a wish to stop, and this wish still holds.
            work.job.stopping = Some(outcome);
            out.changes.push(RowChange::StopJob {
                job: work.job.id,
                outcome,
            });
        }
        self.watch_attempt(attempt);
    }

    /// Looks at an attempt again when its time is up.
    pub(crate) fn watch_attempt(&mut self, attempt: AttemptId) {
        if let Some(by) = self.overdue_at(attempt) {
            self.tick_at(by, Deadline::Attempt(attempt));
        }
    }

    /// When the agent should have ended an attempt by itself, with some time to spare.
    pub(crate) fn overdue_at(&self, attempt: AttemptId) -> Option<Timestamp> {
        let place = self.work.place_of_attempt(attempt)?;
        let started = self.work.attempt(attempt)?.started_at?;
        let plan = self.work.flow(place.flow)?.job_plan(place.run, place.job);
        Some(started + plan.timeout + self.rules.stop_grace)
    }

    /// An attempt is over, in whatever way; its job ends with it or gets another.
    pub(crate) fn end_attempt(
        &mut self,
        attempt: AttemptId,
        outcome: Outcome,
        exit: Exit,
        message: Option<String>,
        now: Timestamp,
        out: &mut Out,
    ) {
        let Some((place, live)) = self.work.end(attempt) else {
            return;
        };
        self.agents.release(attempt);
        self.deadlines.clear(Deadline::Lease(attempt));
        self.deadlines.clear(Deadline::Attempt(attempt));
        if let Some(work) = self.work.flow(place.flow) {
            self.queue.ended(work.flow.project);
        }
        let moved = Move {
            id: attempt,
            from: live.status,
            to: Status::Finished(outcome),
            at: now,
        };
        out.changes.push(RowChange::MoveAttempt { moved, exit, message });
        let started = live.status == Status::Running;
        match self.verdict(place, outcome, started) {
            Verdict::Over(outcome) => self.move_job(place, Status::Finished(outcome), now, out),
            Verdict::Again { counts } => {
                if started {
                    self.move_job(place, Status::Waiting, now, out);
                }
                if let Some(work) = self.work.job_mut(place) {
                    work.job.lost += u32::from(counts);
                }
                self.queue_job(place, now, out);
                self.dirty.insert(place.flow);
            }
        }
    }

    /// What becomes of a job whose attempt is over.
    fn verdict(&self, place: Place, outcome: Outcome, started: bool) -> Verdict {
        let Some(work) = self.work.job(place) else {
            return Verdict::Over(outcome);
        };
        if let Some(wanted) = work.job.stopping {
            // A job that ended by itself just before it was to stop keeps its own outcome.
            let by_itself = matches!(outcome, Outcome::Success | Outcome::Failed | Outcome::TimedOut);
            return Verdict::Over(if by_itself { outcome } else { wanted });
        }
        if outcome != Outcome::Lost {
            return Verdict::Over(outcome);
        }
        let limit = self
            .work
            .flow(place.flow)
            .map_or(0, |flow| flow.job_plan(place.run, place.job).retry.lost);
        match started {
            // An agent that never began has done no harm.
            false => Verdict::Again { counts: false },
            true if work.job.lost < limit => Verdict::Again { counts: true },
            true => Verdict::Over(Outcome::Lost),
        }
    }
}

/// What becomes of a job whose attempt is over.
enum Verdict {
    /// The job is over too.
    Over(Outcome),
    /// The job gets another attempt.
    Again {
        /// Whether this one counts as lost.
        counts: bool,
    },
}
