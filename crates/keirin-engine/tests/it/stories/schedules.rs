//! Timed triggers: what fires, what comes of it, and that each due time is dealt with once.

use jiff::{SignedDuration, Timestamp};
use keirin_engine::{EngineEvent, EventReply, Notification, Refusal};
use keirin_model::trigger::{Schedule, TimedTrigger};
use keirin_model::{BranchId, ProjectId, ScheduleId};

use crate::driver::Story;
use crate::fixture::{self, job, plan, second, stage};

const MINUTE: SignedDuration = SignedDuration::from_secs(60);

fn schedule(id: i64, trigger: TimedTrigger) -> Schedule {
    Schedule {
        id: ScheduleId(id),
        project: ProjectId(1),
        branch: BranchId(1),
        workflow: "default".to_owned(),
        trigger,
        since: second(0),
        last_due: None,
    }
}

fn every_minute(id: i64) -> Schedule {
    schedule(id, TimedTrigger::Interval { every: MINUTE })
}

/// The branch's workflow has these schedules now.
fn set(story: &mut Story, schedules: Vec<Schedule>) {
    for schedule in &schedules {
        story
            .store
            .schedules
            .entry(schedule.id)
            .or_insert_with(|| schedule.clone());
    }
    let wanted = |id: &ScheduleId| schedules.iter().any(|schedule| schedule.id == *id);
    story.store.schedules.retain(|id, _| wanted(id));
    // As the store gives them: with what it knows of each.
    let schedules = story.store.schedules.values().cloned().collect();
    story
        .step(EngineEvent::Schedules {
            branch: BranchId(1),
            workflow: "default".to_owned(),
            schedules,
        })
        .unwrap();
}

fn fired(story: &Story) -> Vec<(i64, Timestamp)> {
    let fired = story.tells.iter().filter_map(|tell| match tell {
        Notification::Fire { schedule, due } => Some((schedule.0, *due)),
        _ => None,
    });
    fired.collect()
}

/// Passes time, and gives all that fired.
fn pass(story: &mut Story, seconds: i64) -> Vec<(i64, Timestamp)> {
    story.tells.clear();
    let mut all = Vec::new();
    for _ in 0..seconds {
        story.pass(1);
        all.extend(fired(story));
        story.tells.clear();
    }
    all
}

fn start_due(story: &mut Story, id: i64, due: Timestamp) -> Result<EventReply, Refusal> {
    let mut new = fixture::new_flow(1, plan(vec![stage("build", &[], vec![job("test", &[])])]));
    new.due = Some((ScheduleId(id), due));
    story.step(EngineEvent::StartFlow(Box::new(new)))
}

fn nothing(story: &mut Story, id: i64, due: Timestamp) {
    let schedule = ScheduleId(id);
    story.step(EngineEvent::NothingStarted { schedule, due }).unwrap();
}

#[test]
fn a_schedule_fires_once_for_each_due_time() {
    let story = &mut Story::new();
    set(story, vec![every_minute(1)]);
    assert_eq!(pass(story, 59), []);
    assert_eq!(pass(story, 30), [(1, second(60))]);
    assert!(start_due(story, 1, second(60)).is_ok());
    assert_eq!(story.store.schedules[&ScheduleId(1)].last_due, Some(second(60)));
    assert_eq!(pass(story, 60), [(1, second(120))]);
    nothing(story, 1, second(120));
    assert_eq!(story.store.schedules[&ScheduleId(1)].last_due, Some(second(120)));
    assert_eq!(pass(story, 60), [(1, second(180))]);
}

#[test]
fn while_a_due_time_is_being_dealt_with_the_schedule_rests() {
    let story = &mut Story::new();
    set(story, vec![every_minute(1)]);
    assert_eq!(
        pass(story, 200),
        [(1, second(60))],
        "the repository takes its time"
    );
    assert!(start_due(story, 1, second(60)).is_ok());
    assert_eq!(
        pass(story, 60),
        [(1, second(180))],
        "of those that passed meanwhile the latest fires"
    );
}

#[test]
fn a_new_server_fires_again_what_was_not_dealt_with_and_nothing_else() {
    let story = &mut Story::new();
    set(story, vec![every_minute(1), every_minute(2)]);
    assert_eq!(pass(story, 60).len(), 2);
    assert!(start_due(story, 1, second(60)).is_ok());
    story.restart();
    assert_eq!(pass(story, 1), [(2, second(60))]);
}

#[test]
fn a_due_time_that_two_servers_prepared_starts_one_flow() {
    let story = &mut Story::new();
    set(story, vec![every_minute(1)]);
    pass(story, 60);
    story.restart();
    assert_eq!(pass(story, 1), [(1, second(60))]);
    assert!(start_due(story, 1, second(60)).is_ok());
    // What was prepared before the restart comes in now.
    let schedule = ScheduleId(1);
    assert_eq!(
        start_due(story, 1, second(60)),
        Err(Refusal::DueTimeOver {
            schedule,
            due: second(60)
        })
    );
    assert!(story.changes.is_empty());
    assert_eq!(story.store.flows.len(), 1);
    nothing(story, 1, second(60));
    assert!(story.changes.is_empty());
    assert_eq!(pass(story, 60), [(1, second(120))]);
}

#[test]
fn a_schedule_that_stays_as_it_is_does_not_fire_again_when_others_change() {
    let story = &mut Story::new();
    set(story, vec![every_minute(1), every_minute(2)]);
    assert_eq!(pass(story, 60).len(), 2);
    // While both are being dealt with, the workflow changes.
    set(story, vec![every_minute(1), every_minute(2), every_minute(3)]);
    assert_eq!(pass(story, 30), [(3, second(60))]);
    nothing(story, 2, second(60));
    assert!(start_due(story, 1, second(60)).is_ok());
    assert_eq!(pass(story, 60), [(1, second(120)), (2, second(120))]);
}

#[test]
fn a_schedule_that_is_gone_starts_nothing_more() {
    let story = &mut Story::new();
    set(story, vec![every_minute(1)]);
    set(story, vec![]);
    assert_eq!(pass(story, 200), []);
    assert_eq!(story.engine.next_firings().count(), 0);
}

#[test]
fn a_date_fires_once_and_never_again() {
    let story = &mut Story::new();
    set(story, vec![schedule(1, TimedTrigger::Date { at: second(90) })]);
    assert_eq!(pass(story, 100), [(1, second(90))]);
    assert!(start_due(story, 1, second(90)).is_ok());
    story.restart();
    assert_eq!(pass(story, 200), []);
}

#[test]
fn on_a_machine_that_slept_only_what_is_not_too_old_fires() {
    let story = &mut Story::new();
    let daily = schedule(
        1,
        TimedTrigger::Interval {
            every: SignedDuration::from_hours(24),
        },
    );
    let date = schedule(2, TimedTrigger::Date { at: second(100) });
    set(story, vec![daily, date, every_minute(3)]);
    story.now = second(3 * 86_400 + 7_230);
    story.step(EngineEvent::Tick).unwrap();
    assert_eq!(fired(story), [(3, second(3 * 86_400 + 7_200))]);
    let next: Vec<_> = story.engine.next_firings().collect();
    assert_eq!(
        next,
        [
            (ScheduleId(1), Some(second(4 * 86_400))),
            (ScheduleId(2), None),
            (ScheduleId(3), None)
        ]
    );
}
