//! PostgreSQL goes away under load and comes back; and it is the copy beside the program where the system has none.

use std::path::Path;

use keirin_model::Outcome;
use nix::sys::signal::{Signal, kill};

use crate::whole_program::pipes::Gate;
use crate::whole_program::story::{Story, gone, indented, one_job};
use crate::whole_program::world::World;

const FLOWS: usize = 4;
const JOBS: usize = 3;

/// Jobs that write before and after they are let through.
fn workflow() -> String {
    let script = indented(
        "seq 1 300; echo waiting; read -r _ < @gates/gate; seq 301 600",
        14,
    );
    let jobs = (0..JOBS).map(|job| format!("      job-{job}:\n        steps:\n          - run: |\n{script}"));
    format!(
        "keirin: 1\nstages:\n  work:\n    jobs:\n{}",
        jobs.collect::<String>()
    )
}

async fn everything_finishes_when_postgresql_is_sent(signal: Signal) {
    let world = World::new();
    let gate = Gate::new(&world, "gate");
    let story = Story::begin_in(world, &workflow()).await;
    let mut flows = Vec::new();
    for _ in 0..FLOWS {
        flows.push(story.start().await);
    }
    story.line(flows[0].runs[0].jobs[0].id, "waiting").await;

    let postgres = story.world.postgres().unwrap();
    kill(postgres, signal).unwrap();
    // The jobs go on meanwhile: each waits for its own word.
    for _ in 0..FLOWS * JOBS {
        gate.open();
    }
    gone(postgres);
    for flow in flows {
        let flow = story.finished(flow.id).await;
        assert_eq!(flow.outcome, Some(Outcome::Success));
        let mut expected: Vec<String> = (1..=600).map(|number| number.to_string()).collect();
        expected.insert(300, "waiting".to_owned());
        for job in &flow.runs[0].jobs {
            assert_eq!(job.attempts.len(), 1, "{job:#?}");
            assert_eq!(story.output(job).await, expected);
        }
    }
    assert_ne!(story.world.postgres(), Some(postgres));
    story.still_works().await;
}

#[tokio::test]
async fn postgresql_is_killed_under_load() {
    everything_finishes_when_postgresql_is_sent(Signal::SIGKILL).await;
}

#[tokio::test]
async fn postgresql_is_stopped_under_load() {
    everything_finishes_when_postgresql_is_sent(Signal::SIGINT).await;
}

#[tokio::test]
async fn without_the_systems_postgresql_the_copy_beside_the_program_is_used() {
    let beside = Path::new(env!("CARGO_BIN_EXE_keirin"))
        .parent()
        .unwrap()
        .join("postgres");
    if !beside.join("bin/initdb").exists() {
        println!(
            "skipped: without_the_systems_postgresql_the_copy_beside_the_program_is_used: no copy of PostgreSQL lies \
             beside the program; `scripts/postgres.sh --copy` fetches one"
        );
        return;
    }
    let mut world = World::new();
    world
        .settings
        .push(("KEIRIN_HIDE_SYSTEM_POSTGRES", "true".to_owned()));
    let mut story = Story::begin_in(world, &one_job("echo fine")).await;
    let postgres = story.world.postgres().unwrap();
    let program = std::fs::read_link(format!("/proc/{postgres}/exe")).unwrap();
    assert!(
        program.starts_with(beside.canonicalize().unwrap()),
        "{}",
        program.display()
    );
    assert_eq!(story.run().await.outcome, Some(Outcome::Success));
    assert!(story.server.stop().success());
    assert_eq!(story.world.processes(), [], "nothing is left running");
}
