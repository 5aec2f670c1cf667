//! The server or the agent dies in the middle of a job.

use keirin_model::{Outcome, State};
use nix::sys::signal::{Signal, kill};

use crate::whole_program::pipes::{Bell, Gate};
use crate::whole_program::server::Server;
use crate::whole_program::story::{Story, one_job, only_job};
use crate::whole_program::world::{PATIENCE, World, poll, poll_async};

#[tokio::test]
async fn a_job_goes_on_while_the_server_is_killed_and_its_log_has_every_byte_once() {
    let world = World::new();
    let (during, after) = (Gate::new(&world, "during"), Gate::new(&world, "after"));
    let mut bell = Bell::new(&world, "bell");
    let script = "
        seq 1 500; echo waiting; read -r _ < @gates/during
        seq 501 1000; echo > @gates/bell; read -r _ < @gates/after
        seq 1001 1500";
    let mut story = Story::begin_in(world, &one_job(script)).await;
    let flow = story.start().await;
    let job = only_job(&flow).id;
    story.line(job, "waiting").await;
    let agent = story.world.agent();

    story.server.kill();
    during.open();
    bell.rings().await;
    story.server = Server::spawn(&story.world, &story.listen());
    story.server.ready();
    assert_eq!(story.world.agent(), agent, "the agent was not disturbed");
    after.open();

    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let job = only_job(&flow);
    assert_eq!(job.attempts.len(), 1);
    let mut expected: Vec<String> = (1..=1500).map(|number| number.to_string()).collect();
    expected.insert(500, "waiting".to_owned());
    assert_eq!(story.output(job).await, expected);
    let raw = story.raw_log(job.id).await;
    let bytes = expected.join("\n");
    let found = raw
        .windows(bytes.len())
        .filter(|window| *window == bytes.as_bytes());
    assert_eq!(found.count(), 1, "the downloaded log has every byte once too");
    story.still_works().await;
}

#[tokio::test]
async fn a_job_goes_on_while_the_server_loses_its_database_and_starts_it_again() {
    let world = World::new();
    let gate = Gate::new(&world, "gate");
    let script = "echo waiting; read -r _ < @gates/gate; echo done";
    let story = Story::begin_in(world, &one_job(script)).await;
    let flow = story.start().await;
    let job = only_job(&flow).id;
    story.line(job, "waiting").await;
    let (agent, before) = (story.world.agent(), story.world.postgres().unwrap());

    kill(before, Signal::SIGQUIT).unwrap();
    poll_async("the database runs again", async || {
        story.world.postgres().filter(|now| *now != before)
    })
    .await;
    gate.open();

    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    assert_eq!(story.world.agent(), agent, "the agent was not disturbed");
    let job = only_job(&flow);
    assert_eq!(job.attempts.len(), 1);
    assert_eq!(story.output(job).await, ["waiting", "done"]);
}

#[tokio::test]
async fn a_job_goes_on_while_the_server_fails_by_itself_and_under_the_next_one() {
    let world = World::new();
    let gate = Gate::new(&world, "gate");
    let script = "seq 1 500; echo waiting; read -r _ < @gates/gate; seq 501 1000";
    let mut story = Story::begin_in(world, &one_job(script)).await;
    let flow = story.start().await;
    let job = only_job(&flow).id;
    story.line(job, "waiting").await;
    let agent = story.world.agent();

    // The database ends and cannot be started again, so the server has to give up.
    let control = story.world.data().join("postgres/global/pg_control");
    let away = control.with_extension("away");
    std::fs::rename(&control, &away).unwrap();
    kill(story.world.postgres().unwrap(), Signal::SIGQUIT).unwrap();
    let status = story.server.ended();
    assert_eq!(status.code(), Some(1), "{:#?}", story.server.said());
    let said = story.server.hear("error: ");
    assert!(said.contains("PostgreSQL"), "it says why: {said}");
    assert!(kill(agent, None).is_ok(), "the agent goes on by itself");

    std::fs::rename(&away, &control).unwrap();
    story.server = Server::spawn(&story.world, &story.listen());
    story.server.ready();
    assert_eq!(story.world.agent(), agent, "the agent was not disturbed");
    gate.open();

    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let job = only_job(&flow);
    assert_eq!(job.attempts.len(), 1);
    let mut expected: Vec<String> = (1..=1000).map(|number| number.to_string()).collect();
    expected.insert(500, "waiting".to_owned());
    assert_eq!(story.output(job).await, expected);
    story.still_works().await;
    assert!(story.server.stop().success());
    assert_eq!(story.world.processes(), [], "nothing is left running");
}

#[tokio::test]
async fn a_killed_agent_loses_its_attempt_and_the_next_one_succeeds() {
    the_agent_is_killed(World::new()).await;
}

/// Kills the agent in the middle of a job, in this world.
pub(crate) async fn the_agent_is_killed(world: World) {
    let _never = Gate::new(&world, "never");
    let script = r#"
        echo "attempt $KEIRIN_ATTEMPT"
        if [ "$KEIRIN_ATTEMPT" = 1 ]; then echo waiting; read -r _ < @gates/never; fi
        echo done"#;
    let story = Story::begin_in(world, &one_job(script)).await;
    let flow = story.start().await;
    let job = only_job(&flow).id;
    story.line(job, "waiting").await;

    kill(story.world.agent(), Signal::SIGKILL).unwrap();
    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let job = only_job(&flow);
    let attempts = &job.attempts;
    assert_eq!(attempts.len(), 2);
    assert_eq!(
        (attempts[0].state, attempts[0].outcome),
        (State::Finished, Some(Outcome::Lost))
    );
    let message = attempts[0].message.as_deref().unwrap();
    assert!(!message.is_empty(), "it is said why");
    assert_eq!(attempts[1].outcome, Some(Outcome::Success));
    let output = story.output(job).await;
    assert!(output[0].starts_with("attempt 2"), "{output:?}");
    assert_eq!(output[1..], ["done"]);

    // What the first attempt wrote is kept, and what it ran does not go on beside the second.
    let first = story.output_of(job.id, 1).await;
    assert!(first.iter().any(|line| line == "attempt 1"), "{first:?}");
    let of_first = |pid: &nix::unistd::Pid| {
        let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        variables
            .split(|byte| *byte == 0)
            .any(|variable| variable == b"KEIRIN_ATTEMPT=1")
    };
    assert!(!story.world.processes().iter().any(of_first));
    story.still_works().await;
}

#[tokio::test]
async fn a_stopped_server_tells_its_jobs_and_the_next_one_tries_them_again() {
    let world = World::new();
    let _never = Gate::new(&world, "never");
    let script = r#"
        if [ "$KEIRIN_ATTEMPT" = 1 ]; then echo waiting; read -r _ < @gates/never; fi
        echo "attempt $KEIRIN_ATTEMPT""#;
    let workflow = one_job(script) + "          - { run: 'echo cleaned up', when: always }\n";
    let mut story = Story::begin_in(world, &workflow).await;
    let flow = story.start().await;
    story.line(only_job(&flow).id, "waiting").await;
    assert!(story.server.stop().success());
    assert_eq!(story.world.processes(), [], "nothing is left running");

    story.server = Server::spawn(&story.world, &story.listen());
    story.server.ready();
    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let job = only_job(&flow);
    assert_eq!(job.attempts.len(), 2);
    let first = &job.attempts[0];
    assert_eq!(first.outcome, Some(Outcome::Lost));
    // The server was there until the job had been stopped, so it knows all of it.
    let message = first.message.as_deref().unwrap();
    assert!(message.contains("the agent was stopped"), "{message}");
    assert_eq!(story.output_of(job.id, 1).await.last().unwrap(), "cleaned up");
    assert_eq!(story.output(job).await, ["attempt 2", "cleaned up"]);
}

#[tokio::test]
async fn a_server_that_is_stopped_twice_at_once_leaves_no_agent_behind() {
    let mut story = Story::begin_in(World::new(), &one_job("true")).await;
    let server = story.server.pid();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        kill(server, signal).unwrap();
    }
    story.server.ended();
    let left = poll(PATIENCE, || story.world.processes().is_empty().then_some(()));
    assert!(left.is_some(), "{:?} are left running", story.world.processes());
}
