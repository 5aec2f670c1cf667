//! Stopping: by a person, by a time limit, and what happens when the agent does not obey.

use insta::assert_snapshot;
use jiff::SignedDuration;
use keirin_engine::{CancelTarget, EventReply, Refusal, RowChange};
use keirin_model::{Outcome, Status};

use crate::driver::{Story, finished, whatever_the_server_does};
use crate::fixture::{job, plan, stage};

fn two_stages() -> keirin_model::plan::Plan {
    plan(vec![
        stage(
            "build",
            &[],
            vec![job("test", &[]), job("lint", &[]), job("package", &["test"])],
        ),
        stage("deploy", &["build"], vec![job("ship", &[])]),
    ])
}

#[test]
fn cancelling_a_flow_ends_what_waits_and_asks_agents_to_end_the_rest() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        story.agent(2, 1);
        let flow = story.start(two_stages());
        let test = story.take(1);
        story.begin(test);
        let lint = story.take(2);
        story.claim(1);
        story.claim(2);

        assert_eq!(story.cancel(CancelTarget::Flow(flow)), Ok(EventReply::Done));
        assert_eq!(story.stopped(1), [test]);
        assert_eq!(story.stopped(2), [lint]);
        assert_snapshot!(story.picture(flow), @r"
        flow running
        build running: test running (stopping), lint assigned (stopping), package cancelled
        deploy cancelled: ship cancelled
        ");
        story.end(test, Outcome::Cancelled);
        story.end(lint, Outcome::Cancelled);
        assert_snapshot!(story.picture(flow), @r"
        flow cancelled
        build cancelled: test cancelled, lint cancelled, package cancelled
        deploy cancelled: ship cancelled
        ");
        assert_eq!(
            story.cancel(CancelTarget::Flow(flow)),
            Err(Refusal::NoSuchFlow(flow))
        );
    });
}

#[test]
fn cancelling_one_job_lets_the_others_be() {
    whatever_the_server_does(|story| {
        story.agent(1, 2);
        let flow = story.start(two_stages());
        story.claim(1);
        let (test, lint) = (story.attempt(flow, "test"), story.attempt(flow, "lint"));
        story.begin(test);
        story.begin(lint);
        let target = story.job(flow, "lint");
        story.cancel(CancelTarget::Job(target)).unwrap();
        story.end(lint, Outcome::Cancelled);
        story.end(test, Outcome::Success);
        assert_eq!(story.work_off(1), ["package"]);
        assert_snapshot!(story.picture(flow), @r"
        flow cancelled
        build cancelled: test success, lint cancelled, package success
        deploy skipped: ship skipped
        ");
        assert_eq!(
            story.cancel(CancelTarget::Job(target)),
            Err(Refusal::NoSuchJob(target))
        );
    });
}

#[test]
fn cancelling_a_job_that_waits_skips_what_needs_it() {
    whatever_the_server_does(|story| {
        let flow = story.start(two_stages());
        let test = story.job(flow, "test");
        story.cancel(CancelTarget::Job(test)).unwrap();
        assert_snapshot!(story.picture(flow), @r"
        flow running
        build running: test cancelled, lint queued, package skipped
        deploy waiting: ship waiting
        ");
        let build = story.run(flow, "build");
        story.cancel(CancelTarget::Run(build)).unwrap();
        assert_snapshot!(story.picture(flow), @r"
        flow cancelled
        build cancelled: test cancelled, lint cancelled, package skipped
        deploy skipped: ship skipped
        ");
        assert!(story.engine.queued_jobs().is_empty());
    });
}

#[test]
fn a_job_that_succeeds_just_before_it_is_stopped_has_succeeded() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let flow = story.start(plan(vec![stage("build", &[], vec![job("test", &[])])]));
        let test = story.take(1);
        story.begin(test);
        story.cancel(CancelTarget::Flow(flow)).unwrap();
        // The agent's word was under way already.
        story.end(test, Outcome::Success);
        assert_snapshot!(story.picture(flow), @r"
        flow success
        build success: test success
        ");
    });
}

#[test]
fn a_job_that_starts_while_it_is_being_stopped_is_still_stopped() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let flow = story.start(plan(vec![stage("build", &[], vec![job("test", &[])])]));
        let test = story.take(1);
        story.cancel(CancelTarget::Flow(flow)).unwrap();
        let answer = story.tell(test, keirin_wire::agent::AttemptEvent::Started);
        assert_eq!(
            answer,
            Ok(EventReply::Reported {
                acknowledged: 1,
                stop: true
            })
        );
        assert_snapshot!(story.picture(flow), @r"
        flow running
        build running: test running (stopping)
        ");
        story.end(test, Outcome::Cancelled);
        assert_snapshot!(story.picture(flow).lines().next().unwrap(), @"flow cancelled");
    });
}

#[test]
fn an_agent_that_is_busy_hears_of_the_stop_at_its_next_claim_and_is_reminded() {
    let story = &mut Story::new();
    story.agent(1, 1);
    let flow = story.start(plan(vec![stage("build", &[], vec![job("test", &[])])]));
    let test = story.take(1);
    story.begin(test);
    story.cancel(CancelTarget::Flow(flow)).unwrap();
    assert!(story.tells.is_empty(), "nobody listens");
    story.claim(1);
    assert_eq!(story.stopped(1), [test]);
    story.claim(1);
    assert!(story.stopped(1).is_empty(), "it has just been told");
    story.pass(20);
    story.claim(1);
    assert_eq!(story.stopped(1), [test], "it seems not to have heard");
}

#[test]
fn an_agent_that_does_not_stop_a_job_in_time_loses_it() {
    let story = &mut Story::new();
    story.agent(1, 1);
    let flow = story.start(plan(vec![stage("build", &[], vec![job("test", &[])])]));
    let test = story.take(1);
    story.begin(test);
    story.cancel(CancelTarget::Flow(flow)).unwrap();
    for _ in 0..5 {
        story.pass(20);
        story.claim(1);
    }
    assert_snapshot!(story.picture(flow), @r"
    flow running
    build running: test running (stopping)
    ");
    story.pass(20);
    assert_snapshot!(story.picture(flow), @r"
    flow cancelled
    build cancelled: test cancelled
    ");
    let attempt = &story.store.attempts[&test];
    assert_eq!(attempt.status, Status::Finished(Outcome::Lost));
    assert_snapshot!(attempt.message.as_ref().unwrap(), @"The agent did not stop the job in time.");
    assert_eq!(
        story.tell(test, finished(Outcome::Cancelled)),
        Err(Refusal::LeaseLost(test)),
        "a late word is refused"
    );
    story.claim(1);
    assert_eq!(story.stopped(1), [test], "it is told to forget it");
}

#[test]
fn a_job_that_its_agent_lets_run_too_long_is_ended() {
    let story = &mut Story::new();
    story.agent(1, 1);
    let mut slow = job("slow", &[]);
    slow.timeout = SignedDuration::from_secs(100);
    let flow = story.start(plan(vec![stage("build", &[], vec![slow])]));
    let slow = story.take(1);
    story.begin(slow);
    for _ in 0..10 {
        story.pass(20);
        story.claim(1);
    }
    assert_snapshot!(story.picture(flow), @r"
    flow running
    build running: slow running
    ");
    story.pass(20);
    assert_snapshot!(story.picture(flow), @r"
    flow timed_out
    build timed_out: slow timed_out
    ");
    assert_eq!(story.stopped(1), [slow]);
    assert_snapshot!(
        story.store.attempts[&slow].message.as_ref().unwrap(),
        @"The job took longer than allowed, and the agent did not end it."
    );
}

#[test]
fn a_stage_that_takes_too_long_is_stopped_with_all_its_jobs() {
    let story = &mut Story::new();
    story.agent(1, 1);
    let mut build = stage("build", &[], vec![job("test", &[]), job("lint", &[])]);
    build.timeout = Some(SignedDuration::from_secs(50));
    let flow = story.start(plan(vec![
        build,
        stage("deploy", &["build"], vec![job("ship", &[])]),
    ]));
    let test = story.take(1);
    story.begin(test);
    story.pass(49);
    assert!(
        !story
            .changes
            .iter()
            .any(|change| matches!(change, RowChange::StopJob { .. }))
    );
    story.claim(1);
    story.pass(2);
    assert_eq!(story.stopped(1), [test]);
    assert_snapshot!(story.picture(flow), @r"
    flow running
    build running: test running (stopping), lint timed_out
    deploy waiting: ship waiting
    ");
    story.end(test, Outcome::Cancelled);
    assert_snapshot!(story.picture(flow), @r"
    flow timed_out
    build timed_out: test timed_out, lint timed_out
    deploy skipped: ship skipped
    ");
}
