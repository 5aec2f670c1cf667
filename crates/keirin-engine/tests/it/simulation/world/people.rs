//! What people do: they start, cancel and change, and things come due that they asked for.

use keirin_engine::{CancelTarget, EngineEvent, EventReply, Refusal};
use keirin_model::agent::Agent;
use keirin_model::flow::Cause;
use keirin_model::{ProjectId, RunId, Status};
use rand::RngExt;

use super::World;
use crate::fixture;
use crate::simulation::{plans, schedules};

impl World {
    pub(super) fn trigger(&mut self) {
        let plan = plans::draw(&mut self.rng);
        let project = self.rng.random_range(1..=3);
        let flow = fixture::new_flow(project, plan);
        if let Some(Ok(EventReply::Started(flow))) = self.send(EngineEvent::StartFlow(Box::new(flow))) {
            self.acknowledged_flows.insert(flow);
        }
    }

    pub(super) fn begin_preparation(&mut self) {
        let project = ProjectId(self.rng.random_range(1..=3));
        if let Some(Ok(EventReply::Reserved(number))) = self.send(EngineEvent::ReserveNumber(project)) {
            self.preparations.push((project, number));
        }
    }

    /// A plan has been worked out, or cannot be; the server may be another one by now.
    pub(super) fn end_preparation(&mut self) {
        if self.preparations.is_empty() {
            return;
        }
        let at = self.rng.random_range(0..self.preparations.len());
        let (project, number) = self.preparations.swap_remove(at);
        if self.rng.random_bool(0.3) {
            self.send(EngineEvent::ReleaseNumber { project, number });
            return;
        }
        let mut flow = fixture::new_flow(project.0, plans::draw(&mut self.rng));
        flow.number = Some(number);
        match self.send(EngineEvent::StartFlow(Box::new(flow))) {
            Some(Ok(EventReply::Started(flow))) => {
                assert_eq!(self.store.flows[&flow].number, number);
                self.acknowledged_flows.insert(flow);
            }
            Some(Ok(EventReply::NotReserved)) | None => {}
            other => panic!("a prepared start was answered with {other:?}"),
        }
    }

    pub(super) fn pick<Id: Copy>(&mut self, ids: Vec<Id>) -> Option<Id> {
        if ids.is_empty() {
            None
        } else {
            Some(ids[self.rng.random_range(0..ids.len())])
        }
    }

    pub(super) fn cancel_something(&mut self) {
        let flows = self.store.flows.keys().copied().collect();
        let Some(flow) = self.pick(flows) else { return };
        let run = self
            .store
            .runs
            .values()
            .find(|run| run.flow == flow)
            .unwrap()
            .clone();
        let job = self.store.jobs.values().find(|job| job.run == run.id).unwrap().id;
        let target = match self.rng.random_range(0..3) {
            0 => CancelTarget::Flow(flow),
            1 => CancelTarget::Run(run.id),
            _ => CancelTarget::Job(job),
        };
        self.send(EngineEvent::Cancel(target));
    }

    pub(super) fn rerun_something(&mut self) {
        let flows = self.store.flows.keys().copied().collect();
        let Some(flow) = self.pick(flows) else { return };
        let stored = self.store.flow_record(flow).map(Box::new);
        let failed_only = self.rng.random_bool(0.5);
        self.send(EngineEvent::Rerun {
            flow,
            failed_only,
            stored,
        });
    }

    pub(super) fn start_something(&mut self) {
        let manual: Vec<RunId> = self
            .store
            .runs
            .values()
            .filter(|run| run.status == Status::Manual)
            .map(|run| run.id)
            .collect();
        let Some(run) = self.pick(manual) else { return };
        let stored = self.store.flow_record(self.store.runs[&run].flow).map(Box::new);
        self.send(EngineEvent::StartRun { run, stored });
    }

    /// The workflow is read anew: some of its schedules are gone, others are there again.
    pub(super) fn change_schedules(&mut self) {
        schedules::change(&mut self.store, &mut self.rng, self.now, &mut self.last_schedule);
        let (branch, workflow) = schedules::place();
        let schedules = self.store.schedules.values().cloned().collect();
        self.send(EngineEvent::Schedules {
            branch,
            workflow,
            schedules,
        });
    }

    /// A due time has been prepared: a flow is to start, or nothing.
    pub(super) fn deal_with_a_firing(&mut self) {
        if self.firings.is_empty() {
            return;
        }
        let at = self.rng.random_range(0..self.firings.len());
        let (schedule, due) = self.firings.swap_remove(at);
        if self.calm || self.rng.random_bool(0.5) {
            self.send(EngineEvent::NothingStarted { schedule, due });
            return;
        }
        let plan = plans::draw(&mut self.rng);
        let mut new = fixture::new_flow(1, plan);
        new.cause = Cause::Schedule { schedule };
        new.commit = Some(format!("{schedule} at {due}"));
        new.due = Some((schedule, due));
        match self.send(EngineEvent::StartFlow(Box::new(new))) {
            Some(Ok(EventReply::Started(flow))) => drop(self.acknowledged_flows.insert(flow)),
            Some(Err(Refusal::DueTimeOver { .. })) | None => {}
            other => panic!("a scheduled start was answered with {other:?}"),
        }
    }

    /// A person changes an agent, or removes it; a removed one goes on talking for a while.
    pub(super) fn change_an_agent(&mut self) {
        let id = self.any_agent();
        let Some(mut agent) = self.store.agents.get(&id).cloned() else {
            let slots = self.agents[&id].slots;
            return self.put_agent(fixture::agent(id.0, slots));
        };
        match self.rng.random_range(0..10) {
            0 => {
                self.say(|| format!("agent {id} is removed"));
                self.store.remove_agent(id);
                // The server may die before it hears of it.
                if self.rng.random_bool(0.8) {
                    self.send(EngineEvent::AgentRemoved(id));
                } else {
                    self.crash_server();
                }
                return;
            }
            1..=3 => agent.authorised = !agent.authorised,
            4..=6 => agent.disabled = !agent.disabled,
            7 => drop(agent.labels.insert("big".to_owned())),
            8 => drop(agent.labels.remove("big")),
            _ => agent.slots = self.rng.random_range(1..=3),
        }
        self.put_agent(agent);
    }

    pub(super) fn put_agent(&mut self, agent: Agent) {
        self.say(|| format!("agent {} is now {agent:?}", agent.id));
        self.store.put_agent(agent.clone());
        self.send(EngineEvent::AgentChanged(agent));
    }
}
