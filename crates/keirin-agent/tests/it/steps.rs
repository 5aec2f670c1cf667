//! Steps in order, conditions, environment, workspace.

use keirin_agent::Shutdown;
use keirin_model::Outcome::{Failed, Skipped, Success};
use keirin_model::flow::{Change, Exit};
use keirin_model::plan::{Condition, Executor, StepPlan, Tool};
use keirin_wire::agent::AttemptEvent;
use keirin_wire::log::Stream;

use crate::bench::{Bench, always, job, script, shell, step};

#[tokio::test]
async fn a_job_runs_its_steps_in_one_workspace_and_leaves_nothing() {
    let bench = Bench::start();
    let assignment = job(vec![
        shell("echo one > file; echo out; echo err >&2"),
        shell("cat file; pwd"),
    ]);
    let attempt = assignment.attempt;
    let record = bench.run(assignment).await;

    assert_eq!(
        record.finished(),
        Some((
            Success,
            Exit {
                code: Some(0),
                signal: None
            },
            None
        ))
    );
    let work = bench.work(attempt).to_str().unwrap().to_owned();
    assert_eq!(record.lines(Stream::Output), ["out", "one", &work]);
    assert_eq!(record.lines(Stream::Error), ["err"]);
    assert!(record.lines(Stream::Agent)[0].starts_with("Running in sh -e -c: echo one"));
    let kinds: Vec<&str> = record
        .events
        .iter()
        .map(|event| match event {
            AttemptEvent::Started => "started",
            AttemptEvent::StepStarted { .. } => "step started",
            AttemptEvent::StepFinished { .. } => "step finished",
            AttemptEvent::Finished { .. } => "finished",
        })
        .collect();
    let expected = [
        "started",
        "step started",
        "step finished",
        "step started",
        "step finished",
        "finished",
    ];
    assert_eq!(kinds, expected);
    let path = bench.work(attempt);
    bench.shut_down(Shutdown::Finish).await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn after_a_failure_only_those_steps_run_that_ask_for_it() {
    let bench = Bench::start();
    let when = |when: Condition, step: StepPlan| StepPlan { when, ..step };
    let record = bench
        .run(job(vec![
            when(Condition::Failure, shell("echo too early")),
            shell("exit 3"),
            shell("echo not reached"),
            when(Condition::Failure, shell("echo after a failure")),
            when(
                Condition::Expression("steps[1].exit_code == 3".to_owned()),
                shell("echo it was 3; exit 4"),
            ),
            always(shell("echo always")),
        ]))
        .await;
    assert_eq!(
        record.steps(),
        [Skipped, Failed, Skipped, Success, Failed, Success]
    );
    assert_eq!(
        record.lines(Stream::Output),
        ["after a failure", "it was 3", "always"]
    );
    assert_eq!(
        record.finished(),
        Some((
            Failed,
            Exit {
                code: Some(3),
                signal: None
            },
            None
        ))
    );
}

#[tokio::test]
async fn a_condition_that_cannot_be_worked_out_fails_its_step() {
    let bench = Bench::start();
    let broken = StepPlan {
        when: Condition::Expression("env.NOWHERE == 'x'".to_owned()),
        ..shell("echo no")
    };
    let record = bench.run(job(vec![broken])).await;
    let (outcome, _, message) = record.finished().unwrap();
    assert_eq!(outcome, Failed);
    assert!(message.unwrap().contains("env.NOWHERE"));
}

#[tokio::test]
async fn a_step_sees_who_it_is_and_nothing_of_the_agent() {
    let bench = Bench::start();
    let mut assignment = job(vec![StepPlan {
        env: [
            ("LEVEL".to_owned(), "step".to_owned()),
            ("CI".to_owned(), "no".to_owned()),
        ]
        .into(),
        ..shell("env | sort; test -d \"$HOME\" && test -w \"$TMPDIR\"")
    }]);
    assignment.job.env = [("LEVEL", "job"), ("ONLY_JOB", "yes")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    assignment.origin.change = Some(Change {
        base: None,
        head: "topic".to_owned(),
        author: None,
        title: Some("$(touch /tmp/harm)".to_owned()),
    });
    let record = bench.run(assignment).await;
    assert_eq!(record.finished().unwrap().0, Success);
    let variables = record.lines(Stream::Output);
    for expected in [
        "CI=true",
        "KEIRIN=true",
        "KEIRIN_ATTEMPT=1",
        "KEIRIN_BRANCH=main",
        "KEIRIN_CHANGE_HEAD=topic",
        "KEIRIN_CHANGE_TITLE=$(touch /tmp/harm)",
        "KEIRIN_FLOW_KIND=ci",
        "KEIRIN_FLOW_NUMBER=3",
        "KEIRIN_JOB=test (stable)",
        "KEIRIN_PROJECT=velodrome",
        "KEIRIN_SERVER=http://127.0.0.1:8460",
        "KEIRIN_STAGE=build",
        "LANG=C.UTF-8",
        "LEVEL=step",
        "ONLY_JOB=yes",
    ] {
        assert!(
            variables.iter().any(|variable| variable == expected),
            "{expected} in {variables:#?}"
        );
    }
    // Cargo tells its tests where their package is.
    assert!(
        !variables
            .iter()
            .any(|variable| variable.starts_with("CARGO") || variable.contains("token of"))
    );
}

#[tokio::test]
async fn a_step_works_in_its_folder_with_its_shell() {
    let bench = Bench::start();
    let in_folder = StepPlan {
        cwd: Some("sub/folder".to_owned()),
        ..shell("pwd")
    };
    let with_shell = step(Tool::Shell {
        run: "$0".to_owned(),
        shell: Some(["sh", "-c", "echo other shell: $0"].map(str::to_owned).to_vec()),
    });
    let outside = StepPlan {
        cwd: Some("../..".to_owned()),
        ..shell("pwd")
    };
    let record = bench
        .run(job(vec![
            shell("mkdir -p sub/folder"),
            in_folder,
            with_shell,
            outside,
        ]))
        .await;
    let lines = record.lines(Stream::Output);
    let folder = std::path::Path::new(&lines[0]);
    assert!(folder.ends_with("work/sub/folder"), "{lines:?}");
    assert_eq!(lines[1], "other shell: $0");
    assert_eq!(record.steps(), [Success, Success, Success, Failed]);
    assert!(
        record
            .finished()
            .unwrap()
            .2
            .unwrap()
            .contains("`..` leads out of it")
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_and_an_executor_that_is_not_there_are_named() {
    let bench = Bench::start();
    let missing = step(Tool::Shell {
        run: String::new(),
        shell: Some(vec!["no-such-shell".to_owned()]),
    });
    let record = bench.run(job(vec![missing])).await;
    assert!(
        record
            .finished()
            .unwrap()
            .2
            .unwrap()
            .contains("no program `no-such-shell`")
    );

    let mut assignment = script("echo no");
    assignment.job.requirements.executor = Executor::Docker;
    let (outcome, _, message) = bench.run(assignment).await.finished().unwrap();
    assert_eq!(outcome, Failed);
    assert!(message.unwrap().contains("Docker"));
}

#[tokio::test]
async fn two_slots_run_two_jobs_at_once() {
    let bench = Bench::start_with(|config| config.slots = 2);
    let pipe = bench.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // Neither can end without the other: opening a pipe waits for its other end.
    let writer = bench.give(script(&format!("echo met > {}", pipe.display())));
    let reader = bench.give(script(&format!("cat {}", pipe.display())));
    assert_eq!(bench.server.finished(writer).await.finished().unwrap().0, Success);
    assert_eq!(bench.server.finished(reader).await.lines(Stream::Output), ["met"]);
}

#[tokio::test]
async fn what_a_job_made_read_only_is_removed_with_its_workspace() {
    let bench = Bench::start();
    let assignment = script("mkdir -p a/b && touch a/b/c && chmod -R a-w a && ln -s /etc/passwd link");
    let path = bench.work(assignment.attempt);
    assert_eq!(bench.run(assignment).await.finished().unwrap().0, Success);
    bench.shut_down(Shutdown::Finish).await.unwrap();
    assert!(!path.exists());
    assert!(std::path::Path::new("/etc/passwd").exists());
}

#[tokio::test]
async fn a_job_that_does_nothing_costs_four_calls() {
    // However long the step takes: nothing is sent because of the time alone.
    let bench = Bench::start_with(|config| config.patience.batching = std::time::Duration::from_secs(60));
    for _ in 0..3 {
        bench
            .server
            .wait_for(|state| (state.free == 1).then_some(()))
            .await;
        let before = bench.server.state().calls;
        assert_eq!(bench.run(script(":")).await.finished().unwrap().0, Success);
        // The claim that brought the job was under way already: started, log, finished, and the next claim.
        bench
            .server
            .wait_for(|state| (state.calls >= before + 4).then_some(()))
            .await;
        assert_eq!(bench.server.state().calls, before + 4);
    }
}

#[tokio::test]
async fn a_script_that_is_longer_than_any_message_fails_as_one_that_is_too_long() {
    let bench = Bench::start();
    let record = bench.run(script(&format!(": {}", "x".repeat(17 << 20)))).await;
    let (outcome, _, message) = record.finished().unwrap();
    assert_eq!(outcome, Failed);
    assert!(
        message.as_deref().unwrap().contains("cannot start `sh`"),
        "{message:?}"
    );
    assert_eq!(bench.run(script("true")).await.finished().unwrap().0, Success);
}
