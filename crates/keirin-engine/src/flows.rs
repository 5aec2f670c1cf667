//! What people and triggers ask for: starting, cancelling, running again.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use keirin_model::flow::{Flow, Job, Run};
use keirin_model::plan::Start;
use keirin_model::{AgentId, AttemptId, FlowId, JobId, Outcome, ProjectId, RunId, Status};

use crate::change::RowChange;
use crate::deadlines::Deadline;
use crate::engine::{Engine, Out};
use crate::event::{CancelTarget, EventReply, NewFlow, Notification, Refusal};
use crate::queue::Queued;
use crate::snapshot::FlowRecord;
use crate::turns::TurnKey;
use crate::work::{Needs, Place};

impl Engine {
    pub(crate) fn start_flow(
        &mut self,
        new: NewFlow,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<EventReply, Refusal> {
        if let Some((schedule, due)) = new.due
            && self.is_over(schedule, due)
        {
            return Err(Refusal::DueTimeOver { schedule, due });
        }
        let number = match new.number {
            None => self.next_number(new.project),
            Some(number) if self.reserved_numbers.remove(&(new.project, number)) => number,
            Some(_) => return Ok(EventReply::NotReserved),
        };
        let record = self.record_of(new.clone(), number, now);
        let id = record.flow.id;
        out.changes
            .push(RowChange::AddFlow(Box::new(record.flow.clone())));
        out.changes
            .extend(record.runs.iter().cloned().map(RowChange::AddRun));
        out.changes
            .extend(record.jobs.iter().cloned().map(RowChange::AddJob));
        if let Some((schedule, due)) = new.due {
            self.schedule_done(schedule, due, now, out);
        }
        // A flow that is over from the start stays in memory no longer than any other.
        if !record.flow.status.is_finished() {
            self.work.insert(record);
            self.cancel_older(id, now, out);
            self.dirty.insert(id);
        }
        Ok(EventReply::Started(id))
    }

    /// A number for a flow that is being prepared.
    pub(crate) fn reserve_number(&mut self, project: ProjectId) -> i64 {
        let number = self.next_number(project);
        self.reserved_numbers.insert((project, number));
        number
    }

    /// The newest number is given out again; an older one is left out.
    pub(crate) fn release_number(&mut self, project: ProjectId, number: i64) {
        if !self.reserved_numbers.remove(&(project, number)) {
            return;
        }
        if let Some(highest) = self.flow_numbers.get_mut(&project)
            && *highest == number
        {
            *highest -= 1;
        }
    }

    fn next_number(&mut self, project: ProjectId) -> i64 {
        let highest = self.flow_numbers.entry(project).or_default();
        *highest += 1;
        *highest
    }

    fn record_of(&mut self, new: NewFlow, number: i64, now: Timestamp) -> FlowRecord {
        self.last.flow.0 += 1;
        let flow = self.last.flow;
        let mut runs = Vec::with_capacity(new.plan.stages.len());
        let mut jobs = Vec::with_capacity(new.plan.job_count());
        for (stage, stage_plan) in new.plan.stages.iter().enumerate() {
            self.last.run.0 += 1;
            let run = self.last.run;
            runs.push(Run {
                id: run,
                flow,
                stage,
                status: Status::Waiting,
                released: false,
                started_at: None,
                finished_at: None,
            });
            for index in 0..stage_plan.jobs.len() {
                self.last.job.0 += 1;
                jobs.push(Job {
                    id: self.last.job,
                    run,
                    index,
                    status: Status::Waiting,
                    stopping: None,
                    lost: 0,
                    queued_at: None,
                    started_at: None,
                    finished_at: None,
                });
            }
        }
        let is_broken = !new.diagnostics.is_empty();
        let flow = Flow {
            id: flow,
            number,
            project: new.project,
            branch: new.branch,
            kind: new.kind,
            commit: new.commit,
            change: new.change,
            params: new.params,
            cause: new.cause,
            plan: new.plan,
            status: if is_broken {
                Status::Finished(Outcome::Failed)
            } else {
                Status::Waiting
            },
            diagnostics: new.diagnostics,
            created_at: now,
            finished_at: is_broken.then_some(now),
        };
        FlowRecord {
            flow,
            runs,
            jobs,
            attempts: Vec::new(),
        }
    }

    /// Puts a flow from the store into memory, as it stood.
    pub(crate) fn restore(&mut self, record: FlowRecord, now: Timestamp) {
        let flow = record.flow.id;
        let status = record.flow.status;
        self.work.insert(record);
        if let Some(key) = self.group_of(flow) {
            match status {
                Status::Running => self.groups.hold_again(&key, flow),
                Status::Waiting => self.groups.wait_again(&key, flow),
                Status::Manual | Status::Finished(_) => {}
            }
        }
        let Some(work) = self.work.flow(flow) else { return };
        let mut running = Vec::new();
        let mut waiting = Vec::new();
        let mut queued = Vec::new();
        let mut live = Vec::new();
        for (run, run_work) in work.runs.iter().enumerate() {
            match run_work.run.status {
                Status::Running => running.push(run),
                Status::Waiting if status == Status::Running && work.stage_needs(run) == Needs::Met => {
                    waiting.push(run)
                }
                Status::Waiting | Status::Manual | Status::Finished(_) => {}
            }
            for (job, job_work) in run_work.jobs.iter().enumerate() {
                let place = Place { flow, run, job };
                match &job_work.live {
                    Some(attempt) => live.push((attempt.agent, attempt.id)),
                    None if job_work.job.status == Status::Waiting && job_work.job.queued_at.is_some() => {
                        queued.push(place)
                    }
                    None => {}
                }
            }
        }
        let project = work.flow.project;
        for run in running {
            if let Some((key, id)) = self.exclusive_of(flow, run) {
                self.exclusives.hold_again(&key, id);
            }
            self.watch_run(flow, run);
        }
        for run in waiting {
            if let Some((key, id)) = self.exclusive_of(flow, run) {
                self.exclusives.wait_again(&key, id);
            }
        }
        for place in queued {
            self.enqueue(place);
        }
        for (agent, attempt) in live {
            self.queue.began(project);
            self.agents.hold(agent, attempt, now + self.rules.lease);
            self.tick_at(now + self.rules.lease, Deadline::Lease(attempt));
            self.watch_attempt(attempt);
        }
    }

    /// Puts a job into the queue that is marked as queued.
    pub(crate) fn enqueue(&mut self, place: Place) {
        let Some(flow) = self.work.flow(place.flow) else {
            return;
        };
        let Some(job) = self.work.job(place) else { return };
        let plan = flow.job_plan(place.run, place.job);
        self.queue.insert(Queued {
            job: job.job.id,
            project: flow.flow.project,
            priority: plan.priority,
            since: job.job.queued_at.unwrap_or(flow.flow.created_at),
            requirements: plan.requirements.clone(),
        });
    }

    /// A newer flow of a group that wants it so ends the older ones.
    fn cancel_older(&mut self, flow: FlowId, now: Timestamp, out: &mut Out) {
        let cancels = self
            .work
            .flow(flow)
            .and_then(|work| work.flow.plan.concurrency.as_ref())
            .is_some_and(|concurrency| concurrency.cancel_in_progress);
        if let (true, Some(key)) = (cancels, self.group_of(flow)) {
            for older in self
                .groups
                .everyone(&key)
                .into_iter()
                .filter(|older| *older < flow)
            {
                self.stop_flow(older, now, out);
            }
        }
    }

    pub(crate) fn cancel(
        &mut self,
        target: CancelTarget,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<EventReply, Refusal> {
        match target {
            CancelTarget::Flow(flow) => {
                let open = self
                    .work
                    .flow(flow)
                    .is_some_and(|work| !work.flow.status.is_finished());
                if !open {
                    return Err(Refusal::NoSuchFlow(flow));
                }
                self.stop_flow(flow, now, out);
            }
            CancelTarget::Run(run) => {
                let (flow, run) = self.open_run(run)?;
                self.stop_run(flow, run, Outcome::Cancelled, now, out);
            }
            CancelTarget::Job(job) => {
                let place = self.open_job(job)?;
                self.stop_job(place, Outcome::Cancelled, now, out);
            }
        }
        Ok(EventReply::Done)
    }

    fn open_run(&self, run: RunId) -> Result<(FlowId, usize), Refusal> {
        let place = self.work.place_of_run(run).ok_or(Refusal::NoSuchRun(run))?;
        let open = self
            .work
            .flow(place.0)
            .is_some_and(|work| !work.runs[place.1].run.status.is_finished());
        if open {
            Ok(place)
        } else {
            Err(Refusal::NoSuchRun(run))
        }
    }

    fn open_job(&self, job: JobId) -> Result<Place, Refusal> {
        let place = self.work.place_of_job(job).ok_or(Refusal::NoSuchJob(job))?;
        let open = self
            .work
            .job(place)
            .is_some_and(|work| !work.job.status.is_finished());
        if open {
            Ok(place)
        } else {
            Err(Refusal::NoSuchJob(job))
        }
    }

    fn stop_flow(&mut self, flow: FlowId, now: Timestamp, out: &mut Out) {
        let runs = self.work.flow(flow).map_or(0, |work| work.runs.len());
        for run in 0..runs {
            self.stop_run(flow, run, Outcome::Cancelled, now, out);
        }
        self.dirty.insert(flow);
    }

    /// Ends what has not begun in a run, and asks agents to end the rest.
    pub(crate) fn stop_run(
        &mut self,
        flow: FlowId,
        run: usize,
        outcome: Outcome,
        now: Timestamp,
        out: &mut Out,
    ) {
        let Some(work) = self.work.flow(flow).and_then(|work| work.runs.get(run)) else {
            return;
        };
        if work.run.status.is_finished() {
            return;
        }
        let begun = work.run.status == Status::Running;
        for job in 0..work.jobs.len() {
            self.stop_job(Place { flow, run, job }, outcome, now, out);
        }
        if !begun {
            self.leave_exclusive(flow, run);
            self.move_run(flow, run, Status::Finished(outcome), now, out);
        }
        self.dirty.insert(flow);
    }

    pub(crate) fn stop_job(&mut self, place: Place, outcome: Outcome, now: Timestamp, out: &mut Out) {
        let Some(work) = self.work.job_mut(place) else {
            return;
        };
        if work.job.status.is_finished() || work.job.stopping.is_some() {
            return;
        }
        let Some(live) = &work.live else {
            self.move_job(place, Status::Finished(outcome), now, out);
            return;
        };
        let (agent, attempt) = (live.agent, live.id);
        work.job.stopping = Some(outcome);
        out.changes.push(RowChange::StopJob {
            job: work.job.id,
            outcome,
        });
        self.tick_at(now + self.rules.stop_grace, Deadline::Attempt(attempt));
        self.agents.stop_by(attempt, now + self.rules.stop_grace);
        self.tell_stop(agent, attempt, now, out);
    }

    /// Tells an agent to stop an attempt, if it is listening; otherwise it hears of it at its next claim or report.
    pub(crate) fn tell_stop(&mut self, agent: AgentId, attempt: AttemptId, now: Timestamp, out: &mut Out) {
        if self
            .agents
            .tell_stop_now(agent, attempt, now - self.rules.tell_again, now)
        {
            out.notifications.push(Notification::Stop { agent, attempt });
        }
    }

    pub(crate) fn start_run(
        &mut self,
        run: RunId,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<EventReply, Refusal> {
        let (flow, place) = self.work.place_of_run(run).ok_or(Refusal::NoSuchRun(run))?;
        let Some(work) = self.work.flow(flow) else {
            return Err(Refusal::NoSuchRun(run));
        };
        if work.runs[place].run.status != Status::Manual {
            return Err(Refusal::NotManual(run));
        }
        self.release_run(flow, place, true, out);
        self.move_run(flow, place, Status::Waiting, now, out);
        self.reopen(flow, now, out);
        Ok(EventReply::Done)
    }

    pub(crate) fn rerun(
        &mut self,
        flow: FlowId,
        failed_only: bool,
        now: Timestamp,
        out: &mut Out,
    ) -> Result<EventReply, Refusal> {
        let Some(work) = self.work.flow(flow) else {
            return Err(Refusal::NoSuchFlow(flow));
        };
        if !work.flow.status.is_finished() {
            return Err(Refusal::StillUnderWay(flow));
        }
        let again = |status: Status| match status.outcome() {
            Some(Outcome::Success) => !failed_only,
            Some(_) => true,
            None => false,
        };
        let mut chosen: Vec<Place> = Vec::new();
        for (run, run_work) in work.runs.iter().enumerate() {
            for (job, job_work) in run_work.jobs.iter().enumerate() {
                if again(job_work.job.status) {
                    chosen.push(Place { flow, run, job });
                }
            }
        }
        if chosen.is_empty() {
            return Err(Refusal::NothingToRerun(flow));
        }
        for place in &chosen {
            self.move_job(*place, Status::Waiting, now, out);
            if let Some(work) = self.work.job_mut(*place) {
                work.job.lost = 0;
            }
        }
        for run in chosen.iter().map(|place| place.run).collect::<BTreeSet<_>>() {
            let over = self
                .work
                .flow(flow)
                .is_some_and(|work| work.runs[run].run.status.is_finished());
            if over {
                // A guarded stage is guarded each time: whoever asks for the rerun may not be one who may start it.
                self.release_run(flow, run, false, out);
                self.move_run(flow, run, Status::Waiting, now, out);
            }
        }
        self.close_manual(flow, now, out);
        self.reopen(flow, now, out);
        Ok(EventReply::Done)
    }

    /// Stages that waited for a person wait for what they need again, where that runs again.
    fn close_manual(&mut self, flow: FlowId, now: Timestamp, out: &mut Out) {
        let Some(work) = self.work.flow(flow) else { return };
        let closed = |run: &usize| {
            work.runs[*run].run.status == Status::Manual && work.stage_needs(*run) != Needs::Met
        };
        for run in (0..work.runs.len()).filter(closed).collect::<Vec<_>>() {
            self.move_run(flow, run, Status::Waiting, now, out);
        }
    }

    /// A finished flow goes on.
    fn reopen(&mut self, flow: FlowId, now: Timestamp, out: &mut Out) {
        if self
            .work
            .flow(flow)
            .is_some_and(|work| work.flow.status.is_finished())
        {
            self.move_flow(flow, Status::Waiting, now, out);
        }
        self.dirty.insert(flow);
    }

    /// The concurrency group that a flow is in.
    pub(crate) fn group_of(&self, flow: FlowId) -> Option<TurnKey> {
        let flow = &self.work.flow(flow)?.flow;
        Some((flow.project, flow.plan.concurrency.as_ref()?.group.clone()))
    }

    pub(crate) fn leave_group(&mut self, flow: FlowId) {
        if let Some(key) = self.group_of(flow) {
            self.dirty.extend(self.groups.leave(&key, flow));
        }
    }

    /// What an exclusive run needs for itself: its environment if it has one, else its stage of the workflow.
    pub(crate) fn exclusive_of(&self, flow: FlowId, run: usize) -> Option<(TurnKey, RunId)> {
        let work = self.work.flow(flow)?;
        let stage = work.stage(run);
        if !stage.exclusive {
            return None;
        }
        let name = match &stage.environment {
            Some(environment) => format!("environment {environment}"),
            None => format!("stage {}/{}", work.flow.plan.workflow, stage.name),
        };
        Some(((work.flow.project, name), work.runs[run].run.id))
    }

    pub(crate) fn leave_exclusive(&mut self, flow: FlowId, run: usize) {
        let Some((key, id)) = self.exclusive_of(flow, run) else {
            return;
        };
        if let Some(next) = self.exclusives.leave(&key, id) {
            self.dirty
                .extend(self.work.place_of_run(next).map(|(flow, _)| flow));
        }
    }

    pub(crate) fn watch_run(&mut self, flow: FlowId, run: usize) {
        let Some(work) = self.work.flow(flow) else { return };
        let timeout: Option<SignedDuration> = work.stage(run).timeout;
        let (id, started) = (work.runs[run].run.id, work.runs[run].run.started_at);
        if let (Some(timeout), Some(started)) = (timeout, started) {
            self.tick_at(started + timeout, Deadline::Run(id));
        }
    }

    /// Whether a stage waits for a person.
    pub(crate) fn waits_for_person(&self, flow: FlowId, run: usize) -> bool {
        self.work.flow(flow).is_some_and(|work| {
            matches!(work.stage(run).start, Start::Manual { .. }) && !work.runs[run].run.released
        })
    }
}
