//! From the start of a flow to its end: what starts after what, what is left out, what a person starts, what runs again.

use insta::assert_snapshot;
use keirin_engine::{CancelTarget, EngineEvent, EventReply, NewFlow, Refusal};
use keirin_model::access::Role;
use keirin_model::diagnostic::{Diagnostic, Severity};
use keirin_model::plan::{Plan, StagePlan, Start};
use keirin_model::{Outcome, ProjectId};

use crate::driver::{Story, whatever_the_server_does};
use crate::fixture::{self, job, plan, stage};

fn manual(mut stage: StagePlan) -> StagePlan {
    stage.start = Start::Manual {
        role: Role::Maintainer,
    };
    stage
}

/// `build` with `test` and then `package`; `deploy` of it by hand; `tell` after `deploy`.
fn with_manual_deploy() -> Plan {
    plan(vec![
        stage("build", &[], vec![job("test", &[]), job("package", &["test"])]),
        manual(stage("deploy", &["build"], vec![job("ship", &[])])),
        stage("announce", &["deploy"], vec![job("mail", &[])]),
    ])
}

#[test]
fn a_job_starts_when_the_jobs_it_needs_have_succeeded() {
    whatever_the_server_does(|story| {
        story.agent(1, 4);
        let flow = story.start(plan(vec![stage(
            "build",
            &[],
            vec![
                job("test", &[]),
                job("lint", &[]),
                job("package", &["test", "lint"]),
            ],
        )]));
        story.claim(1);
        assert_snapshot!(story.picture(flow), @r"
        flow running
        build running: test assigned, lint assigned, package waiting
        ");
        story.begin(story.attempt(flow, "test"));
        story.end(story.attempt(flow, "test"), Outcome::Success);
        assert_snapshot!(story.picture(flow), @r"
        flow running
        build running: test success, lint assigned, package waiting
        ");
        story.begin(story.attempt(flow, "lint"));
        story.end(story.attempt(flow, "lint"), Outcome::Success);
        story.claim(1);
        story.begin(story.attempt(flow, "package"));
        story.end(story.attempt(flow, "package"), Outcome::Success);
        assert_snapshot!(story.picture(flow), @r"
        flow success
        build success: test success, lint success, package success
        ");
        assert!(
            !story.engine.knows_flow(flow),
            "what is over is not kept in memory"
        );
    });
}

#[test]
fn what_needs_a_failed_job_is_skipped_and_so_is_what_needs_that() {
    whatever_the_server_does(|story| {
        story.agent(1, 4);
        let flow = story.start(plan(vec![
            stage(
                "build",
                &[],
                vec![
                    job("test", &[]),
                    job("package", &["test"]),
                    job("sign", &["package"]),
                    job("docs", &[]),
                ],
            ),
            stage("deploy", &["build"], vec![job("ship", &[])]),
            stage("announce", &["deploy"], vec![job("mail", &[])]),
        ]));
        story.claim(1);
        story.begin(story.attempt(flow, "test"));
        story.begin(story.attempt(flow, "docs"));
        story.end(story.attempt(flow, "test"), Outcome::Failed);
        assert_snapshot!(story.picture(flow), @r"
        flow running
        build running: test failed, package skipped, sign skipped, docs running
        deploy waiting: ship waiting
        announce waiting: mail waiting
        ");
        story.end(story.attempt(flow, "docs"), Outcome::Success);
        assert_snapshot!(story.picture(flow), @r"
        flow failed
        build failed: test failed, package skipped, sign skipped, docs success
        deploy skipped: ship skipped
        announce skipped: mail skipped
        ");
    });
}

#[test]
fn stages_run_one_after_the_other_and_beside_each_other_as_they_need() {
    whatever_the_server_does(|story| {
        story.agent(1, 4);
        let flow = story.start(plan(vec![
            stage("build", &[], vec![job("compile", &[])]),
            stage("unit", &["build"], vec![job("fast", &[])]),
            stage("system", &["build"], vec![job("slow", &[])]),
            stage("deploy", &["unit", "system"], vec![job("ship", &[])]),
        ]));
        let compile = story.take(1);
        story.begin(compile);
        story.end(compile, Outcome::Success);
        story.claim(1);
        assert_snapshot!(story.picture(flow), @r"
        flow running
        build success: compile success
        unit running: fast assigned
        system running: slow assigned
        deploy waiting: ship waiting
        ");
        for name in ["fast", "slow"] {
            let attempt = story.attempt(flow, name);
            story.begin(attempt);
            story.end(attempt, Outcome::Success);
        }
        assert_eq!(story.work_off(1), ["ship"]);
        assert_snapshot!(story.picture(flow).lines().next().unwrap(), @"flow success");
    });
}

#[test]
fn a_flow_ends_beside_an_open_manual_stage_and_goes_on_when_a_person_starts_it() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let flow = story.start(with_manual_deploy());
        let deploy = story.run(flow, "deploy");
        assert_eq!(
            story.start_run(deploy),
            Err(Refusal::NotManual(deploy)),
            "what it needs comes first"
        );
        assert_eq!(story.work_off(1), ["test", "package"]);
        assert_snapshot!(story.picture(flow), @r"
        flow success
        build success: test success, package success
        deploy manual: ship waiting
        announce waiting: mail waiting
        ");

        assert_eq!(story.start_run(deploy), Ok(EventReply::Done));
        assert_snapshot!(story.picture(flow).lines().next().unwrap(), @"flow running");
        assert_eq!(
            story.start_run(deploy),
            Err(Refusal::NotManual(deploy)),
            "once is enough"
        );
        assert_eq!(story.work_off(1), ["ship", "mail"]);
        assert_snapshot!(story.picture(flow), @r"
        flow success
        build success: test success, package success
        deploy success: ship success
        announce success: mail success
        ");
    });
}

#[test]
fn a_manual_stage_is_skipped_when_what_it_needs_has_failed() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let flow = story.start(with_manual_deploy());
        let test = story.take(1);
        story.begin(test);
        story.end(test, Outcome::Failed);
        assert_snapshot!(story.picture(flow), @r"
        flow failed
        build failed: test failed, package skipped
        deploy skipped: ship skipped
        announce skipped: mail skipped
        ");
    });
}

#[test]
fn a_rerun_of_what_failed_leaves_what_succeeded_as_it_is() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let flow = story.start(plan(vec![
            stage("check", &[], vec![job("lint", &[])]),
            stage("build", &[], vec![job("test", &[]), job("package", &["test"])]),
        ]));
        assert_eq!(story.rerun(flow, true), Err(Refusal::StillUnderWay(flow)));
        let lint = story.take(1);
        story.begin(lint);
        story.end(lint, Outcome::Success);
        let test = story.take(1);
        story.begin(test);
        story.end(test, Outcome::Failed);
        assert_snapshot!(story.picture(flow), @r"
        flow failed
        check success: lint success
        build failed: test failed, package skipped
        ");

        assert_eq!(story.rerun(flow, true), Ok(EventReply::Done));
        assert_snapshot!(story.picture(flow), @r"
        flow running
        check success: lint success
        build running: test queued, package waiting
        ");
        let second = story.take(1);
        assert_eq!(story.store.attempts[&second].number, 2, "attempts are counted on");
        story.begin(second);
        story.end(second, Outcome::Success);
        assert_eq!(story.work_off(1), ["package"]);
        assert_snapshot!(story.picture(flow).lines().next().unwrap(), @"flow success");
        assert_eq!(story.rerun(flow, true), Err(Refusal::NothingToRerun(flow)));
    });
}

#[test]
fn a_rerun_of_everything_closes_manual_stages_again() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let flow = story.start(with_manual_deploy());
        story.work_off(1);
        let deploy = story.run(flow, "deploy");
        story.start_run(deploy).unwrap();
        story.work_off(1);
        assert_eq!(story.rerun(flow, false), Ok(EventReply::Done));
        assert_snapshot!(story.picture(flow), @r"
        flow running
        build running: test assigned, package waiting
        deploy waiting: ship waiting
        announce waiting: mail waiting
        ");
        assert_eq!(
            story.work_off(1),
            ["test", "package"],
            "nobody has started `deploy` again"
        );
        assert_snapshot!(story.picture(flow), @r"
        flow success
        build success: test success, package success
        deploy manual: ship waiting
        announce waiting: mail waiting
        ");
    });
}

#[test]
fn a_manual_stage_that_is_open_closes_while_what_it_needs_runs_again() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let flow = story.start(with_manual_deploy());
        story.work_off(1);
        story.rerun(flow, false).unwrap();
        let deploy = story.run(flow, "deploy");
        assert_eq!(story.start_run(deploy), Err(Refusal::NotManual(deploy)));
        let test = story.take(1);
        story.begin(test);
        story.end(test, Outcome::Failed);
        assert_snapshot!(story.picture(flow), @r"
        flow failed
        build failed: test failed, package skipped
        deploy skipped: ship skipped
        announce skipped: mail skipped
        ");
    });
}

#[test]
fn flows_are_numbered_within_their_project() {
    whatever_the_server_does(|story| {
        let one = || plan(vec![stage("build", &[], vec![job("test", &[])])]);
        let flows = [
            story.start_in(1, one()),
            story.start_in(2, one()),
            story.start_in(1, one()),
        ];
        let numbers = flows.map(|flow| story.store.flows[&flow].number);
        assert_eq!(numbers, [1, 1, 2]);
    });
}

#[test]
fn a_number_that_is_reserved_is_nobody_else_s_until_it_is_given_back() {
    let mut story = Story::new();
    let project = ProjectId(1);
    let reserve = |story: &mut Story| match story.step(EngineEvent::ReserveNumber(project)) {
        Ok(EventReply::Reserved(number)) => number,
        other => panic!("a number was reserved with {other:?}"),
    };
    let with_number = |number| NewFlow {
        number: Some(number),
        ..fixture::new_flow(1, plan(vec![stage("build", &[], vec![job("test", &[])])]))
    };
    let start = |story: &mut Story, number| story.step(EngineEvent::StartFlow(Box::new(with_number(number))));
    let (first, second) = (reserve(&mut story), reserve(&mut story));
    let third = story.start_in(1, plan(vec![]));
    assert_eq!((first, second, story.store.flows[&third].number), (1, 2, 3));
    let flow = story.start_flow(with_number(second));
    assert_eq!(story.store.flows[&flow].number, 2);
    assert_eq!(
        start(&mut story, second),
        Ok(EventReply::NotReserved),
        "it is used"
    );
    assert_eq!(
        start(&mut story, 9),
        Ok(EventReply::NotReserved),
        "nobody has asked for it"
    );
    let release = |story: &mut Story, number| {
        let given = story.step(EngineEvent::ReleaseNumber { project, number });
        assert_eq!(given, Ok(EventReply::Done));
    };
    // A number in the middle is left out; the newest is given out again.
    release(&mut story, first);
    assert_eq!(start(&mut story, first), Ok(EventReply::NotReserved));
    let fourth = reserve(&mut story);
    release(&mut story, fourth);
    release(&mut story, fourth);
    assert_eq!((fourth, reserve(&mut story)), (4, 4));
    // Another engine knows nothing of what was reserved, and of what has started.
    story.restart();
    assert_eq!(start(&mut story, 4), Ok(EventReply::NotReserved));
    assert_eq!(reserve(&mut story), 4);
}

#[test]
fn a_stage_without_jobs_and_a_flow_without_stages_end_at_once() {
    whatever_the_server_does(|story| {
        let flow = story.start(plan(vec![
            stage("empty", &[], vec![]),
            stage("after", &["empty"], vec![job("test", &[])]),
        ]));
        assert_snapshot!(story.picture(flow), @r"
        flow skipped
        empty skipped: 
        after skipped: test skipped
        ");
        let nothing = story.start(plan(vec![]));
        assert_snapshot!(story.picture(nothing), @"flow skipped");
    });
}

#[test]
fn a_flow_of_a_broken_workflow_has_failed_from_the_start_and_nothing_of_it_runs() {
    whatever_the_server_does(|story| {
        story.agent(1, 4);
        let one = || plan(vec![stage("build", &[], vec![job("test", &[])])]);
        let broken = story.start_flow(NewFlow {
            diagnostics: vec![Diagnostic {
                file: ".keirin.yaml".to_owned(),
                line: 2,
                column: 1,
                end_column: 8,
                severity: Severity::Error,
                message: "`stages` is not a map".to_owned(),
                suggestion: None,
            }],
            ..fixture::new_flow(1, plan(vec![]))
        });
        assert_snapshot!(story.picture(broken), @"flow failed");
        let flow = &story.store.flows[&broken];
        assert_eq!((flow.diagnostics.len(), flow.finished_at), (1, Some(story.now)));
        assert!(
            !story.engine.knows_flow(broken),
            "what is over is not kept in memory"
        );
        assert_eq!(story.claim(1), []);
        for failed_only in [true, false] {
            let again = story.rerun(broken, failed_only);
            assert_eq!(again, Err(Refusal::NothingToRerun(broken)));
        }
        assert!(story.cancel(CancelTarget::Flow(broken)).is_err());
        assert_snapshot!(story.picture(broken), @"flow failed");
        let next = story.start(one());
        assert_eq!(
            story.store.flows[&next].number, 2,
            "it has a number like any other"
        );
        story.claim(1);
        story.begin(story.attempt(next, "test"));
        story.end(story.attempt(next, "test"), Outcome::Success);
        assert_snapshot!(story.picture(next), @r"
        flow success
        build success: test success
        ");
    });
}
