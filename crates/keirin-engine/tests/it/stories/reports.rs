//! What agents tell: in order, once, and whatever the network does.

use keirin_engine::{EventReply, Refusal, RowChange};
use keirin_model::flow::Exit;
use keirin_model::{AttemptId, FlowId, Outcome, Status};
use keirin_wire::agent::{AttemptEvent, Numbered};

use crate::driver::{Story, finished};
use crate::fixture::{job, plan, stage};

fn numbered(sequence: u64, event: AttemptEvent) -> Numbered {
    Numbered { sequence, event }
}

fn step_started(sequence: u64) -> Numbered {
    numbered(sequence, AttemptEvent::StepStarted { index: 0 })
}

fn assigned(story: &mut Story) -> (FlowId, AttemptId) {
    story.agent(1, 1);
    let flow = story.start(plan(vec![stage("build", &[], vec![job("test", &[])])]));
    (flow, story.take(1))
}

fn acknowledged(acknowledged: u64) -> Result<EventReply, Refusal> {
    Ok(EventReply::Reported {
        acknowledged,
        stop: false,
    })
}

#[test]
fn what_is_told_twice_counts_once() {
    let story = &mut Story::new();
    let (_, attempt) = assigned(story);
    let events = vec![numbered(1, AttemptEvent::Started), step_started(2)];
    assert_eq!(story.report(attempt, events.clone()), acknowledged(2));
    assert_eq!(story.report(attempt, events), acknowledged(2));
    assert!(story.changes.is_empty());
    let more = vec![
        step_started(2),
        numbered(
            3,
            AttemptEvent::StepFinished {
                index: 0,
                outcome: Outcome::Failed,
                exit: Exit {
                    code: Some(7),
                    signal: None,
                },
                message: None,
            },
        ),
        numbered(4, finished(Outcome::Failed)),
    ];
    assert_eq!(story.report(attempt, more), acknowledged(4));
    let step = &story.store.steps[&(attempt, 0)];
    assert_eq!((step.outcome, step.exit.code), (Some(Outcome::Failed), Some(7)));
    assert_eq!(story.store.attempts[&attempt].acknowledged, 4);
}

#[test]
fn after_a_gap_the_agent_hears_where_to_go_on() {
    let story = &mut Story::new();
    let (_, attempt) = assigned(story);
    let gap = |expected| Err(Refusal::Gap { attempt, expected });
    assert_eq!(story.report(attempt, vec![step_started(2)]), gap(1));
    assert!(story.changes.is_empty());
    let torn = vec![
        numbered(1, AttemptEvent::Started),
        numbered(3, finished(Outcome::Success)),
    ];
    assert_eq!(story.report(attempt, torn), gap(2));
    assert_eq!(
        story.store.attempts[&attempt].status,
        Status::Running,
        "what came before the gap counts"
    );
    assert_eq!(story.store.attempts[&attempt].acknowledged, 1);
    let rest = vec![step_started(2), numbered(3, finished(Outcome::Success))];
    assert_eq!(story.report(attempt, rest), acknowledged(3));
}

#[test]
fn nothing_follows_the_last_event() {
    let story = &mut Story::new();
    let (flow, attempt) = assigned(story);
    let events = vec![
        numbered(1, AttemptEvent::Started),
        numbered(2, finished(Outcome::Success)),
        step_started(3),
    ];
    assert_eq!(
        story.report(attempt, events),
        Err(Refusal::Gap { attempt, expected: 3 })
    );
    assert_eq!(
        story.store.flows[&flow].status,
        Status::Finished(Outcome::Success),
        "the end itself counts"
    );
    assert_eq!(story.report(attempt, vec![]), Err(Refusal::LeaseLost(attempt)));
}

#[test]
fn another_agent_has_no_say() {
    let story = &mut Story::new();
    let (_, attempt) = assigned(story);
    story.agent(2, 1);
    let word = keirin_engine::EngineEvent::Report {
        agent: keirin_model::AgentId(2),
        attempt,
        events: vec![numbered(1, finished(Outcome::Success))],
    };
    assert_eq!(story.step(word), Err(Refusal::LeaseLost(attempt)));
    assert!(story.changes.is_empty());
}

#[test]
fn a_new_server_goes_on_where_the_agent_was_acknowledged() {
    let story = &mut Story::new();
    let (_, attempt) = assigned(story);
    story
        .report(attempt, vec![numbered(1, AttemptEvent::Started), step_started(2)])
        .unwrap();
    story.restart();
    let events = vec![step_started(2), numbered(3, finished(Outcome::Success))];
    assert_eq!(story.report(attempt, events), acknowledged(3));
    let again = story
        .changes
        .iter()
        .any(|change| matches!(change, RowChange::StartStep { .. }));
    assert!(
        !again,
        "what was taken in before the restart is not taken in again"
    );
}

#[test]
fn an_attempt_that_fails_before_it_starts_fails_its_job() {
    let story = &mut Story::new();
    let (flow, attempt) = assigned(story);
    story
        .report(
            attempt,
            vec![numbered(
                1,
                AttemptEvent::Finished {
                    outcome: Outcome::Failed,
                    exit: Exit::default(),
                    message: Some("The workspace could not be made.".to_owned()),
                },
            )],
        )
        .unwrap();
    assert_eq!(story.store.flows[&flow].status, Status::Finished(Outcome::Failed));
    assert_eq!(story.store.attempts[&attempt].started_at, None);
}
