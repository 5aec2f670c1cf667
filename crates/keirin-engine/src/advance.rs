//! What follows from what has ended: stages and jobs that start or are skipped, runs and flows that are over.

use std::collections::BTreeSet;

use jiff::Timestamp;
use keirin_model::{FlowId, Outcome, Status};

use crate::change::RowChange;
use crate::engine::{Engine, Out};
use crate::work::{FlowWork, Needs, Place, Work};

impl Engine {
    /// Lets everything in a flow start and end that can.
    pub(crate) fn advance(&mut self, flow: FlowId, now: Timestamp, out: &mut Out) {
        let Some(work) = self.work.flow(flow) else { return };
        if work.flow.status.is_finished() {
            self.forget(flow);
            return;
        }
        if work.flow.status == Status::Waiting && !self.begin_flow(flow, now, out) {
            return;
        }
        let mut moved = true;
        while moved {
            moved = false;
            let runs = self.work.flow(flow).map_or(0, |work| work.runs.len());
            for run in 0..runs {
                moved |= self.advance_run(flow, run, now, out);
            }
        }
        self.dirty.remove(&flow);
        let Some(work) = self.work.flow(flow) else { return };
        if !can_go_on(work) {
            let outcome = Self::outcome_of_flow(work);
            self.move_flow(flow, Status::Finished(outcome), now, out);
            self.forget(flow);
        }
    }

    /// Starts a flow if its group lets it; a flow that was ended before it could start ends without its turn.
    fn begin_flow(&mut self, flow: FlowId, now: Timestamp, out: &mut Out) -> bool {
        let Some(work) = self.work.flow(flow) else {
            return false;
        };
        let over = work.runs.iter().all(|run| run.run.status.is_finished());
        let turn = match self.group_of(flow) {
            Some(key) => over || self.groups.take(&key, flow),
            None => true,
        };
        if turn {
            self.move_flow(flow, Status::Running, now, out);
        }
        turn
    }

    /// Moves a run and its jobs on; says whether anything moved.
    fn advance_run(&mut self, flow: FlowId, run: usize, now: Timestamp, out: &mut Out) -> bool {
        let Some(work) = self.work.flow(flow) else {
            return false;
        };
        match work.runs[run].run.status {
            Status::Finished(_) | Status::Manual => false,
            Status::Waiting => match work.stage_needs(run) {
                Needs::Open => false,
                Needs::Failed => {
                    self.stop_run(flow, run, Outcome::Skipped, now, out);
                    true
                }
                Needs::Met if self.waits_for_person(flow, run) => {
                    self.move_run(flow, run, Status::Manual, now, out);
                    true
                }
                Needs::Met => self.begin_run(flow, run, now, out),
            },
            Status::Running => self.advance_jobs(flow, run, now, out),
        }
    }

    fn begin_run(&mut self, flow: FlowId, run: usize, now: Timestamp, out: &mut Out) -> bool {
        if let Some((key, id)) = self.exclusive_of(flow, run)
            && !self.exclusives.take(&key, id)
        {
            return false;
        }
        self.move_run(flow, run, Status::Running, now, out);
        self.watch_run(flow, run);
        true
    }

    fn advance_jobs(&mut self, flow: FlowId, run: usize, now: Timestamp, out: &mut Out) -> bool {
        let mut moved = false;
        let jobs = self.work.flow(flow).map_or(0, |work| work.runs[run].jobs.len());
        for job in 0..jobs {
            let place = Place { flow, run, job };
            let Some(work) = self.work.flow(flow) else {
                return false;
            };
            let job_work = &work.runs[run].jobs[job];
            let untouched = job_work.job.status == Status::Waiting
                && job_work.job.queued_at.is_none()
                && job_work.live.is_none();
            if !untouched {
                continue;
            }
            match work.job_needs(run, job) {
                Needs::Open => {}
                Needs::Failed => {
                    self.move_job(place, Status::Finished(Outcome::Skipped), now, out);
                    moved = true;
                }
                Needs::Met => {
                    self.queue_job(place, now, out);
                    moved = true;
                }
            }
        }
        let outcome = self
            .work
            .flow(flow)
            .and_then(|work| Work::outcome_of_run(&work.runs[run]));
        if let Some(outcome) = outcome {
            self.leave_exclusive(flow, run);
            self.move_run(flow, run, Status::Finished(outcome), now, out);
            moved = true;
        }
        moved
    }

    /// Puts a job in line for an agent.
    pub(crate) fn queue_job(&mut self, place: Place, at: Timestamp, out: &mut Out) {
        let Some(work) = self.work.job_mut(place) else {
            return;
        };
        work.job.queued_at = Some(at);
        let (job, lost) = (work.job.id, work.job.lost);
        out.changes.push(RowChange::QueueJob { job, at, lost });
        self.enqueue(place);
        self.newly_queued.push(job);
    }
}

/// Whether anything of a flow runs, or will start by itself.
fn can_go_on(work: &FlowWork) -> bool {
    let mut stuck: BTreeSet<usize> = BTreeSet::new();
    loop {
        let is_stuck = |run: usize| match work.runs[run].run.status {
            Status::Manual => true,
            Status::Waiting => {
                let mut needs = work.runs[run].needs.iter();
                needs.any(|need| stuck.contains(need))
            }
            Status::Running | Status::Finished(_) => false,
        };
        let grown: BTreeSet<usize> = (0..work.runs.len()).filter(|run| is_stuck(*run)).collect();
        if grown.len() == stuck.len() {
            let may_move = |run: usize| !work.runs[run].run.status.is_finished() && !stuck.contains(&run);
            return (0..work.runs.len()).any(may_move);
        }
        stuck = grown;
    }
}
