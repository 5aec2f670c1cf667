//! `keirin exec` as a real process: it ends and tells like an agent, and leaves nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::whole_program::pipes::Gate;
use crate::whole_program::repository::in_world;
use crate::whole_program::story::{Story, one_job, only_job};
use crate::whole_program::world::{World, keirin};

/// What says of a job that it is stopped at its first step, and runs the step after it.
const INTERRUPTED: &str = r#"
keirin: 1
stages:
  work:
    jobs:
      work:
        steps:
          - run: |
              sh -c 'read -r _ < @gates/never' &
              echo waiting
              read -r _ < @gates/go
              echo more
              read -r _ < @gates/never
          - run: echo cleaned | tee @shared/cleaned
            when: always
"#;

const TWO_FAILURES: &str = r#"
keirin: 1
stages:
  work:
    jobs:
      code: { steps: [ { run: "exit 3" } ] }
      signal: { steps: [ { run: "kill -SEGV $$" } ] }
"#;

/// Writes the workflow file and the folder of temporary files.
fn prepare(world: &World, workflow: &str) -> PathBuf {
    let file = world.path().join("workflow.yaml");
    fs::write(&file, in_world(world, workflow)).unwrap();
    fs::create_dir_all(temporary(world)).unwrap();
    file
}

fn temporary(world: &World) -> PathBuf {
    world.path().join("temporary")
}

/// Runs a workflow to its end.
fn exec(world: &World, arguments: &[&str], workflow: &str) -> Output {
    let file = prepare(world, workflow);
    let mut command = keirin();
    command.args(arguments).arg("exec").arg(file);
    command.env("TMPDIR", temporary(world)).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A run that has come to its first step and waits there.
struct Waiting {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Waiting {
    fn begin(world: &World, mut command: Command) -> Self {
        let file = prepare(world, INTERRUPTED);
        command.arg("exec").arg(file).env("TMPDIR", temporary(world));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "waiting"));
        Self { child, lines }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// The exit code, and what was said from here on.
    fn end(self) -> (Option<i32>, Vec<String>) {
        let lines = self.lines.map_while(Result::ok).collect();
        (self.child.wait_with_output().unwrap().status.code(), lines)
    }
}

/// No process, and no folder among the temporary files.
fn nothing_is_left(world: &World) {
    assert_eq!(world.processes(), []);
    let left: Vec<_> = fs::read_dir(temporary(world)).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn whoever_asks_it_to_end_its_job_is_ended_in_good_order() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let world = World::new();
        let _gates = ["go", "never"].map(|name| Gate::new(&world, name));
        // Whoever runs the tests may ignore the end of a terminal, and what they start would too.
        let mut program = Command::new("env");
        program.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_keirin")]);
        let waiting = Waiting::begin(&world, program);
        waiting.signal(signal);
        // The end of a terminal is told by the shell and by the kernel.
        if signal == Signal::SIGHUP {
            waiting.signal(signal);
        }
        let (code, lines) = waiting.end();
        assert_eq!(code, Some(3), "{signal}: {lines:?}");
        assert!(lines.iter().any(|line| line == "cleaned"), "{signal}: {lines:?}");
        nothing_is_left(&world);
    }
}

#[test]
fn where_nobody_reads_any_more_its_job_is_ended_in_good_order() {
    let world = World::new();
    let [go, _never] = ["go", "never"].map(|name| Gate::new(&world, name));
    let Waiting { mut child, lines } = Waiting::begin(&world, keirin());
    drop(lines);
    drop(child.stderr.take());
    go.open();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(world.shared().join("cleaned").exists());
    nothing_is_left(&world);
}

#[test]
fn it_outlives_its_terminal_where_it_was_told_to() {
    let world = World::new();
    let [go, never] = ["go", "never"].map(|name| Gate::new(&world, name));
    let mut nohup = Command::new("sh");
    nohup.args([
        "-c",
        "trap '' HUP; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_keirin"),
    ]);
    let waiting = Waiting::begin(&world, nohup);
    waiting.signal(Signal::SIGHUP);
    go.open();
    never.open();
    never.open();
    let (code, lines) = waiting.end();
    assert_eq!(code, Some(0), "{lines:?}");
    nothing_is_left(&world);
}

#[test]
fn what_a_job_left_running_is_ended_and_counted() {
    let world = World::new();
    let _never = Gate::new(&world, "never");
    let script = "
        sh -c 'read -r _ < @gates/never' > /dev/null 2>&1 &
        setsid env -i sh -c 'cd /; read -r _ < @gates/never' > /dev/null 2>&1 &
        echo done";
    let output = exec(&world, &[], &one_job(script));
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("Ended 2 processes that the job had left running."),
        "{said}"
    );
    nothing_is_left(&world);
}

#[test]
fn how_a_step_failed_is_told_as_text_and_as_json() {
    let world = World::new();
    let output = exec(&world, &[], TWO_FAILURES);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for (job, how) in [("code", "exit code 3"), ("signal", "signal 11 (SIGSEGV)")] {
        let in_log = format!("The step did not end well: {how}");
        assert!(said.lines().any(|line| line.ends_with(&in_log)), "{said}");
        let at_end = |line: &str| {
            line.starts_with(&format!("✘ failed work/{job} in ")) && line.ends_with(&format!(": {how}"))
        };
        assert!(said.lines().any(at_end), "{said}");
    }

    let output = exec(&world, &["--json"], TWO_FAILURES);
    let lines: Vec<Value> = text(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let end_of = |job: &str| {
        let is_end =
            |line: &&Value| line["kind"] == "job" && line["state"] == "finished" && line["job"] == job;
        lines.iter().find(is_end).unwrap()
    };
    assert_eq!(end_of("work/code")["exit_code"], 3);
    assert_eq!(end_of("work/code")["signal"], Value::Null);
    assert_eq!(end_of("work/signal")["exit_code"], Value::Null);
    assert_eq!(end_of("work/signal")["signal"], 11);
}

#[tokio::test]
async fn a_server_tells_how_a_step_failed_and_gives_steps_the_same_environment() {
    let workflow = one_job("env -0 | tr '\\n\\0' ' \\n' | sed 's/^/variable /'; exit 3");
    let story = Story::begin(&workflow).await;
    let token = story.local_token();
    let ask = |arguments: &[&str]| {
        let mut command = keirin();
        command.args(arguments);
        command
            .env("KEIRIN_URL", story.url.as_str())
            .env("KEIRIN_TOKEN", &token)
            .output()
            .unwrap()
    };
    let start = ask(&["flow", "start", "story", "--follow"]);
    let said = text(&start);
    assert_eq!(
        start.status.code(),
        Some(1),
        "{said}{}",
        String::from_utf8_lossy(&start.stderr)
    );
    let in_log = "The step did not end well: exit code 3";
    assert!(said.lines().any(|line| line == in_log), "{said}");
    assert!(
        said.lines()
            .any(|line| line.starts_with("✘ failed work/work in ") && line.ends_with(": exit code 3")),
        "{said}"
    );
    let flows = story
        .client
        .flows(Some("story"), &Default::default())
        .await
        .unwrap();
    let flow = story.finished(flows.items[0].id).await;
    let log = ask(&["log", &only_job(&flow).id.to_string()]);
    assert_eq!(text(&log).lines().last(), Some(in_log));

    let world = World::new();
    let file = prepare(&world, &workflow);
    let mut command = keirin();
    command.arg("exec").arg(file).env("TMPDIR", temporary(&world));
    let here = command
        .env("OF_THE_CALLER", "1")
        .env("LC_ALL", "C")
        .env("LOGNAME", "caller")
        .output()
        .unwrap();
    let names = |said: &str| -> BTreeSet<String> {
        let variables = said.lines().filter_map(|line| line.strip_prefix("variable "));
        let pairs = variables.filter_map(|variable| variable.split_once('='));
        pairs.map(|(name, _)| name.to_owned()).collect()
    };
    let with_agent = names(&said);
    let here = names(&text(&here));
    assert!(here.contains("KEIRIN_JOB"), "{here:?}");
    let more: Vec<_> = here.difference(&with_agent).collect();
    assert!(more.is_empty(), "{more:?}");
    let less: Vec<_> = with_agent.difference(&here).collect();
    let of_server = ["KEIRIN_COMMIT", "KEIRIN_SERVER"];
    assert!(
        less.iter()
            .all(|name| name.starts_with("GIT_CONFIG_") || of_server.contains(&name.as_str())),
        "{less:?}"
    );
}
