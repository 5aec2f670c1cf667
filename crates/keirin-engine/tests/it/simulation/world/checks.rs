//! What has to hold all the time, and at the end.

use std::collections::{BTreeMap, BTreeSet};

use keirin_engine::{Engine, Rules};
use keirin_model::{RunId, Status};
use rand::RngExt;

use super::World;
use crate::simulation::{invariants, schedules};

impl World {
    /// Whatever waits in a flow that is under way, waits for something.
    pub(super) fn check_reasons(&mut self, engine: &Engine) {
        if self.rng.random_range(0..8) != 0 {
            return;
        }
        for job in self
            .store
            .jobs
            .values()
            .filter(|job| job.status == Status::Waiting)
        {
            let flow = invariants::flow_of(&self.store, invariants::run_of(&self.store, job));
            let reason = engine.why_waiting(job.id, None);
            assert!(
                flow.status.is_finished() || reason.is_some(),
                "job {} of flow {} waits for nothing",
                job.id,
                flow.id
            );
        }
    }

    /// An engine made afresh knows what this one knows.
    pub(super) fn compare_with_rebuilt(&mut self, engine: &Engine) {
        if self.rng.random_range(0..40) != 0 {
            return;
        }
        let rebuilt = Engine::new(self.store.snapshot(), Rules::default(), self.now);
        assert_eq!(engine.queued_jobs(), rebuilt.queued_jobs());
        for job in self
            .store
            .jobs
            .values()
            .filter(|job| job.status == Status::Waiting)
        {
            let (here, there) = (
                engine.why_waiting(job.id, None),
                rebuilt.why_waiting(job.id, None),
            );
            assert_eq!(here, there, "job {}", job.id);
        }
    }

    /// No two agents run jobs of two runs that exclude each other, nor the same exclusive job twice.
    pub(super) fn check_executions(&self) {
        let mut running: BTreeMap<_, RunId> = BTreeMap::new();
        let mut jobs = BTreeSet::new();
        for agent in self.agents.values() {
            for (attempt, _) in agent
                .held
                .iter()
                .filter(|(_, held)| held.exclusive && held.executes())
            {
                let job = &self.store.jobs[&self.store.attempts[attempt].job];
                let run = invariants::run_of(&self.store, job);
                let key = invariants::exclusive_key(&self.store, run).unwrap();
                assert!(jobs.insert(job.id), "an exclusive job runs twice");
                let other = running.insert(key, run.id);
                assert!(
                    other.is_none_or(|other| other == run.id),
                    "two exclusive runs execute at once"
                );
            }
        }
    }

    pub(super) fn check_end(&self) {
        for (id, flow) in &self.store.flows {
            if !flow.status.is_finished() {
                let engine = &self.leader.as_ref().unwrap().engine;
                let waits = self.store.jobs.values().filter(|job| !job.status.is_finished());
                let why: Vec<_> = waits.map(|job| (job, engine.why_waiting(job.id, None))).collect();
                panic!("flow {id} never finishes: {why:#?}");
            }
        }
        schedules::check_end(&self.store, &self.leader.as_ref().unwrap().engine);
        for flow in &self.acknowledged_flows {
            assert!(
                self.store.flows.contains_key(flow),
                "flow {flow} was acknowledged and is gone"
            );
        }
        for (attempt, outcome) in &self.acknowledged_ends {
            let status = self.store.attempts[attempt].status;
            assert_eq!(
                status,
                Status::Finished(*outcome),
                "the end of attempt {attempt} was acknowledged and is gone"
            );
        }
        assert_eq!(self.deposed_commits, 0, "a deposed server has written");
    }
}
