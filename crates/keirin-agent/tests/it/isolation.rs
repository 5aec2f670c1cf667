//! What a step cannot reach.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use keirin_agent::{AgentError, Guarded, Identity, Shutdown};
use keirin_model::Outcome::{Failed, Success};
use keirin_model::plan::{Artifacts, Tool};
use keirin_wire::log::Stream;

use crate::bench::{Bench, job, script, shell, step};

pub(crate) const SOMEBODY: Identity = Identity::User {
    uid: 54_321,
    gid: 54_321,
};

/// Says loudly that a test did not run.
pub(crate) fn is_root(test: &str) -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        println!("skipped: {test}: only root may start processes of another user");
    }
    is_root
}

#[tokio::test]
async fn a_job_of_another_user_cannot_read_what_is_the_agents() {
    if !is_root("a_job_of_another_user_cannot_read_what_is_the_agents") {
        return;
    }
    let bench = Bench::start_with(|config| config.identity = SOMEBODY);
    let secret = bench.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    let record = bench
        .run(script(&format!(
            "id -u; id -G; cat {0} || echo closed; cat /proc/{1}/environ || echo closed too; kill -0 {1} || echo out of reach
            echo mine > file; echo said > /dev/stderr; ls -ld . | cut -c1-10",
            secret.display(),
            std::process::id(),
        )))
        .await;
    assert_eq!(record.finished().unwrap().0, Success);
    let expected = [
        "54321",
        "54321",
        "closed",
        "closed too",
        "out of reach",
        "drwx------",
    ];
    assert_eq!(record.lines(Stream::Output), expected);
    assert!(record.has_line("said"));
}

#[tokio::test]
async fn the_agent_as_root_reads_nothing_for_a_step_that_the_step_may_not_read() {
    if !is_root("the_agent_as_root_reads_nothing_for_a_step_that_the_step_may_not_read") {
        return;
    }
    let bench = Bench::start_with(|config| config.identity = SOMEBODY);
    let upload = |path: &str| {
        step(Tool::Artifacts(Artifacts::Upload {
            paths: vec![path.to_owned()],
        }))
    };
    let assignment = job(vec![
        shell("echo ready; until [ -e secret ]; do :; done"),
        upload("secret"),
    ]);
    let work = bench.work(assignment.attempt);
    let attempt = bench.give(assignment);
    bench.server.line(attempt, "ready").await;
    // As if a job had made a hard link, where the system lets it.
    let secret = bench.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::hard_link(&secret, work.join("secret")).unwrap();
    let record = bench.server.finished(attempt).await;
    assert_eq!(record.steps(), [Success, Failed]);
    assert!(
        record
            .finished()
            .unwrap()
            .2
            .unwrap()
            .contains("belongs to another user")
    );

    let download = step(Tool::Artifacts(Artifacts::Download {
        paths: vec!["*".to_owned()],
        from: Vec::new(),
        destination: None,
    }));
    bench.run(job(vec![shell("echo x > mine"), upload("mine")])).await;
    let record = bench
        .run(job(vec![
            download,
            shell("echo more >> mine; ls -n mine | cut -d' ' -f3"),
        ]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success);
    assert_eq!(record.lines(Stream::Output), ["54321"]);
}

#[tokio::test]
async fn a_folder_that_the_steps_user_cannot_reach_is_refused_at_the_start() {
    if !is_root("a_folder_that_the_steps_user_cannot_reach_is_refused_at_the_start") {
        return;
    }
    let closed = tempfile::tempdir().unwrap();
    std::fs::set_permissions(closed.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let bench = Bench::start_with(|config| {
        config.identity = SOMEBODY;
        config.folder = closed.path().join("agent");
    });
    let Err(AgentError::Folder(error)) = bench.ended().await else {
        panic!("it started")
    };
    assert!(error.to_string().contains("user 54321 may not enter"), "{error}");
}

fn guard(closed: Vec<PathBuf>) -> Guarded {
    let tests = std::env::current_exe().unwrap();
    let program = tests
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/step_guard");
    assert!(
        program.exists(),
        "build the examples too: cargo test -p keirin-agent"
    );
    Guarded {
        program,
        arguments: Vec::new(),
        closed,
    }
}

#[tokio::test]
async fn a_guarded_step_writes_only_in_its_workspace_and_reads_nothing_closed() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("key"), "secret").unwrap();
    let beside = tempfile::tempdir().unwrap();
    std::fs::write(beside.path().join("open"), "readable").unwrap();
    // The agent's folder lies in the closed one, as it does where one machine has both.
    let bench = Bench::start_with(|config| {
        config.identity = Identity::Guarded(guard(vec![data.path().to_owned()]));
        config.folder = data.path().join("agent");
    });
    let key = data.path().join("key");
    let attempt = bench.give(script(&format!(
        "echo mine > file && cat file; echo t > $TMPDIR/t && cat $TMPDIR/t; echo > /dev/null
        cat {0} || echo closed; ls {1} | grep key || echo nothing to see; echo > {0} || echo not emptied
        cat {2}/open; echo; echo x > {2}/new || echo not written; cat ../../../key || echo no way round",
        key.display(),
        data.path().display(),
        beside.path().display(),
    )));
    let server = std::sync::Arc::clone(&bench.server);
    let record = tokio::select! {
        record = server.finished(attempt) => record,
        ended = bench.ended() => {
            let Err(AgentError::NotGuarded { reason }) = ended else { panic!("{ended:?}") };
            println!("skipped: a_guarded_step_writes_only_in_its_workspace_and_reads_nothing_closed: {reason}");
            return;
        }
    };
    let lines = record.lines(Stream::Output);
    let expected = [
        "mine",
        "t",
        "closed",
        "nothing to see",
        "not emptied",
        "readable",
        "not written",
        "no way round",
    ];
    assert_eq!(lines, expected, "{:#?}", record.lines(Stream::Error));
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "secret");
    assert_eq!(std::fs::read_dir(beside.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_guarded_step_cannot_call_a_closed_socket_where_a_namespace_can_be_made() {
    let name = "a_guarded_step_cannot_call_a_closed_socket_where_a_namespace_can_be_made";
    let namespace = std::process::Command::new("unshare")
        .args(["-U", "-m", "true"])
        .output();
    if !namespace.is_ok_and(|output| output.status.success()) {
        println!("skipped: {name}: this user may make no namespaces");
        return;
    }
    let (data, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (closed, open) = (data.path().join("socket"), beside.path().join("socket"));
    let _listeners = [&closed, &open].map(|path| UnixListener::bind(path).unwrap());
    let bench = Bench::start_with(|config| {
        config.identity = Identity::Guarded(guard(vec![data.path().to_owned()]));
    });
    let call = |path: &std::path::Path| {
        let program = "socket(S, PF_UNIX, SOCK_STREAM, 0); exit !connect(S, sockaddr_un($ARGV[0]))";
        format!(
            "perl -MSocket -e '{program}' {} && echo connected || echo not connected",
            path.display()
        )
    };
    let record = bench
        .run(job(vec![shell(&call(&open)), shell(&call(&closed))]))
        .await;
    assert_eq!(
        record.lines(Stream::Output),
        ["connected", "not connected"],
        "{:#?}",
        record.log
    );
}

#[tokio::test]
async fn a_guard_that_cannot_be_started_stops_the_agent() {
    let mut missing = guard(Vec::new());
    missing.program = PathBuf::from("/no/such/guard");
    let bench = Bench::start_with(|config| config.identity = Identity::Guarded(missing));
    let Err(AgentError::NotGuarded { reason }) = bench.shut_down(Shutdown::Running).await else {
        panic!("it started without a guard")
    };
    assert!(reason.contains("/no/such/guard"), "{reason}");
}
