//! The agent goes on whatever the connection does.

use std::time::Duration;

use keirin_model::Outcome::{Failed, Success};
use keirin_wire::log::Stream;

use crate::bench::{Bench, job, script, shell};
use crate::server::{State, Weather};

#[tokio::test]
async fn every_line_arrives_once_and_in_order_through_a_storm() {
    let bench = Bench::start();
    bench.server.change(|state| state.weather = Weather::Stormy);
    let record = bench
        .run(job(vec![shell("seq 1 50000"), shell("seq 50001 100000")]))
        .await;
    let expected: Vec<String> = (1..=100_000).map(|number| number.to_string()).collect();
    assert_eq!(record.finished().unwrap().0, Success);
    assert_eq!(record.lines(Stream::Output), expected);
}

#[tokio::test]
async fn what_is_written_while_the_server_is_away_waits_in_a_file_and_arrives() {
    let bench = Bench::start_with(|config| config.limits.spool_memory_bytes = 1000);
    let pipe = bench.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let attempt = bench.give(script(&format!(
        "echo ready; cat {0}; seq 1 200000; echo over > {0}",
        pipe.display()
    )));
    bench.server.line(attempt, "ready").await;
    bench.server.change(|state| state.weather = Weather::Offline);
    tokio::fs::write(&pipe, "go\n").await.unwrap();
    assert_eq!(tokio::fs::read_to_string(&pipe).await.unwrap(), "over\n");
    assert!(!bench.server.state().attempts[&attempt].has_line("200000"));
    bench.server.change(|state| state.weather = Weather::Fair);
    let record = bench.server.finished(attempt).await;
    assert_eq!(record.lines(Stream::Output).len(), 200_002);
}

#[tokio::test]
async fn a_job_that_was_delivered_twice_runs_once() {
    let bench = Bench::start_with(|config| config.slots = 2);
    let assignment = script("echo ran");
    bench
        .server
        .change(|state| state.waiting.extend([assignment.clone(), assignment.clone()]));
    let record = bench.server.finished(assignment.attempt).await;
    assert_eq!(record.lines(Stream::Output), ["ran"]);
}

#[tokio::test]
async fn a_log_that_the_server_refuses_fails_the_job_and_says_why() {
    let bench = Bench::start();
    bench.server.change(|state| state.refuses_logs = true);
    let (outcome, _, message) = bench.run(script("echo text")).await.finished().unwrap();
    assert_eq!(outcome, Failed);
    assert_eq!(
        message.as_deref(),
        Some("the server did not take the log: no room for logs")
    );
}

/// Writes more lines than a server keeps without its storage.
const LONG: &str = "head -c 100000 /dev/urandom | base64; echo end";

#[tokio::test]
async fn a_log_that_the_server_has_no_room_for_fails_the_job_in_its_time_and_says_why() {
    let bench = Bench::start_with(|config| config.patience.upload = Duration::from_millis(200));
    bench.server.change(|state| state.is_storage_full = true);
    let (outcome, _, message) = bench.run(script(LONG)).await.finished().unwrap();
    assert_eq!(outcome, Failed);
    assert_eq!(
        message.as_deref(),
        Some("the server did not take the log within 0 s of trying: the storage is full")
    );
}

#[tokio::test]
async fn a_log_goes_on_whole_once_the_server_has_room() {
    let bench = Bench::start();
    bench.server.change(|state| state.is_storage_full = true);
    let attempt = bench.give(script(LONG));
    let refused = |state: &State| (state.refused_for_room > 1).then_some(());
    bench.server.wait_for(refused).await;
    bench.server.change(|state| state.is_storage_full = false);
    let record = bench.server.finished(attempt).await;
    assert_eq!(record.finished().unwrap().0, Success);
    let lines = record.lines(Stream::Output);
    assert_eq!((lines.len(), lines.last().unwrap().as_str()), (1_756, "end"));
}

#[tokio::test]
async fn claims_name_what_the_agent_holds() {
    let bench = Bench::start_with(|config| config.slots = 2);
    let pipe = bench.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let attempt = bench.give(script(&format!("cat {}", pipe.display())));
    let holds = |held: &[keirin_model::AttemptId], free| {
        let held = held.to_vec();
        move |state: &crate::server::State| {
            state
                .claims
                .last()
                .filter(|claim| claim.holding == held && claim.free == free)
                .map(drop)
        }
    };
    bench.server.wait_for(holds(&[attempt], 1)).await;
    tokio::fs::write(&pipe, "on\n").await.unwrap();
    bench.server.finished(attempt).await;
}
