//! Timed triggers: which schedules are known, and which of them is due.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keirin_model::trigger::Schedule;
use keirin_model::{BranchId, ScheduleId};

use crate::change::RowChange;
use crate::clockwork;
use crate::deadlines::Deadline;
use crate::engine::{Engine, Out};
use crate::event::Notification;

/// All timed triggers.
#[derive(Debug, Default)]
pub(crate) struct Planner {
    schedules: BTreeMap<ScheduleId, Planned>,
}

#[derive(Debug)]
struct Planned {
    schedule: Schedule,
    /// When it fires next; `None` when never again, or while a due time is being dealt with.
    next: Option<Timestamp>,
}

impl Engine {
    /// When each schedule fires next, for people.
    pub fn next_firings(&self) -> impl Iterator<Item = (ScheduleId, Option<Timestamp>)> + '_ {
        self.planner
            .schedules
            .iter()
            .map(|(id, planned)| (*id, planned.next))
    }

    /// Those that stay as they are go on as they were: one that is being dealt with must not fire again.
    pub(crate) fn replace_schedules(
        &mut self,
        branch: BranchId,
        workflow: &str,
        new: Vec<Schedule>,
        now: Timestamp,
    ) {
        let triggers: BTreeMap<_, _> = new
            .iter()
            .map(|schedule| (schedule.id, schedule.trigger.clone()))
            .collect();
        self.planner.schedules.retain(|id, Planned { schedule, .. }| {
            let elsewhere = schedule.branch != branch || schedule.workflow != workflow;
            elsewhere || triggers.get(id) == Some(&schedule.trigger)
        });
        for schedule in new {
            if !self.planner.schedules.contains_key(&schedule.id) {
                self.watch_schedule(schedule, now);
            }
        }
    }

    /// Takes a schedule in and looks when it fires next. One that cannot be understood never fires: the workflow
    /// checker refuses such files, so none gets this far.
    pub(crate) fn watch_schedule(&mut self, schedule: Schedule, now: Timestamp) {
        let id = schedule.id;
        let next = clockwork::next_due(&schedule, now).ok().flatten();
        if let Some(at) = next {
            self.tick_at(at, Deadline::Schedule(id));
        }
        self.planner.schedules.insert(id, Planned { schedule, next });
    }

    pub(crate) fn check_schedule(&mut self, id: ScheduleId, now: Timestamp, out: &mut Out) {
        let Some(planned) = self.planner.schedules.get_mut(&id) else {
            return;
        };
        if planned.next.is_none() {
            return;
        }
        // Looked up again: on a machine that slept, what was due may be too old by now.
        planned.next = clockwork::next_due(&planned.schedule, now).ok().flatten();
        match planned.next {
            Some(due) if due <= now => {
                planned.next = None;
                out.notifications.push(Notification::Fire { schedule: id, due });
            }
            Some(later) => self.tick_at(later, Deadline::Schedule(id)),
            None => {}
        }
    }

    /// Whether a due time starts nothing any more: its schedule is gone, or it has been dealt with. Another server, or
    /// this one before it began anew, may have prepared it too.
    pub(crate) fn is_over(&self, id: ScheduleId, due: Timestamp) -> bool {
        let planned = self.planner.schedules.get(&id);
        planned.is_none_or(|planned| planned.schedule.last_due >= Some(due))
    }

    /// A due time has been dealt with; the next one is waited for.
    pub(crate) fn schedule_done(&mut self, id: ScheduleId, due: Timestamp, now: Timestamp, out: &mut Out) {
        if self.is_over(id, due) {
            return;
        }
        let Some(Planned { mut schedule, .. }) = self.planner.schedules.remove(&id) else {
            return;
        };
        schedule.last_due = Some(due);
        out.changes.push(RowChange::ScheduleDone { schedule: id, due });
        self.watch_schedule(schedule, now);
    }
}
