//! Jobs that end before their time.

use std::time::Duration;

use jiff::SignedDuration;
use keirin_agent::Shutdown;
use keirin_model::Outcome::{self, Cancelled, Lost, Skipped, Success, TimedOut};
use keirin_model::plan::StepPlan;
use keirin_wire::log::Stream;

use crate::bench::{Bench, always, job, runs, script, shell, sleep, until};
use crate::server::{State, Weather};

const KILLED: Option<i32> = Some(9);
const TERMINATED: Option<i32> = Some(15);

#[tokio::test]
async fn a_cancelled_job_is_asked_to_end_and_its_always_steps_run() {
    let bench = Bench::start();
    let attempt = bench.give(job(vec![
        shell("echo ready; exec sleep 1000"),
        shell("echo no"),
        always(shell("echo cleaned")),
    ]));
    bench.server.line(attempt, "ready").await;
    bench
        .server
        .change(|state| state.attempts.get_mut(&attempt).unwrap().stop = true);
    let record = bench.server.finished(attempt).await;
    assert_eq!(record.steps(), [Cancelled, Skipped, Success]);
    assert_eq!(record.lines(Stream::Output), ["ready", "cleaned"]);
    let (outcome, exit, message) = record.finished().unwrap();
    assert_eq!((outcome, exit.signal), (Cancelled, TERMINATED));
    assert_eq!(message.as_deref(), Some("the job was cancelled"));
}

#[tokio::test]
async fn a_step_that_ignores_the_request_to_end_is_ended_with_its_group() {
    let bench = Bench::start();
    let attempt = bench.give(script(&format!(
        "trap '' TERM; {} & echo ready; wait; sleep 1000",
        sleep(1341)
    )));
    bench.server.line(attempt, "ready").await;
    bench
        .server
        .change(|state| state.attempts.get_mut(&attempt).unwrap().stop = true);
    let record = bench.server.finished(attempt).await;
    let (outcome, exit, _) = record.finished().unwrap();
    assert_eq!((outcome, exit.signal), (Cancelled, KILLED));
    assert!(!runs(&sleep(1341)));
}

#[tokio::test]
async fn what_forks_away_is_ended_with_the_job_and_not_before() {
    let bench = Bench::start();
    let fork_away = format!(
        "setsid sh -c 'trap \"\" TERM HUP; echo $$ > away; exec {}' > /dev/null 2>&1 < /dev/null &
        until [ -s away ]; do :; done",
        sleep(1342)
    );
    let record = bench
        .run(job(vec![
            shell(&fork_away),
            shell("kill -0 $(cat away) && echo still there"),
        ]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success);
    assert_eq!(record.lines(Stream::Output), ["still there"]);
    assert!(!runs(&sleep(1342)));
    let said = record.lines(Stream::Agent);
    assert_eq!(
        said.last().unwrap(),
        "Ended 1 process that the job had left running."
    );
}

#[tokio::test]
async fn what_forks_away_and_hides_is_ended_too() {
    let bench = Bench::start();
    let record = bench
        .run(script(&format!(
            "env -i PATH=\"$PATH\" setsid sh -c 'echo > away; exec {}' > /dev/null 2>&1 &
            until [ -s away ]; do :; done",
            sleep(1343)
        )))
        .await;
    assert_eq!(record.finished().unwrap().0, Success);
    assert!(!runs(&sleep(1343)));
}

#[tokio::test]
async fn a_job_that_kills_what_holds_it_leaves_nothing_running() {
    let bench = Bench::start();
    let (child, away) = (sleep(1346), sleep(1347));
    let record = bench
        .run(script(&format!(
            "printf 'last words'; {child} & setsid {away} & kill -9 $PPID; wait"
        )))
        .await;
    assert!(record.has_line("last words"), "{:#?}", record.log);
    let (outcome, _, message) = record.finished().unwrap();
    assert_eq!(outcome, Outcome::Failed);
    assert!(message.unwrap().contains("has ended by itself"));
    assert!(!runs(&child) && !runs(&away));
    assert_eq!(bench.run(script("true")).await.finished().unwrap().0, Success);
}

#[tokio::test]
async fn output_of_what_stays_behind_does_not_hold_a_step_up() {
    let bench = Bench::start_with(|config| config.patience.lingering_output = Duration::from_millis(20));
    let record = bench.run(script("sleep 1000 & echo done")).await;
    assert_eq!(record.lines(Stream::Output), ["done"]);
    assert_eq!(record.finished().unwrap().0, Success);
}

#[tokio::test]
async fn a_step_that_takes_too_long_fails_the_job_and_later_steps_see_it() {
    let bench = Bench::start();
    let slow = StepPlan {
        timeout: Some(SignedDuration::from_millis(50)),
        ..shell("exec sleep 1000")
    };
    let record = bench
        .run(job(vec![slow, shell("echo no"), always(shell("echo cleaned"))]))
        .await;
    assert_eq!(record.steps(), [TimedOut, Skipped, Success]);
    let (outcome, exit, message) = record.finished().unwrap();
    assert_eq!((outcome, exit.signal), (TimedOut, TERMINATED));
    assert_eq!(
        message.as_deref(),
        Some("the step took longer than its timeout of 50ms")
    );
}

#[tokio::test]
async fn a_job_that_takes_too_long_runs_only_its_always_steps() {
    let bench = Bench::start_with(|config| config.patience.cleanup = Duration::from_millis(300));
    let mut assignment = job(vec![
        shell("exec sleep 1000"),
        always(shell("echo cleaned")),
        always(shell("exec sleep 1000")),
    ]);
    assignment.job.timeout = SignedDuration::from_millis(50);
    let record = bench.run(assignment).await;
    assert_eq!(record.steps(), [TimedOut, Success, TimedOut]);
    assert_eq!(record.lines(Stream::Output), ["cleaned"]);
    let (outcome, _, message) = record.finished().unwrap();
    assert_eq!(outcome, TimedOut);
    assert_eq!(
        message.as_deref(),
        Some("the job took longer than its timeout of 50ms")
    );
}

#[tokio::test]
async fn an_agent_that_is_told_that_its_attempt_is_lost_ends_the_job_and_keeps_quiet() {
    let bench = Bench::start();
    let attempt = bench.give(job(vec![
        shell(&format!("echo ready; exec {}", sleep(1344))),
        always(shell("echo no")),
    ]));
    bench.server.line(attempt, "ready").await;
    let before = bench.server.state().claims.last().unwrap().sequence;
    bench.server.change(|state| {
        let record = state.attempts.get_mut(&attempt).unwrap();
        record.is_lost = true;
        record.stop = true;
    });
    let is_free = |state: &State| {
        state
            .claims
            .last()
            .filter(|claim| claim.sequence > before && claim.free == 1)
            .map(drop)
    };
    bench.server.wait_for(is_free).await;
    assert!(!runs(&sleep(1344)));
    let record = bench.server.state().attempts[&attempt].clone();
    assert!(record.finished().is_none());
    assert!(record.calls_when_lost <= 1, "{} calls", record.calls_when_lost);
}

#[tokio::test]
async fn a_job_that_must_not_run_twice_ends_itself_when_its_lease_cannot_be_renewed() {
    let bench = Bench::start();
    let mut assignment = job(vec![
        shell(&format!("echo ready; exec {}", sleep(1345))),
        always(shell("echo no")),
    ]);
    assignment.exclusive = true;
    let attempt = bench.give(assignment);
    bench.server.line(attempt, "ready").await;
    until("the job waits", || runs(&sleep(1345))).await;
    // From here on time goes as fast as nothing happens.
    tokio::time::pause();
    bench.server.change(|state| state.weather = Weather::Offline);
    while runs(&sleep(1345)) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bench.server.change(|state| state.weather = Weather::Fair);
    let record = bench.server.finished(attempt).await;
    assert_eq!(record.steps(), [Lost, Skipped]);
    assert_eq!(record.finished().unwrap().0, Lost);
}

#[tokio::test]
async fn a_job_that_may_run_twice_goes_on_without_its_server() {
    let bench = Bench::start();
    let pipe = bench.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let attempt = bench.give(script(&format!("echo ready; cat {}; echo done", pipe.display())));
    bench.server.line(attempt, "ready").await;
    bench.server.change(|state| state.weather = Weather::Offline);
    tokio::fs::write(&pipe, "meanwhile\n").await.unwrap();
    let offline_calls = bench.server.state().calls;
    bench
        .server
        .wait_for(|state| (state.calls >= offline_calls).then_some(()))
        .await;
    bench.server.change(|state| state.weather = Weather::Fair);
    let record = bench.server.finished(attempt).await;
    assert_eq!(record.lines(Stream::Output), ["ready", "meanwhile", "done"]);
    assert_eq!(record.finished().unwrap().0, Success);
}

#[tokio::test]
async fn an_agent_that_is_stopped_gives_its_job_back() {
    let bench = Bench::start();
    let attempt = bench.give(job(vec![
        shell("echo ready; exec sleep 1000"),
        always(shell("echo cleaned")),
    ]));
    bench.server.line(attempt, "ready").await;
    let server = std::sync::Arc::clone(&bench.server);
    bench.shut_down(Shutdown::Stop).await.unwrap();
    let record = server.state().attempts[&attempt].clone();
    assert_eq!(
        record.finished().map(|(outcome, _, _)| outcome),
        Some(Outcome::Lost)
    );
    assert_eq!(record.lines(Stream::Output), ["ready", "cleaned"]);
}

#[tokio::test]
async fn an_agent_whose_job_ended_while_its_server_is_away_can_be_stopped() {
    let bench = Bench::start_with(|config| config.patience.farewell = Duration::from_millis(50));
    let pipe = bench.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let attempt = bench.give(script(&format!("pwd; echo ready; cat {}", pipe.display())));
    bench.server.line(attempt, "ready").await;
    let record = bench.server.state().attempts[&attempt].clone();
    let workspace = std::path::PathBuf::from(&record.lines(Stream::Output)[0]);
    bench.server.change(|state| state.weather = Weather::Offline);
    tokio::fs::write(&pipe, "meanwhile\n").await.unwrap();
    until("its workspace is gone", || !workspace.exists()).await;
    bench.shut_down(Shutdown::Stop).await.unwrap();
}

#[tokio::test]
async fn an_agent_that_is_to_finish_ends_with_its_last_job_and_takes_no_other() {
    let bench = Bench::start();
    let pipe = bench.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let attempt = bench.give(script(&format!("echo ready; cat {}", pipe.display())));
    bench.server.line(attempt, "ready").await;
    bench.order(Shutdown::Finish);
    let other = bench.give(script("echo no"));
    tokio::fs::write(&pipe, "last words\n").await.unwrap();
    let server = std::sync::Arc::clone(&bench.server);
    bench.ended().await.unwrap();
    assert_eq!(server.state().attempts[&attempt].finished().unwrap().0, Success);
    assert!(!server.state().attempts.contains_key(&other));
}

/// Runs itself again as an agent that may open few files, and without the right of root to pass over modes.
#[tokio::test]
async fn what_a_job_leaves_is_removed_however_deep_wide_and_closed_it_is() {
    const FOLDER: &str = "KEIRIN_TEST_FOLDER";
    let Some(folder) = std::env::var_os(FOLDER) else {
        let folder = tempfile::tempdir().unwrap();
        let limited = "ulimit -n 100; [ $(id -u) != 0 ] || limit='setpriv --bounding-set=-dac_override,-dac_read_search'
            exec $limit \"$0\" --exact ending::what_a_job_leaves_is_removed_however_deep_wide_and_closed_it_is";
        let output = std::process::Command::new("sh")
            .args(["-c", limited])
            .arg(std::env::current_exe().unwrap())
            .env(FOLDER, folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    let bench = Bench::start_with(|config| config.folder = folder.join("agent"));
    let leave = "perl -e 'for (1..3000) { mkdir \"deep\"; chdir \"deep\" }; open(F, \">file\"); chmod 0, \".\"'
        perl -e 'for (1..300) { mkdir \"wide$_\"; mkdir \"wide$_/in\"; open(F, \">wide$_/in/file\"); chmod 0, \"wide$_/in\", \"wide$_\" }'";
    let record = bench.run(script(leave)).await;
    assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
    bench.shut_down(Shutdown::Finish).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.join("agent/jobs")).unwrap().count(), 0);
}
