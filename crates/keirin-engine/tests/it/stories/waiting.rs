//! Why a job waits: one sentence for every reason.

use insta::assert_snapshot;
use keirin_engine::CancelTarget;
use keirin_engine::waiting::WaitingReason;
use keirin_model::access::Role;
use keirin_model::plan::{Concurrency, Executor, Start};
use keirin_model::{FlowId, Outcome, ProjectId};

use crate::driver::{Story, whatever_the_server_does};
use crate::fixture::{self, job, plan, stage};

fn fix(story: &Story, flow: FlowId, name: &str) -> String {
    let reason: Option<WaitingReason> = story.engine.why_waiting(story.job(flow, name), None);
    reason
        .and_then(|reason| reason.fix())
        .unwrap_or_else(|| "Only time helps.".to_owned())
}

#[test]
fn within_a_flow() {
    whatever_the_server_does(|story| {
        story.agent(1, 1);
        let mut by_hand = stage("deploy", &[], vec![job("ship", &[])]);
        by_hand.start = Start::Manual {
            role: Role::Maintainer,
        };
        let flow = story.start(plan(vec![
            stage(
                "build",
                &[],
                vec![
                    job("test", &[]),
                    job("lint", &[]),
                    job("package", &["test", "lint"]),
                ],
            ),
            by_hand,
            stage("announce", &["build", "deploy"], vec![job("mail", &[])]),
        ]));
        assert_snapshot!(story.why(flow, "package"), @"Waits for jobs `test`, `lint`.");
        assert_snapshot!(story.why(flow, "ship"), @"Stage `deploy` waits for a person: a maintainer starts it.");
        assert_snapshot!(fix(story, flow, "ship"), @"Start stage `deploy`.");
        assert_snapshot!(story.why(flow, "mail"), @"Waits for stages `build`, `deploy`.");
        let test = story.take(1);
        assert_snapshot!(story.why(flow, "test"), @"Agent `agent-1` has it and prepares it.");
        story.begin(test);
        assert_snapshot!(story.why(flow, "test"), @"It does not wait.");
        story.end(test, Outcome::Success);
        assert_snapshot!(story.why(flow, "package"), @"Waits for job `lint`.");
        assert_snapshot!(fix(story, flow, "package"), @"Only time helps.");
    });
}

#[test]
fn for_other_flows() {
    whatever_the_server_does(|story| {
        let mut grouped = plan(vec![stage("build", &[], vec![job("test", &[])])]);
        grouped.concurrency = Some(Concurrency {
            group: "main".to_owned(),
            cancel_in_progress: false,
        });
        let first = story.start(grouped.clone());
        let second = story.start(grouped);
        assert_snapshot!(
            story.why(second, "test"),
            @"Another flow of the concurrency group `main` is under way (flow 1)."
        );
        story.cancel(CancelTarget::Flow(first)).unwrap();

        let mut deploy = stage("deploy", &[], vec![job("ship", &[])]);
        deploy.exclusive = true;
        story.start(plan(vec![deploy.clone()]));
        let waiting = story.start(plan(vec![deploy]));
        assert_snapshot!(
            story.why(waiting, "ship"),
            @"Stage `deploy` is exclusive, and another run of it is under way (flow 3)."
        );
    });
}

#[test]
fn for_an_agent() {
    whatever_the_server_does(|story| {
        let mut gpu = job("gpu", &[]);
        gpu.requirements.group = "lab".to_owned();
        gpu.requirements.labels = ["cuda".to_owned(), "linux".to_owned()].into();
        gpu.requirements.executor = Executor::Docker;
        let flow = story.start(plan(vec![stage("build", &[], vec![job("test", &[]), gpu])]));
        assert_snapshot!(
            story.why(flow, "gpu"),
            @"No agent offers executor `docker` with group `lab` with labels `cuda`, `linux`. Start one, or change what the job asks for."
        );
        assert_snapshot!(
            fix(story, flow, "gpu"),
            @"Start an agent that offers executor `docker` with group `lab` with labels `cuda`, `linux`."
        );

        let mut agent = fixture::agent(1, 1);
        agent.authorised = false;
        story.put_agent(agent.clone());
        assert_snapshot!(
            story.why(flow, "test"),
            @"No agent in service offers executor `bare`. 1 agent would do: authorise or enable it."
        );
        let mut second = fixture::agent(2, 1);
        second.disabled = true;
        story.put_agent(second);
        assert_snapshot!(
            story.why(flow, "test"),
            @"No agent in service offers executor `bare`. 2 agents would do: authorise or enable one."
        );
        assert_snapshot!(fix(story, flow, "test"), @"Authorise or enable an agent that could run it.");

        story.agent(1, 1);
        assert_snapshot!(story.why(flow, "test"), @"The agent that could run it does not ask for work.");
        story.agent(2, 1);
        assert_snapshot!(story.why(flow, "test"), @"The 2 agents that could run it do not ask for work.");
        assert_snapshot!(
            fix(story, flow, "test"),
            @"Look whether the agents run and reach this server."
        );

        story.claim(1);
        let later = story.start(plan(vec![stage(
            "build",
            &[],
            vec![job("one", &[]), job("two", &[]), job("three", &[])],
        )]));
        assert_snapshot!(story.why(later, "one"), @"It is next: 2 agents could run it, none is free.");
        assert_snapshot!(story.why(later, "two"), @"1 job before it; 2 agents could run it, none is free.");
        story.claim(2);
        assert_snapshot!(story.why(later, "three"), @"1 job before it; 2 agents could run it, none is free.");
        assert_snapshot!(fix(story, later, "three"), @"Start another agent, or give one more slots.");

        // Who sees some projects only is told of no jobs of others, not even that there are some.
        let as_seen_by = |projects: &[ProjectId]| {
            let job = story.job(later, "three");
            story.engine.why_waiting(job, Some(projects)).unwrap().to_string()
        };
        assert_snapshot!(
            as_seen_by(&[ProjectId(1)]),
            @"1 job of the projects that you see before it; 2 agents could run it, none is free."
        );
        assert_snapshot!(
            as_seen_by(&[]),
            @"No job of the projects that you see is before it; 2 agents could run it, none is free."
        );
    });
}

#[test]
fn a_job_that_is_over_or_unknown_does_not_wait() {
    let story = &mut Story::new();
    let flow = story.start(plan(vec![stage("build", &[], vec![job("test", &[])])]));
    story.cancel(CancelTarget::Flow(flow)).unwrap();
    assert_snapshot!(story.why(flow, "test"), @"It does not wait.");
}
