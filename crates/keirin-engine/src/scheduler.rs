//! Which agent gets which job: claims that come in, and jobs handed out to the agents that listen.

use std::collections::HashSet;

use jiff::Timestamp;
use keirin_model::flow::{Attempt, Exit};
use keirin_model::plan::Requirements;
use keirin_model::{AgentId, AttemptId, JobId, Outcome, Status};

use crate::change::RowChange;
use crate::deadlines::Deadline;
use crate::engine::{Engine, Out};
use crate::event::{AgentClaim, EventReply, Notification, Refusal};
use crate::queue::Queued;

impl Engine {
    /// An agent asks for work. Whatever it holds lives on; what it should hold and does not is lost; what was given to
    /// this very process and did not arrive is given again. What may have been given to an earlier process is not: words
    /// of that one may still be under way, and would be taken for words of this one.
    pub(crate) fn claim(
        &mut self,
        claim: AgentClaim,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<EventReply, Refusal> {
        let agent = claim.agent;
        if self.agents.get(agent).is_none() {
            return Err(Refusal::NoSuchAgent(agent));
        }
        if !self.agents.listen(&claim, now) {
            return Ok(EventReply::OldClaim);
        }
        for attempt in &claim.holding {
            self.renew_or_stop(agent, *attempt, now, out);
        }
        let missing: Vec<AttemptId> = self
            .agents
            .get(agent)
            .map(|work| {
                work.holds
                    .iter()
                    .copied()
                    .filter(|attempt| !claim.holding.contains(attempt))
                    .collect()
            })
            .unwrap_or_default();
        let mut undelivered = 0;
        for attempt in missing {
            let here = self
                .agents
                .lease(attempt)
                .is_some_and(|lease| lease.session == Some(claim.session));
            let started = self
                .work
                .attempt(attempt)
                .is_some_and(|attempt| attempt.status == Status::Running);
            if (started || !here) && self.is_exclusive(attempt) {
                // A claim can be repeated on its way and come late, and then says nothing of the agent as it is. What
                // must never run twice is therefore given up only when its lease ends.
                continue;
            }
            if started || !here {
                let message = "The agent's process ended in the middle of the job.".to_owned();
                self.end_attempt(attempt, Outcome::Lost, Exit::default(), Some(message), now, out);
            } else {
                // The agent counts the lease from this claim on, so the engine must too.
                self.agents.renew(attempt, now + self.rules.lease);
                out.notifications.push(Notification::Assign { agent, attempt });
                undelivered += 1;
            }
        }
        self.agents
            .set_free(agent, claim.free.saturating_sub(undelivered));
        self.agents_with_capacity.insert(agent);
        Ok(EventReply::Claimed)
    }

    fn renew_or_stop(&mut self, agent: AgentId, attempt: AttemptId, now: Timestamp, out: &mut Out) {
        let own = self
            .agents
            .lease(attempt)
            .is_some_and(|lease| lease.agent == agent);
        if own {
            self.agents.renew(attempt, now + self.rules.lease);
        }
        if !own || self.is_stopping(attempt) {
            self.tell_stop(agent, attempt, now, out);
        }
    }

    /// Whether the job of an attempt is to stop.
    pub(crate) fn is_stopping(&self, attempt: AttemptId) -> bool {
        let place = self.work.place_of_attempt(attempt);
        place
            .and_then(|place| self.work.job(place))
            .is_some_and(|work| work.job.stopping.is_some())
    }

    /// Hands jobs out: to agents that have just become free, and of jobs that have just come.
    pub(crate) fn hand_out(&mut self, now: Timestamp, out: &mut Out) {
        while let Some(agent) = self.agents_with_capacity.pop_first() {
            while self.assign_next(agent, now, out) {}
        }
        // What nobody offers for one job, nobody offers for the next: room only gets less.
        let mut unmatched: HashSet<Requirements> = HashSet::new();
        for job in std::mem::take(&mut self.newly_queued) {
            while let Some(queued) = self
                .queue
                .get(job)
                .filter(|job| !unmatched.contains(&job.requirements))
            {
                let Some(agent) = self.idlest_for(queued) else {
                    unmatched.insert(queued.requirements.clone());
                    break;
                };
                if !self.assign_next(agent, now, out) {
                    break;
                }
            }
        }
        for tell in &out.notifications {
            if let Notification::Assign { agent, .. } | Notification::Stop { agent, .. } = tell {
                self.agents.answered(*agent);
            }
        }
    }

    /// Gives an agent the job that is next for it, if it can take one.
    fn assign_next(&mut self, agent: AgentId, now: Timestamp, out: &mut Out) -> bool {
        let Some(work) = self.agents.get(agent) else {
            return false;
        };
        if work.capacity() == 0 {
            return false;
        }
        let Some(job) = self.queue.best_for(&work.agent) else {
            return false;
        };
        self.assign(agent, job, now, out);
        true
    }

    /// The agent with the most room of those that can run a job; the first of them by id.
    fn idlest_for(&self, queued: &Queued) -> Option<AgentId> {
        let mut idle = self.agents.idle();
        idle.find(|work| work.agent.offers(&queued.requirements))
            .map(|work| work.agent.id)
    }

    fn assign(&mut self, agent: AgentId, job: JobId, now: Timestamp, out: &mut Out) {
        let Some(place) = self.work.place_of_job(job) else {
            return;
        };
        let Some(project) = self.work.flow(place.flow).map(|work| work.flow.project) else {
            return;
        };
        let number = self.work.job(place).map_or(0, |work| work.attempts) + 1;
        self.last.attempt.0 += 1;
        let attempt = Attempt {
            id: self.last.attempt,
            job,
            number,
            agent,
            status: Status::Waiting,
            exit: Exit::default(),
            message: None,
            acknowledged: 0,
            assigned_at: now,
            started_at: None,
            finished_at: None,
        };
        self.queue.remove(job);
        self.queue.began(project);
        self.agents.hold(agent, attempt.id, now + self.rules.lease);
        self.tick_at(now + self.rules.lease, Deadline::Lease(attempt.id));
        out.notifications.push(Notification::Assign {
            agent,
            attempt: attempt.id,
        });
        out.changes.push(RowChange::AddAttempt(attempt.clone()));
        self.work.begin(place, attempt);
    }

    /// An agent is no more: what it held is lost. It may not know of it, so what is exclusive goes to nobody else until
    /// the lease is over, when the agent has surely stopped it.
    pub(crate) fn remove_agent(&mut self, agent: AgentId, now: Timestamp, out: &mut Out) {
        let holds = self.agents.get(agent).map(|work| work.holds.iter().copied());
        let held: Vec<AttemptId> = holds
            .into_iter()
            .flatten()
            .filter(|attempt| !self.is_exclusive(*attempt))
            .collect();
        for attempt in held {
            let message = "The agent was removed.".to_owned();
            self.end_attempt(attempt, Outcome::Lost, Exit::default(), Some(message), now, out);
        }
        self.agents.remove(agent);
    }

    fn is_exclusive(&self, attempt: AttemptId) -> bool {
        let place = self.work.place_of_attempt(attempt);
        place.is_some_and(|place| self.exclusive_of(place.flow, place.run).is_some())
    }
}
