//! A second server on the same data folder takes over when the first one dies.

use keirin_model::Outcome;
use keirin_wire::api::StartFlow;
use nix::sys::signal::{Signal, kill};

use crate::whole_program::pipes::Gate;
use crate::whole_program::server::Server;
use crate::whole_program::story::{PROJECT, Story, client_at, finished, line, one_job, only_job};
use crate::whole_program::world::World;

const SCRIPT: &str = "seq 1 100; echo waiting; read -r _ < @gates/gate; seq 101 200";

#[tokio::test]
async fn a_standby_that_is_stopped_disturbs_nobody() {
    let mut story = Story::begin(&one_job("echo fine")).await;
    let mut standby = Server::spawn(&story.world, "127.0.0.1:0");
    standby.hear("stands by");
    assert_eq!(standby.stop().code(), Some(0));
    story.local_token();
    story.still_works().await;
    assert!(story.server.stop().success());
}

#[tokio::test]
async fn a_leader_that_slept_too_long_is_deposed_and_does_no_harm() {
    let story = Story::begin(&one_job("echo fine")).await;
    let before = story.run().await;
    let standby = Server::spawn(&story.world, "127.0.0.1:0");
    standby.hear("stands by");
    kill(story.server.pid(), Signal::SIGSTOP).unwrap();
    let url = standby.ready();
    kill(story.server.pid(), Signal::SIGCONT).unwrap();

    let refused = story.client.start_flow(PROJECT, &StartFlow::default()).await;
    let refused = refused.unwrap_err();
    assert_eq!(
        refused.problem().map(|problem| problem.status),
        Some(503),
        "{refused}"
    );
    let client = client_at(&url, Some(&story.local_token()));
    let flow = client.start_flow(PROJECT, &StartFlow::default()).await.unwrap();
    assert_eq!(flow.number, before.number + 1, "nothing came of what was refused");
    let flow = finished(&client, flow.id).await;
    assert_eq!(
        (flow.outcome, only_job(&flow).attempts.len()),
        (Some(Outcome::Success), 1)
    );
}

#[tokio::test]
async fn a_server_that_leads_again_has_its_agent_and_its_command_line_again() {
    let mut story = Story::begin(&one_job("echo fine")).await;
    assert_eq!(story.run().await.outcome, Some(Outcome::Success));
    let token = story.local_token();
    // It leads a second time, and a third.
    for _ in 0..2 {
        let mut other = Server::spawn(&story.world, "127.0.0.1:0");
        other.hear("stands by");
        kill(story.server.pid(), Signal::SIGSTOP).unwrap();
        other.ready();
        kill(story.server.pid(), Signal::SIGCONT).unwrap();
        story.server.hear("this one stands by");
        assert!(other.stop().success());
        story.server.hear("leads again");

        assert_eq!(story.run().await.outcome, Some(Outcome::Success));
        assert_eq!(story.local_address(), story.url, "the command line finds it");
        assert_eq!(story.local_token(), token, "a command that waits goes on");
    }
    assert!(story.server.stop().success());
    assert_eq!(story.world.processes(), [], "the last server ends everything");
}

#[tokio::test]
async fn a_server_that_leads_again_after_another_died_takes_its_job_over() {
    let world = World::new();
    let gate = Gate::new(&world, "gate");
    let story = Story::begin_in(world, &one_job(SCRIPT)).await;
    let mut other = Server::spawn(&story.world, "127.0.0.1:0");
    other.hear("stands by");
    kill(story.server.pid(), Signal::SIGSTOP).unwrap();
    let url = other.ready();
    kill(story.server.pid(), Signal::SIGCONT).unwrap();
    story.server.hear("this one stands by");

    let client = client_at(&url, Some(&story.local_token()));
    let flow = client.start_flow(PROJECT, &StartFlow::default()).await.unwrap();
    line(&client, only_job(&flow).id, "waiting").await;
    other.kill();
    story.server.hear("leads again");
    gate.open();
    let flow = story.finished(flow.id).await;
    assert_eq!(
        (flow.outcome, only_job(&flow).attempts.len()),
        (Some(Outcome::Success), 1),
        "the job was not disturbed"
    );
    story.still_works().await;
}

/// The leader dies in the middle of a job; gives the story, whose server is now the standby.
async fn takes_over(own_address: bool) {
    let world = World::new();
    let gate = Gate::new(&world, "gate");
    let mut story = Story::begin_in(world, &one_job(SCRIPT)).await;
    let flow = story.start().await;
    story.line(only_job(&flow).id, "waiting").await;
    let agent = story.world.agent();

    let listen = if own_address {
        "127.0.0.1:0".to_owned()
    } else {
        story.listen()
    };
    let standby = Server::spawn(&story.world, &listen);
    standby.hear("stands by");
    story.client.ready().await.unwrap();
    story.server.kill();
    story.server = standby;
    story.url = story.server.ready();
    if own_address {
        let token = story.local_token();
        story.client = client_at(&story.url, Some(&token));
    }
    gate.open();

    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let job = only_job(&flow);
    assert_eq!(job.attempts.len(), 1, "the job was not disturbed: {job:#?}");
    let mut expected: Vec<String> = (1..=200).map(|number| number.to_string()).collect();
    expected.insert(100, "waiting".to_owned());
    assert_eq!(story.output(job).await, expected);
    assert_eq!(story.world.agent(), agent);
    story.still_works().await;
    assert!(story.server.stop().success());
    assert_eq!(story.world.processes(), [], "the last server ends everything");
}

#[tokio::test]
async fn a_standby_on_the_same_address_takes_over() {
    takes_over(false).await;
}

#[tokio::test]
async fn a_standby_on_an_address_of_its_own_takes_over() {
    takes_over(true).await;
}
