//! The store in memory makes all changes of a commit, or none.

use keirin_engine::memory::MemoryStore;
use keirin_engine::{CancelTarget, Engine, EngineEvent, Move, RowChange, Rules};
use keirin_model::plan::{Concurrency, Plan};
use keirin_model::trigger::{Schedule, TimedTrigger};
use keirin_model::{AttemptId, BranchId, FlowId, JobId, Outcome, ProjectId, RunId, ScheduleId, Status};
use keirin_wire::agent::{AttemptEvent, Numbered};
use proptest::prelude::*;

use crate::driver::{Story, finished};
use crate::fixture::{self, job, plan, second, stage};

/// A change that contradicts any store.
fn unfit(kind: usize, store: &MemoryStore) -> RowChange {
    let nobody = i64::MAX;
    let (from, to, at) = (Status::Running, Status::Finished(Outcome::Success), second(1));
    let known = store.flows.values().next();
    match (kind, known) {
        (0, Some(flow)) => RowChange::AddFlow(Box::new(flow.clone())),
        (1, Some(flow)) => RowChange::MoveFlow(Move {
            id: flow.id,
            from: Status::Manual,
            to,
            at,
        }),
        (2, _) => RowChange::MoveRun(Move {
            id: RunId(nobody),
            from,
            to,
            at,
        }),
        (3, _) => RowChange::MoveJob(Move {
            id: JobId(nobody),
            from,
            to,
            at,
        }),
        (4, _) => RowChange::Acknowledge {
            attempt: AttemptId(nobody),
            sequence: 1,
        },
        _ => RowChange::MoveFlow(Move {
            id: FlowId(nobody),
            from,
            to,
            at,
        }),
    }
}

fn small() -> Plan {
    let mut plan = plan(vec![
        stage("build", &[], vec![job("test", &[]), job("package", &["test"])]),
        stage("deploy", &["build"], vec![job("ship", &[])]),
    ]);
    plan.concurrency = Some(Concurrency {
        group: "main".to_owned(),
        cancel_in_progress: true,
    });
    plan
}

/// A store in the middle of its life, and the changes that come next.
fn next_changes(moves: &[u8]) -> (MemoryStore, Vec<RowChange>) {
    let mut story = Story::new();
    story.store.schedules.insert(
        ScheduleId(1),
        Schedule {
            id: ScheduleId(1),
            project: ProjectId(1),
            branch: BranchId(1),
            workflow: "default".to_owned(),
            trigger: TimedTrigger::Date { at: second(5) },
            since: second(0),
            last_due: None,
        },
    );
    story.restart();
    story.agent(1, 2);
    for what in moves {
        let live = story
            .store
            .attempts
            .values()
            .find(|attempt| !attempt.status.is_finished());
        let live = live.map(|attempt| attempt.id);
        match (what % 5, live) {
            (0, _) => {
                story.start(small());
            }
            (1, _) => drop(story.claim(1)),
            (2, Some(attempt)) => {
                drop(story.tell(attempt, AttemptEvent::Started));
                drop(story.tell(attempt, AttemptEvent::StepStarted { index: 0 }));
            }
            (3, Some(attempt)) => {
                let events = vec![
                    AttemptEvent::Started,
                    AttemptEvent::StepStarted { index: 0 },
                    finished(Outcome::Success),
                ];
                let numbered = (1..)
                    .zip(events)
                    .map(|(sequence, event)| Numbered { sequence, event });
                drop(story.report(attempt, numbered.collect()));
            }
            _ => {
                let flow = story.store.flows.keys().last().copied();
                if let Some(flow) = flow {
                    // One that is over is refused, which changes nothing.
                    story.cancel(CancelTarget::Flow(flow)).ok();
                }
            }
        }
    }
    // A newer flow that ends the older ones changes rows of every kind.
    let mut newest = fixture::new_flow(1, small());
    newest.due = Some((ScheduleId(1), second(5)));
    let mut engine = Engine::new(story.store.snapshot(), Rules::default(), story.now);
    let mut changes = engine
        .step(EngineEvent::StartFlow(Box::new(newest)), story.now)
        .changes;
    if let Some(attempt) = story.store.attempts.keys().next() {
        let attempt = *attempt;
        changes.push(RowChange::StartStep {
            attempt,
            index: 7,
            at: story.now,
        });
    }
    (story.store, changes)
}

proptest! {
    #[test]
    fn a_commit_with_one_unfit_change_leaves_everything_as_it_was(
        moves in prop::collection::vec(0_u8..5, 1..14),
        place in any::<prop::sample::Index>(),
        kind in 0_usize..6,
    ) {
        let (before, mut changes) = next_changes(&moves);
        let mut good = before.clone();
        prop_assert!(good.commit(&changes).is_ok());
        let place = place.index(changes.len() + 1);
        let unfit = unfit(kind, &before);
        changes.insert(place, unfit);
        let mut store = before.clone();
        prop_assert!(store.commit(&changes).is_err());
        prop_assert_eq!(store, before);
    }
}
