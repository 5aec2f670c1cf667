//! Timed triggers in the simulated world.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use keirin_engine::Engine;
use keirin_engine::memory::MemoryStore;
use keirin_model::flow::Cause;
use keirin_model::trigger::{Schedule, TimedTrigger};
use keirin_model::{BranchId, ProjectId, ScheduleId};
use rand::RngExt;
use rand::rngs::StdRng;

/// Of which workflow on which branch they are.
pub fn place() -> (BranchId, String) {
    (BranchId(1), "default".to_owned())
}

fn triggers(now: Timestamp) -> [TimedTrigger; 3] {
    [
        TimedTrigger::Interval {
            every: SignedDuration::from_secs(90),
        },
        TimedTrigger::Cron {
            schedule: "*/2 * * * *".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
        },
        TimedTrigger::Date {
            at: now + SignedDuration::from_secs(200),
        },
    ]
}

/// The first ones; gives the last id.
pub fn put(store: &mut MemoryStore, now: Timestamp) -> i64 {
    let mut last_id = 0;
    for trigger in triggers(now) {
        last_id += 1;
        add(store, last_id, trigger, now);
    }
    last_id
}

fn add(store: &mut MemoryStore, id: i64, trigger: TimedTrigger, now: Timestamp) {
    let (branch, workflow) = place();
    let id = ScheduleId(id);
    store.schedules.insert(
        id,
        Schedule {
            id,
            project: ProjectId(1),
            branch,
            workflow,
            trigger,
            since: now,
            last_due: None,
        },
    );
}

/// Takes some out, and adds new ones under ids that none has had: a database never gives an id twice.
pub fn change(store: &mut MemoryStore, rng: &mut StdRng, now: Timestamp, last_id: &mut i64) {
    let gone: BTreeSet<ScheduleId> = store
        .schedules
        .keys()
        .copied()
        .filter(|_| rng.random_bool(0.2))
        .collect();
    store.schedules.retain(|id, _| !gone.contains(id));
    for trigger in triggers(now) {
        if store.schedules.len() < 4 && rng.random_bool(0.3) {
            *last_id += 1;
            add(store, *last_id, trigger, now);
        }
    }
}

/// Each due time started one flow at most, and what repeats itself goes on.
pub fn check_end(store: &MemoryStore, engine: &Engine) {
    let mut started = BTreeSet::new();
    for flow in store.flows.values() {
        if matches!(flow.cause, Cause::Schedule { .. }) {
            let due = flow.commit.clone().unwrap();
            assert!(started.insert(due.clone()), "schedule {due} started two flows");
        }
    }
    for (id, next) in engine.next_firings() {
        let once = matches!(store.schedules[&id].trigger, TimedTrigger::Date { .. });
        assert!(once || next.is_some(), "schedule {id} fires no more");
    }
}
