//! Things that only one may have at a time: concurrency groups, exclusive stages and environments.

use insta::assert_snapshot;
use keirin_engine::CancelTarget;
use keirin_model::access::Role;
use keirin_model::plan::{Concurrency, Plan, StagePlan, Start};
use keirin_model::{FlowId, Outcome};

use crate::driver::{Story, whatever_the_server_does};
use crate::fixture::{job, plan, stage};

fn in_group(cancel_in_progress: bool) -> Plan {
    let mut plan = plan(vec![stage("build", &[], vec![job("test", &[])])]);
    plan.concurrency = Some(Concurrency {
        group: "main".to_owned(),
        cancel_in_progress,
    });
    plan
}

fn deploy(environment: Option<&str>) -> StagePlan {
    let mut deploy = stage("deploy", &[], vec![job("ship", &[])]);
    deploy.exclusive = true;
    deploy.environment = environment.map(str::to_owned);
    deploy
}

fn words(story: &Story, flows: &[FlowId]) -> Vec<String> {
    flows
        .iter()
        .map(|flow| story.picture(*flow).lines().next().unwrap().to_owned())
        .collect()
}

#[test]
fn flows_of_a_group_run_one_after_the_other_in_the_order_in_which_they_came() {
    whatever_the_server_does(|story| {
        story.agent(1, 4);
        let flows = [
            story.start(in_group(false)),
            story.start(in_group(false)),
            story.start(in_group(false)),
        ];
        let elsewhere = story.start_in(2, in_group(false));
        assert_eq!(
            words(story, &flows),
            ["flow running", "flow waiting", "flow waiting"]
        );
        assert_eq!(
            words(story, &[elsewhere]),
            ["flow running"],
            "a group belongs to its project"
        );
        let test = story.take(1);
        story.begin(test);
        story.end(test, Outcome::Failed);
        assert_eq!(
            words(story, &flows),
            ["flow failed", "flow running", "flow waiting"]
        );
        story.cancel(CancelTarget::Flow(flows[2])).unwrap();
        assert_eq!(
            words(story, &flows),
            ["flow failed", "flow running", "flow cancelled"],
            "one that waits ends without its turn"
        );
        story.cancel(CancelTarget::Flow(flows[1])).unwrap();
        let last = story.start(in_group(false));
        assert_eq!(words(story, &[last]), ["flow running"]);
    });
}

#[test]
fn a_newer_flow_cancels_the_older_ones_of_its_group_if_it_says_so() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let first = story.start(in_group(false));
        let second = story.start(in_group(false));
        let test = story.take(1);
        story.begin(test);
        let newest = story.start(in_group(true));
        assert_eq!(
            words(story, &[first, second, newest]),
            ["flow running", "flow cancelled", "flow waiting"]
        );
        assert_snapshot!(story.picture(first), @r"
        flow running
        build running: test running (stopping)
        ");
        story.end(test, Outcome::Cancelled);
        assert_eq!(
            words(story, &[first, newest]),
            ["flow cancelled", "flow running"],
            "it starts when the last of the older ones has stopped"
        );
    });
}

#[test]
fn a_flow_that_is_reopened_waits_for_its_turn_again() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let first = story.start(in_group(false));
        assert_eq!(story.work_off(1), ["test"]);
        let second = story.start(in_group(false));
        story.rerun(first, false).unwrap();
        assert_eq!(words(story, &[first, second]), ["flow waiting", "flow running"]);
        assert_eq!(story.work_off(1), ["test", "test"]);
        assert_eq!(words(story, &[first, second]), ["flow success", "flow success"]);
    });
}

#[test]
fn a_flow_whose_manual_stage_is_open_does_not_keep_its_group() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let mut with_manual = in_group(false);
        let mut ship = stage("deploy", &["build"], vec![job("ship", &[])]);
        ship.start = Start::Manual {
            role: Role::Developer,
        };
        with_manual.stages.push(ship);
        let first = story.start(with_manual);
        let second = story.start(in_group(false));
        assert_eq!(story.work_off(1), ["test", "test"]);
        assert_eq!(words(story, &[first, second]), ["flow success", "flow success"]);
    });
}

#[test]
fn an_exclusive_stage_runs_in_one_flow_at_a_time_and_the_rest_of_the_flow_goes_on() {
    whatever_the_server_does(|story| {
        story.agent(1, 4);
        let both = || plan(vec![deploy(None), stage("docs", &[], vec![job("write", &[])])]);
        let first = story.start(both());
        let second = story.start(both());
        story.claim(1);
        assert_snapshot!(story.picture(first), @r"
        flow running
        deploy running: ship assigned
        docs running: write assigned
        ");
        assert_snapshot!(story.picture(second), @r"
        flow running
        deploy waiting: ship waiting
        docs running: write assigned
        ");
        let ship = story.attempt(first, "ship");
        story.begin(ship);
        story.end(ship, Outcome::Success);
        assert_snapshot!(story.picture(second), @r"
        flow running
        deploy running: ship queued
        docs running: write assigned
        ");
    });
}

#[test]
fn an_environment_is_shared_by_all_stages_that_deploy_to_it() {
    whatever_the_server_does(|story| {
        story.agent(1, 4);
        let mut other = deploy(Some("production"));
        other.name = "hotfix".to_owned();
        let first = story.start(plan(vec![deploy(Some("production"))]));
        let second = story.start(plan(vec![other]));
        let staging = story.start(plan(vec![deploy(Some("staging"))]));
        let elsewhere = story.start_in(2, plan(vec![deploy(Some("production"))]));
        let states: Vec<String> = [first, second, staging, elsewhere]
            .iter()
            .map(|flow| story.picture(*flow).lines().nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(
            states,
            [
                "deploy running: ship queued",
                "hotfix waiting: ship waiting",
                "deploy running: ship queued",
                "deploy running: ship queued",
            ]
        );
        story.cancel(CancelTarget::Flow(first)).unwrap();
        assert_snapshot!(story.picture(second), @r"
        flow running
        hotfix running: ship queued
        ");
    });
}

#[test]
fn an_exclusive_run_that_is_being_stopped_keeps_its_turn_until_its_agent_has_stopped() {
    whatever_the_server_does(|story| {
        story.agent(1, 2);
        let first = story.start(plan(vec![deploy(Some("production"))]));
        let ship = story.take(1);
        story.begin(ship);
        let second = story.start(plan(vec![deploy(Some("production"))]));
        story.cancel(CancelTarget::Flow(first)).unwrap();
        assert_snapshot!(story.picture(second), @r"
        flow running
        deploy waiting: ship waiting
        ");
        story.end(ship, Outcome::Cancelled);
        assert_snapshot!(story.picture(second), @r"
        flow running
        deploy running: ship queued
        ");
    });
}
