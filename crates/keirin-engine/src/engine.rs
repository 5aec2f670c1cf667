//! The engine: all unfinished work in memory, and the one function that moves it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use keirin_model::status::Outcome;
use keirin_model::{AgentId, FlowId, JobId, ProjectId, RunId, Status};

use crate::agents::Agents;
use crate::change::{Move, RowChange};
use crate::deadlines::{Deadline, Deadlines};
use crate::event::{Effects, EngineEvent, EventReply, Notification, Refusal};
use crate::planner::Planner;
use crate::queue::Queue;
use crate::snapshot::{FlowRecord, LastIds, Snapshot};
use crate::turns::Turns;
use crate::work::{FlowWork, Work};

/// The engine's durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long an attempt stays an agent's that says nothing.
    pub lease: SignedDuration,
    /// How long an agent may take to end a job by itself, past its time limit or a wish to stop it.
    pub stop_grace: SignedDuration,
    /// How long until a wish is told again that an agent seems not to have heard.
    pub tell_again: SignedDuration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            lease: SignedDuration::from_secs(keirin_wire::agent::LEASE_SECONDS as i64),
            stop_grace: SignedDuration::from_secs(120),
            tell_again: SignedDuration::from_secs(15),
        }
    }
}

/// All unfinished work, and what decides about it. After a commit that failed it no longer knows the truth, and a new
/// one is made from a fresh snapshot.
#[derive(Debug)]
pub struct Engine {
    pub(crate) rules: Rules,
    pub(crate) last: LastIds,
    /// The highest number that was given out in each project.
    pub(crate) flow_numbers: BTreeMap<ProjectId, i64>,
    /// Numbers of flows that are being prepared. Where the engine ends they are forgotten and given out anew.
    pub(crate) reserved_numbers: BTreeSet<(ProjectId, i64)>,
    pub(crate) work: Work,
    pub(crate) agents: Agents,
    pub(crate) queue: Queue,
    pub(crate) groups: Turns<FlowId>,
    pub(crate) exclusives: Turns<RunId>,
    pub(crate) deadlines: Deadlines,
    pub(crate) planner: Planner,
    /// Flows in which something may start or end now.
    pub(crate) dirty: BTreeSet<FlowId>,
    /// Agents that may get a job now.
    pub(crate) agents_with_capacity: BTreeSet<AgentId>,
    /// Jobs that have just come into the queue.
    pub(crate) newly_queued: Vec<JobId>,
}

/// What a step has come to so far.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) changes: Vec<RowChange>,
    pub(crate) notifications: Vec<Notification>,
}

impl Engine {
    /// An engine that goes on where the store stands. Leases start afresh.
    pub fn new(snapshot: Snapshot, rules: Rules, now: Timestamp) -> Self {
        let mut engine = Self {
            rules,
            last: snapshot.last,
            flow_numbers: snapshot.flow_numbers,
            reserved_numbers: BTreeSet::new(),
            work: Work::default(),
            agents: Agents::default(),
            queue: Queue::default(),
            groups: Turns::default(),
            exclusives: Turns::default(),
            deadlines: Deadlines::default(),
            planner: Planner::default(),
            dirty: BTreeSet::new(),
            agents_with_capacity: BTreeSet::new(),
            newly_queued: Vec::new(),
        };
        for agent in snapshot.agents {
            engine.agents.put(agent);
        }
        for record in snapshot.flows {
            engine.restore(record, now);
        }
        for schedule in snapshot.schedules {
            engine.watch_schedule(schedule, now);
        }
        engine
    }

    /// Takes in one event. What it comes to must be committed before the next step's is, and told after that.
    pub fn step(&mut self, event: EngineEvent, now: Timestamp) -> Effects {
        let mut out = Out::default();
        let answer = self.take_in(event, now, &mut out);
        self.settle(now, &mut out);
        Effects {
            changes: out.changes,
            notifications: out.notifications,
            answer,
        }
    }

    /// When the next [`EngineEvent::Tick`] is due.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Whether a flow is in memory, which it is until it is finished.
    pub fn knows_flow(&self, flow: FlowId) -> bool {
        self.work.flow(flow).is_some()
    }

    /// Whether the flow of a run is in memory.
    pub fn knows_run(&self, run: RunId) -> bool {
        self.work.place_of_run(run).is_some()
    }

    /// Takes a finished flow into memory; it leaves again at the end of the step unless something reopens it.
    fn adopt(&mut self, stored: Option<Box<FlowRecord>>, now: Timestamp) {
        let Some(record) = stored else { return };
        let flow = record.flow.id;
        if !self.knows_flow(flow) {
            self.restore(*record, now);
        }
        self.dirty.insert(flow);
    }

    fn take_in(&mut self, event: EngineEvent, now: Timestamp, out: &mut Out) -> Result<EventReply, Refusal> {
        match event {
            EngineEvent::ReserveNumber(project) => Ok(EventReply::Reserved(self.reserve_number(project))),
            EngineEvent::ReleaseNumber { project, number } => {
                self.release_number(project, number);
                Ok(EventReply::Done)
            }
            EngineEvent::StartFlow(new) => self.start_flow(*new, now, out),
            EngineEvent::Cancel(target) => self.cancel(target, now, out),
            EngineEvent::Rerun {
                flow,
                failed_only,
                stored,
            } => {
                self.adopt(stored, now);
                self.rerun(flow, failed_only, now, out)
            }
            EngineEvent::StartRun { run, stored } => {
                self.adopt(stored, now);
                self.start_run(run, now, out)
            }
            EngineEvent::AgentChanged(agent) => {
                self.agents_with_capacity.insert(agent.id);
                self.agents.put(agent);
                Ok(EventReply::Done)
            }
            EngineEvent::AgentRemoved(agent) => {
                self.remove_agent(agent, now, out);
                Ok(EventReply::Done)
            }
            EngineEvent::Claim(claim) => self.claim(claim, now, out),
            EngineEvent::ClaimOver {
                agent,
                session,
                sequence,
            } => {
                self.agents.claim_over(agent, session, sequence);
                Ok(EventReply::Done)
            }
            EngineEvent::Report {
                agent,
                attempt,
                events,
            } => self.report(agent, attempt, events, now, out),
            EngineEvent::Schedules {
                branch,
                workflow,
                schedules,
            } => {
                self.replace_schedules(branch, &workflow, schedules, now);
                Ok(EventReply::Done)
            }
            EngineEvent::NothingStarted { schedule, due } => {
                self.schedule_done(schedule, due, now, out);
                Ok(EventReply::Done)
            }
            EngineEvent::Tick => {
                self.pass_time(now, out);
                Ok(EventReply::Done)
            }
        }
    }

    /// Lets everything start and end that can, until nothing is left to do.
    fn settle(&mut self, now: Timestamp, out: &mut Out) {
        while let Some(flow) = self.dirty.pop_first() {
            self.advance(flow, now, out);
        }
        self.hand_out(now, out);
    }

    pub(crate) fn tick_at(&mut self, at: Timestamp, deadline: Deadline) {
        self.deadlines.set(at, deadline);
    }

    // The guarded moves, in memory and in the list of changes alike.

    pub(crate) fn move_flow(&mut self, id: FlowId, to: Status, at: Timestamp, out: &mut Out) {
        let Some(work) = self.work.flow_mut(id) else {
            return;
        };
        let from = std::mem::replace(&mut work.flow.status, to);
        work.flow.finished_at = to.is_finished().then_some(at);
        out.changes.push(RowChange::MoveFlow(Move { id, from, to, at }));
    }

    pub(crate) fn move_run(&mut self, flow: FlowId, run: usize, to: Status, at: Timestamp, out: &mut Out) {
        let Some(work) = self.work.flow_mut(flow).and_then(|work| work.runs.get_mut(run)) else {
            return;
        };
        let run = &mut work.run;
        let from = std::mem::replace(&mut run.status, to);
        match to {
            Status::Running => run.started_at = Some(at),
            Status::Waiting | Status::Manual => run.started_at = None,
            Status::Finished(_) => self.deadlines.clear(Deadline::Run(run.id)),
        }
        run.finished_at = to.is_finished().then_some(at);
        out.changes.push(RowChange::MoveRun(Move {
            id: run.id,
            from,
            to,
            at,
        }));
    }

    pub(crate) fn release_run(&mut self, flow: FlowId, run: usize, released: bool, out: &mut Out) {
        let Some(work) = self.work.flow_mut(flow).and_then(|work| work.runs.get_mut(run)) else {
            return;
        };
        if work.run.released != released {
            work.run.released = released;
            out.changes.push(RowChange::ReleaseRun {
                run: work.run.id,
                released,
            });
        }
    }

    pub(crate) fn move_job(&mut self, place: crate::work::Place, to: Status, at: Timestamp, out: &mut Out) {
        let Some(work) = self.work.job_mut(place) else {
            return;
        };
        let job = &mut work.job;
        let from = std::mem::replace(&mut job.status, to);
        job.stopping = None;
        match to {
            Status::Running => job.started_at = Some(at),
            Status::Waiting | Status::Manual => {
                job.queued_at = None;
                job.started_at = None;
            }
            Status::Finished(_) => {}
        }
        job.finished_at = to.is_finished().then_some(at);
        let id = job.id;
        out.changes.push(RowChange::MoveJob(Move { id, from, to, at }));
        self.queue.remove(id);
        self.dirty.insert(place.flow);
    }

    /// Ends a flow or a run that is over: nothing of it stays in memory, and its turn goes to the next.
    pub(crate) fn forget(&mut self, flow: FlowId) {
        self.leave_group(flow);
        let runs = self.work.flow(flow).map(|work| work.runs.len()).unwrap_or(0);
        for run in 0..runs {
            self.leave_exclusive(flow, run);
        }
        self.work.remove(flow);
    }

    /// The outcome of a flow: of all its runs that are over.
    pub(crate) fn outcome_of_flow(work: &FlowWork) -> Outcome {
        Outcome::of_all(work.runs.iter().filter_map(|run| run.run.status.outcome()))
    }
}
