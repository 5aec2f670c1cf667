//! What a step cannot reach.

use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use keirin_agent::{AgentError, Namespaces, Owner, RunAs, SandboxProgram, Shutdown};
use keirin_model::Outcome::{Failed, Success};
use keirin_model::plan::{Artifacts, Tool};
use keirin_wire::log::Stream;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::bench::{Bench, job, runs, sandbox, script, shell, sleep, step, until};

pub(crate) const SOMEBODY: RunAs = RunAs::User(Owner {
    uid: 54_321,
    gid: 54_321,
});

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
async fn a_job_has_terminals_of_its_own_and_sees_no_others() {
    if !has_namespaces("a_job_has_terminals_of_its_own_and_sees_no_others") {
        return;
    }
    // One that another program of the agent's user has open.
    let terminal = nix::pty::openpty(None, None).unwrap();
    let bench = Bench::start_with(|config| config.identity = RunAs::Guarded);
    let tried = "ls /dev/pts; script --quiet --return --command 'tty; echo said' /dev/null < /dev/null";
    let record = bench.run(script(tried)).await;
    drop(terminal);
    let lines = record.lines(Stream::Output);
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    assert_eq!(lines, ["ptmx", "/dev/pts/0", "said"], "{:#?}", record.log);
}

/// As a shell or another program leaves them open to what it starts.
#[tokio::test]
async fn files_that_the_agent_has_inherited_open_are_closed_to_jobs() {
    let bench = Bench::start_with(|config| config.identity = RunAs::Guarded);
    let secret = bench.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    let open = nix::fcntl::open(&secret, OFlag::O_RDONLY, Mode::empty()).unwrap();
    let number = open.as_raw_fd();
    let record = bench
        .run(script(&format!("readlink /proc/self/fd/{number} || echo closed")))
        .await;
    drop(open);
    assert_eq!(record.lines(Stream::Output), ["closed"]);
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

/// The agent may look where the job may not, so what it says of a link must not depend on what it would find there.
#[tokio::test]
async fn a_link_tells_nothing_of_what_is_there_and_closed_to_the_job() {
    if !is_root("a_link_tells_nothing_of_what_is_there_and_closed_to_the_job") {
        return;
    }
    let bench = Bench::start_with(|config| config.identity = SOMEBODY);
    let closed = tempfile::tempdir().unwrap();
    std::fs::write(closed.path().join("file"), "<testsuite/>").unwrap();
    std::fs::create_dir(closed.path().join("folder")).unwrap();
    let closed = closed.path().display();
    let upload = || {
        step(Tool::Artifacts(Artifacts::Upload {
            paths: vec!["l*".to_owned()],
        }))
    };
    let collect = || {
        step(Tool::JunitCollect {
            files: vec!["l*".to_owned()],
        })
    };
    let download = || {
        step(Tool::Artifacts(Artifacts::Download {
            paths: vec!["mine".to_owned()],
            from: Vec::new(),
            destination: Some("link".to_owned()),
        }))
    };
    let mine = || {
        step(Tool::Artifacts(Artifacts::Upload {
            paths: vec!["mine".to_owned()],
        }))
    };
    bench.run(job(vec![shell("echo x > mine"), mine()])).await;
    for (name, tool) in [
        ("upload", &upload as &dyn Fn() -> _),
        ("collect", &collect),
        ("download", &download),
    ] {
        let mut answers = Vec::new();
        // The last leads through what is closed and back again.
        for target in [
            "file",
            "folder",
            "absent",
            "folder/../..$PWD/mine",
            "absent/../..$PWD/mine",
        ] {
            let link = shell(&format!("echo x > mine; ln -s \"{closed}/{target}\" link"));
            let record = bench.run(job(vec![link, tool()])).await;
            assert_eq!(record.steps(), [Success, Failed], "{name} of {target}");
            let lines = record.lines(Stream::Agent).into_iter();
            let lines: Vec<_> = lines.filter(|line| !line.contains("Running in")).collect();
            answers.push((target, record.finished().unwrap().2, lines));
        }
        let (_, message, lines) = &answers[0];
        for (target, other_message, other_lines) in &answers {
            assert_eq!(
                (other_message, other_lines),
                (message, lines),
                "{name} of {target}"
            );
        }
    }
}

#[tokio::test]
async fn a_step_reaches_its_workspace_in_a_folder_that_is_closed_to_its_user_and_sees_nothing_else_there() {
    let name =
        "a_step_reaches_its_workspace_in_a_folder_that_is_closed_to_its_user_and_sees_nothing_else_there";
    if !is_root(name) || !has_namespaces(name) {
        return;
    }
    let closed = tempfile::tempdir_in("/var/lib").unwrap();
    std::fs::set_permissions(closed.path(), PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(closed.path().join("key"), "secret").unwrap();
    let bench = Bench::start_with(|config| {
        config.identity = SOMEBODY;
        config.folder = closed.path().join("agent");
    });
    let record = bench
        .run(script(&format!(
            "echo mine > file && cat file; ls {0}; ls {0}/agent; cat {0}/key || echo closed",
            closed.path().display()
        )))
        .await;
    assert_eq!(
        record.lines(Stream::Output),
        ["mine", "agent", "jobs", "closed"],
        "{:#?}",
        record.log
    );
}

/// Whether this user may make namespaces; says loudly that a test did not run where not.
pub(crate) fn has_namespaces(test: &str) -> bool {
    let mut unshare = std::process::Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        unshare.arg("-U");
    }
    let output = unshare.args(["-m", "-p", "-f", "--mount-proc", "true"]).output();
    let has_namespaces = output.is_ok_and(|output| output.status.success());
    if !has_namespaces {
        println!("skipped: {test}: this user may make no namespaces");
    }
    has_namespaces
}

/// A folder that no private `/tmp` hides: beside the tests' program.
pub(crate) fn outside_of_tmp() -> tempfile::TempDir {
    tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap()
}

/// The strongest identity that the tests' user can give to several slots.
pub(crate) fn several(config: &mut keirin_agent::Config) {
    config.slots = 2;
    config.identity = match nix::unistd::geteuid().is_root() {
        true => RunAs::Range("1899000000-1899000999".parse().unwrap()),
        false => RunAs::Guarded,
    };
}

/// One job waits, and shows what can be found of it; another looks for it.
#[tokio::test]
async fn jobs_at_the_same_time_find_nothing_of_each_other() {
    let name = "jobs_at_the_same_time_find_nothing_of_each_other";
    if !has_namespaces(name) {
        return;
    }
    let bench = Bench::start_with(several);
    let mut secret = script(
        "id -u; pwd; id -un; echo mine > file; touch /tmp/keirin-secret /var/tmp/keirin-secret /dev/shm/keirin-secret
        echo $KEIRIN_SANDBOX_TEST; exec sleep 1000",
    );
    secret
        .job
        .env
        .insert("KEIRIN_SANDBOX_TEST".to_owned(), "waiting".to_owned());
    let first = bench.give(secret);
    bench.server.line(first, "waiting").await;
    let lines = bench.server.state().attempts[&first].lines(Stream::Output);
    let (uid, work) = (&lines[0], &lines[1]);
    let record = bench
        .run(script(&format!(
            "id -u; cat {work}/file || echo no file; ls -d {work} || echo no folder
            for f in /tmp /var/tmp /dev/shm; do ls $f/keirin-secret || echo not in $f; done
            cat /proc/[0-9]*/environ | grep -c KEIRIN_SANDBOX_TEST || true
            cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'slee[p] 1000' || true
            kill -9 -1 || true; echo still here"
        )))
        .await;
    let seen = record.lines(Stream::Output);
    let expected = [
        "no file",
        "no folder",
        "not in /tmp",
        "not in /var/tmp",
        "not in /dev/shm",
        "0",
        "0",
        "still here",
    ];
    assert_eq!(seen[1..], expected, "{:#?}", record.log);
    if nix::unistd::geteuid().is_root() {
        assert_ne!(*uid, seen[0], "each slot has a user of its own");
        assert_eq!(lines[2], "keirin-job");
    }
    assert!(
        bench.server.state().attempts[&first].finished().is_none(),
        "it lives on"
    );
}

/// Hides as well as a process can: no environment, no folder, no group or session of the job's, no parent.
const HIDE: &str =
    "env -i PATH=\"$PATH\" setsid sh -c 'cd /; echo hidden-'$$'; exec sleep 1000' > hidden 2>&1 < /dev/null &
    until [ -s hidden ]; do :; done";

#[tokio::test]
async fn what_hides_from_a_job_that_others_run_beside_ends_with_it() {
    let name = "what_hides_from_a_job_that_others_run_beside_ends_with_it";
    if !has_namespaces(name) {
        return;
    }
    let bench = Bench::start_with(several);
    let other = bench.give(script("echo ready; exec sleep 1000"));
    bench.server.line(other, "ready").await;
    let record = bench.run(script(&HIDE.replace("sleep 1000", &sleep(1357)))).await;
    assert_eq!(record.finished().unwrap().0, Success);
    let said = record.lines(Stream::Agent);
    assert_eq!(
        said.last().unwrap(),
        "Ended 1 process that the job had left running."
    );
    assert!(!runs(&sleep(1357)));
    assert!(
        bench.server.state().attempts[&other].finished().is_none(),
        "the other job goes on"
    );
}

/// An agent dies only with its process, so this test runs itself again as one.
#[tokio::test]
async fn nothing_of_a_job_outlives_an_agent_that_is_killed() {
    const ALONE: &str = "KEIRIN_TEST_ALONE";
    let name = "nothing_of_a_job_outlives_an_agent_that_is_killed";
    if !has_namespaces(name) {
        return;
    }
    if let Ok(commands) = std::env::var(ALONE) {
        let (hidden, step) = commands.split_once(',').unwrap();
        let bench = Bench::start_with(several);
        let attempt = bench.give(script(&format!(
            "{}; echo ready; exec {step}",
            HIDE.replace("sleep 1000", hidden)
        )));
        bench.server.line(attempt, "ready").await;
        println!("job runs");
        return std::future::pending().await;
    }
    let jobs = [sleep(1358), sleep(1359)];
    let mut agent = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("isolation::{name}"), "--nocapture"])
        .env(ALONE, jobs.join(","))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(agent.stdout.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().contains("job runs")));
    until("the job runs", || jobs.iter().all(|job| runs(job))).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
    // Nobody but the kernel is left to end them, and it takes its moment.
    until("they have ended", || !jobs.iter().any(|job| runs(job))).await;
}

#[tokio::test]
async fn a_guarded_step_writes_only_in_its_workspace_and_reads_nothing_closed() {
    let data = outside_of_tmp();
    std::fs::write(data.path().join("key"), "secret").unwrap();
    let beside = outside_of_tmp();
    std::fs::write(beside.path().join("open"), "readable").unwrap();
    // The agent's folder lies in the closed one, as it does where one machine has both.
    let bench = Bench::start_with(|config| {
        config.identity = RunAs::Guarded;
        config.closed = vec![data.path().to_owned()];
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

/// A script that says whether it reaches a socket.
fn call(path: &std::path::Path) -> String {
    let program = "socket(S, PF_UNIX, SOCK_STREAM, 0); exit !connect(S, sockaddr_un($ARGV[0]))";
    format!(
        "perl -MSocket -e '{program}' {} && echo connected || echo not connected",
        path.display()
    )
}

#[tokio::test]
async fn a_job_cannot_speak_to_the_programs_of_its_user_unless_the_agent_s_owner_lets_it() {
    let name = "a_job_cannot_speak_to_the_programs_of_its_user_unless_the_agent_s_owner_lets_it";
    if !has_namespaces(name) {
        return;
    }
    let Ok(session) = tempfile::tempdir_in("/run/user") else {
        println!("skipped: {name}: this user may make no folder in /run/user");
        return;
    };
    let socket = session.path().join("bus");
    let _listener = UnixListener::bind(&socket).unwrap();
    for (writable, expected) in [
        (Vec::new(), "not connected"),
        (vec![PathBuf::from("/run/user")], "connected"),
    ] {
        let bench = Bench::start_with(|config| {
            config.identity = RunAs::Guarded;
            config.writable = writable;
        });
        let record = bench.run(script(&call(&socket))).await;
        assert_eq!(record.lines(Stream::Output), [expected], "{:#?}", record.log);
    }
}

#[tokio::test]
async fn a_guarded_step_cannot_call_a_closed_socket_where_a_namespace_can_be_made() {
    let name = "a_guarded_step_cannot_call_a_closed_socket_where_a_namespace_can_be_made";
    if !has_namespaces(name) {
        return;
    }
    let (data, beside) = (outside_of_tmp(), outside_of_tmp());
    let (closed, open) = (data.path().join("socket"), beside.path().join("socket"));
    let _listeners = [&closed, &open].map(|path| UnixListener::bind(path).unwrap());
    let bench = Bench::start_with(|config| {
        config.identity = RunAs::Guarded;
        config.closed = vec![data.path().to_owned()];
    });
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
async fn a_sandbox_that_cannot_be_started_stops_the_agent() {
    let bench = Bench::start_with(|config| {
        config.identity = RunAs::Guarded;
        config.sandbox = SandboxProgram {
            program: PathBuf::from("/no/such/program"),
            arguments: Vec::new(),
        };
    });
    let Err(AgentError::NotGuarded { reason }) = bench.shut_down(Shutdown::Running).await else {
        panic!("it started without a sandbox")
    };
    assert!(reason.contains("/no/such/program"), "{reason}");
}

/// A machine where namespaces are closed, as in many containers: jobs have users, and nothing else keeps them apart.
fn users_alone(config: &mut keirin_agent::Config) {
    several(config);
    config.namespaces = Namespaces::None;
}

#[tokio::test]
async fn without_namespaces_the_end_of_one_job_leaves_those_alone_that_just_start() {
    if !is_root("without_namespaces_the_end_of_one_job_leaves_those_alone_that_just_start") {
        return;
    }
    let bench = Bench::start_with(users_alone);
    let attempts: Vec<_> = (0..40).map(|_| bench.give(script("true"))).collect();
    for attempt in attempts {
        let record = bench.server.finished(attempt).await;
        assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.finished());
    }
}

#[tokio::test]
async fn what_else_a_named_user_runs_outlives_the_jobs_that_run_as_that_user() {
    let name = "what_else_a_named_user_runs_outlives_the_jobs_that_run_as_that_user";
    if !is_root(name) {
        return;
    }
    for namespaces in [Namespaces::Full, Namespaces::Mounts, Namespaces::None] {
        let mut other = std::process::Command::new("setpriv")
            .args([
                "--reuid=54321",
                "--regid=54321",
                "--clear-groups",
                "sh",
                "-c",
                "echo ready; exec sleep 1000",
            ])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut word = [0; 5];
        std::io::Read::read_exact(other.stdout.as_mut().unwrap(), &mut word).unwrap();
        let bench = Bench::start_with(|config| {
            config.identity = SOMEBODY;
            config.namespaces = namespaces;
        });
        let record = bench.run(script("id -u")).await;
        assert_eq!(record.lines(Stream::Output), ["54321"]);
        bench.shut_down(Shutdown::Stop).await.unwrap();
        assert_eq!(other.try_wait().unwrap(), None, "{namespaces:?}");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}

/// The sandbox's program on a kernel without Landlock: a filter answers its system calls as such a kernel does.
fn without_landlock() -> SandboxProgram {
    let prctl = match std::env::consts::ARCH {
        "aarch64" => 167,
        _ => 157,
    };
    // Load the call's number; from 444 to 446 it is Landlock's and gets ENOSYS, any other is allowed.
    let filter = format!(
        "$f = pack('(SCCL)*', 0x20,0,0,0, 0x35,0,2,444, 0x25,1,0,446, 6,0,0,0x00050026, 6,0,0,0x7fff0000);
        $p = pack('S x![P] P', 5, $f);
        syscall({prctl}, 38, 1, 0, 0, 0); syscall({prctl}, 22, 2, $p) == 0 or die $!; exec @ARGV or die $!"
    );
    let program = sandbox().program;
    SandboxProgram {
        program: PathBuf::from("/usr/bin/perl"),
        arguments: vec!["-e".into(), filter.into(), program.into()],
    }
}

#[tokio::test]
async fn without_landlock_too_a_job_writes_only_in_its_folders() {
    let name = "without_landlock_too_a_job_writes_only_in_its_folders";
    if !has_namespaces(name) {
        return;
    }
    let (beside, cache) = (outside_of_tmp(), outside_of_tmp());
    for open in [&beside, &cache] {
        std::fs::set_permissions(open.path(), PermissionsExt::from_mode(0o777)).unwrap();
    }
    for namespaces in [Namespaces::Full, Namespaces::Mounts] {
        let bench = Bench::start_with(|config| {
            several(config);
            config.sandbox = without_landlock();
            config.namespaces = namespaces;
            config.writable = vec![cache.path().to_owned()];
        });
        let file = format!("keirin-{namespaces:?}");
        let record = bench
            .run(script(&format!(
                "for place in {} /dev/mqueue /var/lock /run/lock; do
                    ! echo x > $place/{file} || echo written in $place
                done
                for place in . $HOME $TMPDIR /tmp /var/tmp /dev/shm {}; do echo x > $place/{file}; done
                echo x > /dev/null; cat {file}",
                beside.path().display(),
                cache.path().display(),
            )))
            .await;
        assert_eq!(
            record.lines(Stream::Output),
            ["x"],
            "{namespaces:?}: {:#?}",
            record.log
        );
        assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
    }
    assert_eq!(std::fs::read_dir(beside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_temporary_folder_that_is_a_link_is_the_job_s_own_too() {
    let name = "a_temporary_folder_that_is_a_link_is_the_job_s_own_too";
    if !is_root(name) || !has_namespaces(name) {
        return;
    }
    let shared = outside_of_tmp();
    if shared.path().starts_with("/var") {
        println!("skipped: {name}: the tests themselves lie below /var, which this one covers");
        return;
    }
    std::fs::set_permissions(shared.path(), PermissionsExt::from_mode(0o777)).unwrap();
    // A machine whose /var/tmp leads elsewhere, in a namespace of its own.
    let machine = format!(
        "mount -t tmpfs none /var; ln -s {} /var/tmp; exec \"$0\" \"$@\"",
        shared.path().display()
    );
    let bench = Bench::start_with(|config| {
        several(config);
        let program = config.sandbox.program.clone();
        config.sandbox = SandboxProgram {
            program: PathBuf::from("/usr/bin/unshare"),
            arguments: vec![
                "-m".into(),
                "sh".into(),
                "-ec".into(),
                machine.into(),
                program.into(),
            ],
        };
    });
    let record = bench
        .run(script(
            "echo mine > /var/tmp/file; cat /var/tmp/file; ls /var/tmp",
        ))
        .await;
    assert_eq!(
        record.lines(Stream::Output),
        ["mine", "file"],
        "{:#?}",
        record.log
    );
    assert_eq!(std::fs::read_dir(shared.path()).unwrap().count(), 0);
}
