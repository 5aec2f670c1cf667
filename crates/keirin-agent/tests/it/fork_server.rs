//! The process that sandboxes are forked from, ahead of the jobs that they will hold. In these tests it has a program of its
//! own, by whose name its processes are found: itself, and two for each sandbox.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keirin_agent::{Config, Shutdown};
use keirin_model::Outcome::Success;
use keirin_wire::log::Stream;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::bench::{Bench, processes, runs, sandbox, script, sleep, until};
use crate::isolation::{has_namespaces, outside_of_tmp, several};

/// A copy of the sandbox's program.
struct Program {
    folder: TempDir,
}

impl Program {
    fn copy() -> Self {
        let folder = outside_of_tmp();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::copy(sandbox().program, folder.path().join("sandbox")).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("sandbox")
    }

    fn configure(&self, config: &mut Config) {
        several(config);
        config.sandbox.program = self.path();
    }

    fn processes(&self) -> Vec<Pid> {
        processes(&self.path().display().to_string())
    }

    /// The one that the others descend from.
    fn fork_server(&self) -> Pid {
        let processes = self.processes();
        let is_first = |process: &&Pid| !processes.contains(&parent(**process));
        *processes.iter().find(is_first).unwrap()
    }
}

fn parent(process: Pid) -> Pid {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"));
    // It may have ended meanwhile. After the name, which may hold anything, come state and parent.
    let after_name = stat
        .ok()
        .and_then(|stat| Some(stat.rsplit_once(')')?.1.to_owned()));
    let parent = after_name.and_then(|text| text.split_whitespace().nth(1)?.parse().ok());
    Pid::from_raw(parent.unwrap_or(0))
}

#[tokio::test]
async fn a_sandbox_that_waits_for_a_job_closes_what_has_come_meanwhile_and_ends_with_its_agent() {
    let name = "a_sandbox_that_waits_for_a_job_closes_what_has_come_meanwhile_and_ends_with_its_agent";
    if !has_namespaces(name) {
        return;
    }
    let program = Program::copy();
    let closed = program.folder.path().join("closed");
    let bench = Bench::start_with(|config| {
        program.configure(config);
        config.closed = vec![closed.clone()];
    });
    let read = format!(
        "cat {} || echo closed; echo mine > /tmp/file; ls /tmp /var/tmp",
        closed.join("key").display()
    );
    // Once the agent asks for work.
    bench
        .server
        .wait_for(|state| (!state.claims.is_empty()).then_some(()))
        .await;
    until("two wait", || program.processes().len() == 5).await;
    std::fs::create_dir(&closed).unwrap();
    std::fs::write(closed.join("key"), "secret").unwrap();
    for _ in 0..3 {
        let record = bench.run(script(&read)).await;
        assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
        let expected = ["closed", "/tmp:", "file", "", "/var/tmp:"];
        assert_eq!(record.lines(Stream::Output), expected);
    }
    bench.shut_down(Shutdown::Finish).await.unwrap();
    until("they have ended", || program.processes().is_empty()).await;
}

#[tokio::test]
async fn when_the_fork_server_is_killed_running_jobs_go_on_and_the_next_ones_have_another() {
    let name = "when_the_fork_server_is_killed_running_jobs_go_on_and_the_next_ones_have_another";
    if !has_namespaces(name) {
        return;
    }
    let program = Program::copy();
    let bench = Bench::start_with(|config| program.configure(config));
    let waits = sleep(1371);
    let running = bench.give(script(&format!("{waits} || echo goes on")));
    until("it runs", || runs(&waits)).await;
    let fork_server = program.fork_server();
    kill(fork_server, Signal::SIGKILL).unwrap();
    until("it has ended", || !program.processes().contains(&fork_server)).await;
    // The one that waited, and then a fork of the new fork server.
    for _ in 0..3 {
        let record = bench.run(script("echo another")).await;
        assert_eq!(record.lines(Stream::Output), ["another"], "{:#?}", record.log);
    }
    for process in processes(&waits) {
        kill(process, Signal::SIGTERM).unwrap();
    }
    let record = bench.server.finished(running).await;
    assert_eq!(record.lines(Stream::Output), ["goes on"], "{:#?}", record.log);
    assert_eq!(record.finished().unwrap().0, Success);

    // All of it, those that wait too: none of them is a job's.
    until("two wait", || program.processes().len() == 5).await;
    for process in program.processes() {
        // What is forked may have ended with what it was forked from.
        let _ = kill(process, Signal::SIGKILL);
    }
    until("they have ended", || program.processes().is_empty()).await;
    let record = bench.run(script("echo still")).await;
    assert_eq!(record.lines(Stream::Output), ["still"], "{:#?}", record.log);
    bench.shut_down(Shutdown::Finish).await.unwrap();
    until("they have ended", || program.processes().is_empty()).await;
}

#[tokio::test]
async fn a_job_whose_fork_server_ends_while_it_is_made_begins_by_another() {
    let name = "a_job_whose_fork_server_ends_while_it_is_made_begins_by_another";
    if !has_namespaces(name) {
        return;
    }
    let program = Program::copy();
    let bench = Bench::start_with(|config| program.configure(config));
    until("two wait", || program.processes().len() == 5).await;
    let fork_server = program.fork_server();
    for process in program.processes() {
        if process != fork_server {
            // What is forked may have ended with what it was forked from.
            let _ = kill(process, Signal::SIGKILL);
        }
    }
    until("none waits", || program.processes() == [fork_server]).await;
    kill(fork_server, Signal::SIGSTOP).unwrap();
    let attempt = bench.give(script("echo begun"));
    let jobs = bench.path().join("agent/jobs");
    until("it is being made", || {
        std::fs::read_dir(&jobs).is_ok_and(|mut jobs| jobs.next().is_some())
    })
    .await;
    kill(fork_server, Signal::SIGKILL).unwrap();
    let record = bench.server.finished(attempt).await;
    assert_eq!(record.lines(Stream::Output), ["begun"], "{:#?}", record.log);
}
