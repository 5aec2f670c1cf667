//! What an agent needs to know of an attempt that it holds, and where that belongs.

use jiff::Timestamp;
use keirin_model::agent::Agent;
use keirin_model::flow::{Attempt, Flow};
use keirin_model::plan::{JobPlan, StagePlan};
use keirin_model::{AgentId, AttemptId, JobId, RunId};

use crate::engine::Engine;

/// An attempt under way with what it is part of.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The attempt.
    pub attempt: &'a Attempt,
    /// Its job.
    pub job: JobId,
    /// When the job could start.
    pub queued_at: Option<Timestamp>,
    /// The job's plan.
    pub plan: &'a JobPlan,
    /// Its run.
    pub run: RunId,
    /// The run's stage.
    pub stage: &'a StagePlan,
    /// Its flow.
    pub flow: &'a Flow,
}

impl Engine {
    /// An attempt that an agent holds.
    pub fn held(&self, attempt: AttemptId) -> Option<Held<'_>> {
        let place = self.work.place_of_attempt(attempt)?;
        let work = self.work.flow(place.flow)?;
        let run = work.runs.get(place.run)?;
        let job = run.jobs.get(place.job)?;
        Some(Held {
            attempt: job.live.as_ref()?,
            job: job.job.id,
            queued_at: job.job.queued_at,
            plan: work.job_plan(place.run, place.job),
            run: run.run.id,
            stage: work.stage(place.run),
            flow: &work.flow,
        })
    }

    /// Every attempt that an agent holds.
    pub fn all_held(&self) -> Vec<AttemptId> {
        self.agents.leased().collect()
    }

    /// The agents as this engine knows them, by id.
    pub fn agents(&self) -> Vec<Agent> {
        let mut agents: Vec<Agent> = self.agents.iter().map(|work| work.agent.clone()).collect();
        agents.sort_unstable_by_key(|agent| agent.id);
        agents
    }

    /// When each agent was last heard of by this engine.
    pub fn agents_seen(&self) -> Vec<(AgentId, Timestamp)> {
        self.agents
            .iter()
            .filter_map(|work| Some((work.agent.id, work.last_seen?)))
            .collect()
    }
}
