//! What happens when time has passed: silent agents, time limits, due schedules.

use jiff::Timestamp;
use keirin_model::flow::Exit;
use keirin_model::{AttemptId, Outcome, RunId, Status};

use crate::deadlines::Deadline;
use crate::engine::{Engine, Out};

impl Engine {
    /// Looks at everything whose time has come.
    pub(crate) fn pass_time(&mut self, now: Timestamp, out: &mut Out) {
        while let Some(deadline) = self.deadlines.pop_due(now) {
            match deadline {
                Deadline::Lease(attempt) => self.check_lease(attempt, now, out),
                Deadline::Attempt(attempt) => self.check_attempt(attempt, now, out),
                Deadline::Run(run) => self.check_run(run, now, out),
                Deadline::Schedule(schedule) => self.check_schedule(schedule, now, out),
            }
        }
    }

    fn check_lease(&mut self, attempt: AttemptId, now: Timestamp, out: &mut Out) {
        let Some(lease) = self.agents.lease(attempt) else {
            return;
        };
        if lease.until > now {
            self.tick_at(lease.until, Deadline::Lease(attempt));
            return;
        }
        let message = format!("The agent did not answer for {} s.", self.rules.lease.as_secs());
        self.end_attempt(attempt, Outcome::Lost, Exit::default(), Some(message), now, out);
    }

    /// Ends an attempt that its agent should have ended by itself, and tells the agent to forget it.
    fn check_attempt(&mut self, attempt: AttemptId, now: Timestamp, out: &mut Out) {
        let Some(lease) = self.agents.lease(attempt) else {
            return;
        };
        let overdue = self.overdue_at(attempt).is_some_and(|by| by <= now);
        let stop_overdue = lease.stop_by.is_some_and(|by| by <= now);
        if !overdue && !stop_overdue {
            return;
        }
        let (outcome, message) = match stop_overdue {
            true => (Outcome::Lost, "The agent did not stop the job in time."),
            false => (
                Outcome::TimedOut,
                "The job took longer than allowed, and the agent did not end it.",
            ),
        };
        self.end_attempt(
            attempt,
            outcome,
            Exit::default(),
            Some(message.to_owned()),
            now,
            out,
        );
        self.tell_stop(lease.agent, attempt, now, out);
    }

    fn check_run(&mut self, run: RunId, now: Timestamp, out: &mut Out) {
        let Some((flow, place)) = self.work.place_of_run(run) else {
            return;
        };
        let Some(work) = self.work.flow(flow) else { return };
        let running = work.runs[place].run.status == Status::Running;
        let due = work.runs[place]
            .run
            .started_at
            .zip(work.stage(place).timeout)
            .map(|(started, timeout)| started + timeout);
        if running && due.is_some_and(|due| due <= now) {
            self.stop_run(flow, place, Outcome::TimedOut, now, out);
        }
    }
}
