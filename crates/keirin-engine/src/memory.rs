//! A store in memory: the same guarded changes as the database makes, for `exec`, for tests and for the simulation.

use std::collections::BTreeMap;
use std::fmt::Display;

use keirin_model::agent::Agent;
use keirin_model::flow::{Attempt, Exit, Flow, Job, Run, Step};
use keirin_model::trigger::Schedule;
use keirin_model::{AgentId, AttemptId, FlowId, JobId, ProjectId, RunId, ScheduleId, Status};

use crate::change::{Move, RowChange};
use crate::snapshot::{FlowRecord, LastIds, Snapshot};

/// Why changes were not made; none of them was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not as the change expects it")]
pub struct Conflict(pub String);

/// All rows, by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemoryStore {
    /// Flows.
    pub flows: BTreeMap<FlowId, Flow>,
    /// Runs.
    pub runs: BTreeMap<RunId, Run>,
    /// Jobs.
    pub jobs: BTreeMap<JobId, Job>,
    /// Attempts.
    pub attempts: BTreeMap<AttemptId, Attempt>,
    /// Steps, by attempt and place.
    pub steps: BTreeMap<(AttemptId, usize), Step>,
    /// Agents.
    pub agents: BTreeMap<AgentId, Agent>,
    /// Timed triggers.
    pub schedules: BTreeMap<ScheduleId, Schedule>,
}

impl MemoryStore {
    /// Makes all changes, or none.
    ///
    /// # Errors
    /// When a row is not as a change expects it.
    pub fn commit(&mut self, changes: &[RowChange]) -> Result<(), Conflict> {
        let mut next = Rows {
            rows: self,
            undo: Vec::new(),
        };
        for change in changes {
            if let Err(conflict) = next.apply(change) {
                next.roll_back();
                return Err(conflict);
            }
        }
        Ok(())
    }

    /// All unfinished work.
    pub fn snapshot(&self) -> Snapshot {
        let mut flow_numbers: BTreeMap<ProjectId, i64> = BTreeMap::new();
        for flow in self.flows.values() {
            let highest = flow_numbers.entry(flow.project).or_default();
            *highest = flow.number.max(*highest);
        }
        Snapshot {
            flows: self.records(|flow| !flow.status.is_finished()),
            agents: self.agents.values().cloned().collect(),
            schedules: self.schedules.values().cloned().collect(),
            last: LastIds {
                flow: last(&self.flows, FlowId(0)),
                run: last(&self.runs, RunId(0)),
                job: last(&self.jobs, JobId(0)),
                attempt: last(&self.attempts, AttemptId(0)),
            },
            flow_numbers,
        }
    }

    /// A flow with all its parts.
    pub fn flow_record(&self, flow: FlowId) -> Option<FlowRecord> {
        self.records(|other| other.id == flow).pop()
    }

    /// Flows with all their parts, in one pass over each kind of row.
    fn records(&self, is_wanted: impl Fn(&Flow) -> bool) -> Vec<FlowRecord> {
        let mut records: BTreeMap<FlowId, FlowRecord> = BTreeMap::new();
        for flow in self.flows.values().filter(|flow| is_wanted(flow)) {
            let (flow, id) = (flow.clone(), flow.id);
            let (runs, jobs, attempts) = (Vec::new(), Vec::new(), Vec::new());
            let record = FlowRecord {
                flow,
                runs,
                jobs,
                attempts,
            };
            records.insert(id, record);
        }
        let mut of_run: BTreeMap<RunId, FlowId> = BTreeMap::new();
        for run in self.runs.values() {
            if let Some(record) = records.get_mut(&run.flow) {
                of_run.insert(run.id, run.flow);
                record.runs.push(run.clone());
            }
        }
        let mut of_job: BTreeMap<JobId, FlowId> = BTreeMap::new();
        for job in self.jobs.values() {
            if let Some(flow) = of_run.get(&job.run) {
                of_job.insert(job.id, *flow);
                records
                    .entry(*flow)
                    .and_modify(|record| record.jobs.push(job.clone()));
            }
        }
        let mut newest: BTreeMap<JobId, u32> = BTreeMap::new();
        for attempt in self.attempts.values() {
            let number = newest.entry(attempt.job).or_default();
            *number = attempt.number.max(*number);
        }
        for attempt in self.attempts.values() {
            let is_newest = newest.get(&attempt.job) == Some(&attempt.number);
            if let Some(flow) = of_job.get(&attempt.job)
                && (is_newest || !attempt.status.is_finished())
            {
                records
                    .entry(*flow)
                    .and_modify(|record| record.attempts.push(attempt.clone()));
            }
        }
        records.into_values().collect()
    }
}

fn last<Id: Copy + Ord, Row>(rows: &BTreeMap<Id, Row>, none: Id) -> Id {
    rows.last_key_value().map_or(none, |(id, _)| *id)
}

/// A row as it was before a change.
enum Undo {
    Flow(FlowId, Option<Box<Flow>>),
    Run(RunId, Option<Run>),
    Job(JobId, Option<Job>),
    Attempt(AttemptId, Option<Attempt>),
    Step((AttemptId, usize), Option<Step>),
    Schedule(ScheduleId, Option<Schedule>),
}

/// Rows that are being changed, with the way back.
struct Rows<'a> {
    rows: &'a mut MemoryStore,
    undo: Vec<Undo>,
}

impl Rows<'_> {
    fn apply(&mut self, change: &RowChange) -> Result<(), Conflict> {
        match change {
            RowChange::AddFlow(flow) => {
                self.absent(self.rows.flows.contains_key(&flow.id), "flow", flow.id)?;
                self.undo.push(Undo::Flow(flow.id, None));
                self.rows.flows.insert(flow.id, (**flow).clone());
            }
            RowChange::AddRun(run) => {
                self.absent(self.rows.runs.contains_key(&run.id), "run", run.id)?;
                self.undo.push(Undo::Run(run.id, None));
                self.rows.runs.insert(run.id, run.clone());
            }
            RowChange::AddJob(job) => {
                self.absent(self.rows.jobs.contains_key(&job.id), "job", job.id)?;
                self.undo.push(Undo::Job(job.id, None));
                self.rows.jobs.insert(job.id, job.clone());
            }
            RowChange::AddAttempt(attempt) => {
                self.absent(
                    self.rows.attempts.contains_key(&attempt.id),
                    "attempt",
                    attempt.id,
                )?;
                self.undo.push(Undo::Attempt(attempt.id, None));
                self.rows.attempts.insert(attempt.id, attempt.clone());
            }
            RowChange::MoveFlow(moved) => {
                let flow = self.flow(moved.id)?;
                guard(&mut flow.status, moved, "flow")?;
                flow.finished_at = moved.to.is_finished().then_some(moved.at);
            }
            RowChange::MoveRun(moved) => self.move_run(moved)?,
            RowChange::ReleaseRun { run, released } => self.run(*run)?.released = *released,
            RowChange::MoveJob(moved) => self.move_job(moved)?,
            RowChange::QueueJob { job, at, lost } => {
                let row = self.job(*job)?;
                row.queued_at = Some(*at);
                row.lost = *lost;
            }
            RowChange::StopJob { job, outcome } => self.job(*job)?.stopping = Some(*outcome),
            RowChange::MoveAttempt { moved, exit, message } => {
                let attempt = self.attempt(moved.id)?;
                guard(&mut attempt.status, moved, "attempt")?;
                match moved.to {
                    Status::Running => attempt.started_at = Some(moved.at),
                    Status::Finished(_) => attempt.finished_at = Some(moved.at),
                    Status::Waiting | Status::Manual => {}
                }
                attempt.exit = *exit;
                attempt.message.clone_from(message);
            }
            RowChange::Acknowledge { attempt, sequence } => self.attempt(*attempt)?.acknowledged = *sequence,
            RowChange::StartStep { attempt, index, at } => {
                if !self.rows.steps.contains_key(&(*attempt, *index)) {
                    self.put_step(Step {
                        attempt: *attempt,
                        index: *index,
                        outcome: None,
                        exit: Exit::default(),
                        message: None,
                        started_at: *at,
                        finished_at: None,
                    });
                }
            }
            RowChange::FinishStep {
                attempt,
                index,
                outcome,
                exit,
                message,
                at,
            } => {
                let started_at = self
                    .rows
                    .steps
                    .get(&(*attempt, *index))
                    .map_or(*at, |step| step.started_at);
                self.put_step(Step {
                    attempt: *attempt,
                    index: *index,
                    outcome: Some(*outcome),
                    exit: *exit,
                    message: message.clone(),
                    started_at,
                    finished_at: Some(*at),
                });
            }
            RowChange::ScheduleDone { schedule, due } => {
                // A schedule that was removed meanwhile needs no last due time.
                if let Some(row) = self.rows.schedules.get_mut(schedule) {
                    self.undo.push(Undo::Schedule(*schedule, Some(row.clone())));
                    row.last_due = Some(*due);
                }
            }
        }
        Ok(())
    }

    fn move_run(&mut self, moved: &Move<RunId>) -> Result<(), Conflict> {
        let run = self.run(moved.id)?;
        guard(&mut run.status, moved, "run")?;
        match moved.to {
            Status::Running => run.started_at = Some(moved.at),
            Status::Waiting | Status::Manual => run.started_at = None,
            Status::Finished(_) => {}
        }
        run.finished_at = moved.to.is_finished().then_some(moved.at);
        Ok(())
    }

    fn move_job(&mut self, moved: &Move<JobId>) -> Result<(), Conflict> {
        let job = self.job(moved.id)?;
        guard(&mut job.status, moved, "job")?;
        job.stopping = None;
        match moved.to {
            Status::Running => job.started_at = Some(moved.at),
            Status::Waiting | Status::Manual => {
                job.queued_at = None;
                job.started_at = None;
            }
            Status::Finished(_) => {}
        }
        job.finished_at = moved.to.is_finished().then_some(moved.at);
        Ok(())
    }

    fn absent(&self, present: bool, noun: &str, id: impl Display) -> Result<(), Conflict> {
        if present {
            Err(Conflict(format!("{noun} {id}")))
        } else {
            Ok(())
        }
    }

    fn flow(&mut self, id: FlowId) -> Result<&mut Flow, Conflict> {
        let row = self
            .rows
            .flows
            .get_mut(&id)
            .ok_or_else(|| Conflict(format!("flow {id}")))?;
        self.undo.push(Undo::Flow(id, Some(Box::new(row.clone()))));
        Ok(row)
    }

    fn run(&mut self, id: RunId) -> Result<&mut Run, Conflict> {
        let row = self
            .rows
            .runs
            .get_mut(&id)
            .ok_or_else(|| Conflict(format!("run {id}")))?;
        self.undo.push(Undo::Run(id, Some(row.clone())));
        Ok(row)
    }

    fn job(&mut self, id: JobId) -> Result<&mut Job, Conflict> {
        let row = self
            .rows
            .jobs
            .get_mut(&id)
            .ok_or_else(|| Conflict(format!("job {id}")))?;
        self.undo.push(Undo::Job(id, Some(row.clone())));
        Ok(row)
    }

    fn attempt(&mut self, id: AttemptId) -> Result<&mut Attempt, Conflict> {
        let row = self
            .rows
            .attempts
            .get_mut(&id)
            .ok_or_else(|| Conflict(format!("attempt {id}")))?;
        self.undo.push(Undo::Attempt(id, Some(row.clone())));
        Ok(row)
    }

    fn put_step(&mut self, step: Step) {
        let key = (step.attempt, step.index);
        let before = self.rows.steps.insert(key, step);
        self.undo.push(Undo::Step(key, before));
    }

    fn roll_back(self) {
        fn put<Id: Ord, Row>(rows: &mut BTreeMap<Id, Row>, id: Id, row: Option<Row>) {
            match row {
                Some(row) => drop(rows.insert(id, row)),
                None => drop(rows.remove(&id)),
            }
        }
        for undo in self.undo.into_iter().rev() {
            match undo {
                Undo::Flow(id, row) => put(&mut self.rows.flows, id, row.map(|row| *row)),
                Undo::Run(id, row) => put(&mut self.rows.runs, id, row),
                Undo::Job(id, row) => put(&mut self.rows.jobs, id, row),
                Undo::Attempt(id, row) => put(&mut self.rows.attempts, id, row),
                Undo::Step(id, row) => put(&mut self.rows.steps, id, row),
                Undo::Schedule(id, row) => put(&mut self.rows.schedules, id, row),
            }
        }
    }
}

/// The guard of every move: the row is still where the engine knows it.
fn guard<Id: Display>(status: &mut Status, moved: &Move<Id>, noun: &str) -> Result<(), Conflict> {
    if *status != moved.from {
        return Err(Conflict(format!("{noun} {}", moved.id)));
    }
    *status = moved.to;
    Ok(())
}

impl MemoryStore {
    /// Adds an agent or replaces it.
    pub fn put_agent(&mut self, agent: Agent) {
        self.agents.insert(agent.id, agent);
    }

    /// Removes an agent.
    pub fn remove_agent(&mut self, agent: AgentId) {
        self.agents.remove(&agent);
    }
}
