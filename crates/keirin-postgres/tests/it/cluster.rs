//! The private PostgreSQL: started, shared, killed, and refused with a word on what to do.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use keirin_postgres::{Cluster, ClusterError, ClusterOptions, PostgresSearch};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use sqlx::{ConnectOptions, Connection, PgPool};

/// Tells a test that was started by another one where to work.
const FOLDER: &str = "KEIRIN_TEST_CLUSTER_FOLDER";

/// An account that exists everywhere and owns nothing.
const NOBODY: u32 = 65534;

fn options(folder: impl Into<PathBuf>) -> ClusterOptions {
    ClusterOptions {
        // Where the system has none, the copy that the set-up lays beside the tests' programs.
        search: PostgresSearch {
            beside: Some(program_folder()),
            ..PostgresSearch::default()
        },
        durable: false,
        ..ClusterOptions::new(folder)
    }
}

fn program_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().unwrap().to_owned()
}

async fn works(cluster: &Cluster) {
    let mut connection = cluster.connect_options().connect().await.unwrap();
    let database: String = sqlx::query_scalar("select current_database()")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(database, "keirin");
    connection.close().await.unwrap();
}

fn skipped(test: &str, why: &str) {
    println!("skipped: {test}: {why}");
}

#[tokio::test]
async fn the_first_starts_it_the_others_join_and_the_last_stops_it() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("a folder, with \"odd\" signs");
    let first = Cluster::start_or_join(options(&folder)).await.unwrap();
    assert!(!first.joined());
    works(&first).await;
    let pid = first.pid().unwrap().expect("it runs");
    assert!(
        format!("{first:?}").contains("Password"),
        "the password itself is not shown"
    );

    let second = Cluster::start_or_join(options(&folder)).await.unwrap();
    assert!(second.joined());
    assert_eq!(second.pid().unwrap(), Some(pid));
    works(&second).await;

    assert!(!first.stop().await.unwrap(), "the second still uses it");
    assert_eq!(second.pid().unwrap(), Some(pid));
    works(&second).await;
    assert!(second.stop().await.unwrap());
    assert_eq!(second.pid().unwrap(), None);

    let third = Cluster::start_or_join(options(&folder)).await.unwrap();
    assert!(!third.joined());
    works(&third).await;
    assert!(third.stop().await.unwrap());
}

#[tokio::test]
async fn two_that_start_at_once_get_the_same_one() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = tokio::join!(
        Cluster::start_or_join(options(folder.path())),
        Cluster::start_or_join(options(folder.path())),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.joined() != two.joined());
    assert_eq!(one.pid().unwrap(), two.pid().unwrap());
    assert!(!one.stop().await.unwrap());
    assert!(two.stop().await.unwrap());
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_one_elsewhere() {
    let temporary = tempfile::tempdir().unwrap();
    let runtime = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("long".repeat(40)).join("longer".repeat(40));
    let with_runtime = ClusterOptions {
        runtime_dir: Some(runtime.path().to_owned()),
        ..options(&folder)
    };
    let cluster = Cluster::start_or_join(with_runtime).await.unwrap();
    assert!(cluster.socket_folder().starts_with(runtime.path()));
    let mode = cluster.socket_folder().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    works(&cluster).await;
    // Another that knows of no such folder finds it all the same.
    let joined = Cluster::start_or_join(options(&folder)).await.unwrap();
    assert_eq!(joined.socket_folder(), cluster.socket_folder());
    cluster.stop().await.unwrap();
    joined.stop().await.unwrap();

    let without_runtime = Cluster::start_or_join(options(&folder)).await.unwrap();
    assert!(without_runtime.socket_folder().starts_with("/tmp"));
    works(&without_runtime).await;
    let socket_folder = without_runtime.socket_folder().to_owned();
    without_runtime.stop().await.unwrap();
    std::fs::remove_dir_all(socket_folder).unwrap();
}

#[tokio::test]
async fn a_folder_that_is_closed_to_others_will_do_and_others_cannot_get_in() {
    let temporary = tempfile::tempdir().unwrap();
    let closed = temporary.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let cluster = Cluster::start_or_join(options(closed.join("data")))
        .await
        .unwrap();
    works(&cluster).await;

    // Even where the folders above are open, the socket's own folder and the password are closed.
    std::fs::set_permissions(temporary.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
    if geteuid().is_root() {
        let password = closed.join("data/postgres.password");
        for (program, path) in [("ls", cluster.socket_folder()), ("cat", password.as_path())] {
            let tried = as_uid(program, NOBODY).arg(path).output().unwrap();
            assert!(!tried.status.success(), "{program} {}", path.display());
            let complaint = String::from_utf8_lossy(&tried.stderr).into_owned();
            assert!(complaint.contains("Permission denied"), "{complaint}");
        }
    } else {
        skipped("others_cannot_get_in", "only root can act as somebody else");
    }
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn postgres_that_is_killed_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Arc::new(Cluster::start_or_join(options(folder.path())).await.unwrap());
    let pool = PgPool::connect_with(cluster.connect_options()).await.unwrap();
    let keeper = tokio::spawn({
        let cluster = Arc::clone(&cluster);
        async move { cluster.keep_running().await }
    });
    let killed = cluster.pid().unwrap().expect("it runs");
    kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap();
    // Who was connected before finds the new one.
    loop {
        match sqlx::query("select 1").execute(&pool).await {
            Ok(_) if cluster.pid().unwrap().is_some_and(|pid| pid != killed) => break,
            _ => tokio::task::yield_now().await,
        }
    }
    pool.close().await;
    assert!(cluster.stop().await.unwrap());
    keeper.await.unwrap().unwrap();
}

#[tokio::test]
async fn one_that_a_killed_server_left_is_joined() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = other_server(folder.path());
    let pid = first_line(&mut server);
    server.kill().unwrap();
    server.wait().unwrap();
    let cluster = Cluster::start_or_join(options(folder.path())).await.unwrap();
    assert!(cluster.joined());
    assert_eq!(cluster.pid().unwrap().unwrap().to_string(), pid);
    works(&cluster).await;
    assert!(
        cluster.stop().await.unwrap(),
        "whoever was killed does not count any more"
    );
}

#[tokio::test]
async fn both_killed_at_once_leave_nothing_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = other_server(folder.path());
    let pid = first_line(&mut server);
    server.kill().unwrap();
    kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGKILL).unwrap();
    server.wait().unwrap();
    let cluster = Cluster::start_or_join(options(folder.path())).await.unwrap();
    assert!(!cluster.joined());
    works(&cluster).await;
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_lock_whose_number_belongs_to_another_process_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start_or_join(options(folder.path())).await.unwrap();
    let lock = folder.path().join("postgres/postmaster.pid");
    let text = std::fs::read_to_string(&lock).unwrap();
    let pid = cluster.pid().unwrap().expect("it runs").to_string();
    cluster.stop().await.unwrap();
    // As after a restart of the machine: the number is that of a live process that we may signal, but not PostgreSQL.
    std::fs::write(&lock, text.replacen(&pid, &std::process::id().to_string(), 1)).unwrap();
    let again = Cluster::start_or_join(options(folder.path())).await.unwrap();
    works(&again).await;
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_in_another_container_joins_by_the_socket() {
    let name = "a_server_in_another_container_joins_by_the_socket";
    if !geteuid().is_root() {
        skipped(name, "only root can start a process that sees no others");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start_or_join(options(folder.path())).await.unwrap();
    let contained = |test: &str| {
        as_uid("unshare", 0)
            .args(["--pid", "--fork", "--mount-proc", "--"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .output()
            .unwrap()
    };
    let joins = contained("cluster::helper_joins_from_a_container");
    assert!(
        joins.status.success(),
        "{}",
        String::from_utf8_lossy(&joins.stdout)
    );
    works(&cluster).await;

    // Where it cannot see the socket, it must not take the data for its own.
    let socket = cluster.socket_folder().join(".s.PGSQL.5432");
    let hidden = socket.with_extension("hidden");
    std::fs::rename(&socket, &hidden).unwrap();
    let refused = contained("cluster::helper_starts_and_stops");
    let text = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(!refused.status.success());
    assert!(
        text.contains("is in use by a server in another container"),
        "{text}"
    );
    std::fs::rename(&hidden, &socket).unwrap();
    works(&cluster).await;
    assert!(cluster.stop().await.unwrap());
}

/// Programs that only say their version.
fn fake_postgres(folder: &Path, version: &str) -> PathBuf {
    let bin = folder.join(version);
    std::fs::create_dir(&bin).unwrap();
    for program in ["postgres", "initdb"] {
        let path = bin.join(program);
        std::fs::write(
            &path,
            format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}.1'\n"),
        )
        .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin
}

#[tokio::test]
async fn data_of_an_older_version_gets_the_programs_of_that_version() {
    let folder = tempfile::tempdir().unwrap();
    let programs = tempfile::tempdir().unwrap();
    let newer = fake_postgres(programs.path(), "99");
    let cluster = Cluster::start_or_join(options(folder.path())).await.unwrap();
    cluster.stop().await.unwrap();

    let beside_newer = ClusterOptions {
        search: PostgresSearch {
            path: Some(newer.clone().into_os_string()),
            ..options(folder.path()).search
        },
        ..options(folder.path())
    };
    let again = Cluster::start_or_join(beside_newer).await.unwrap();
    works(&again).await;
    again.stop().await.unwrap();

    // Only the newer one is there.
    let only_newer = ClusterOptions {
        search: PostgresSearch {
            named: Some(newer.clone()),
            ..PostgresSearch::default()
        },
        ..options(folder.path())
    };
    let error = Cluster::start_or_join(only_newer).await.unwrap_err();
    let version = std::fs::read_to_string(folder.path().join("postgres/PG_VERSION")).unwrap();
    let message = error.to_string();
    assert!(matches!(error, ClusterError::OtherVersion { .. }), "{message}");
    for part in [
        format!("was made by PostgreSQL {}", version.trim()),
        format!("only 99 in {}", newer.display()),
        format!("apt-get install postgresql-{}", version.trim()),
        "--postgres-bin".to_owned(),
        "take a backup".to_owned(),
    ] {
        assert!(message.contains(&part), "`{part}` in: {message}");
    }
}

#[tokio::test]
async fn without_the_systems_postgres_the_copy_beside_the_program_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let beside = tempfile::tempdir().unwrap();
    let hidden = |beside: &Path| ClusterOptions {
        search: PostgresSearch {
            hide_system: true,
            beside: Some(beside.to_owned()),
            ..PostgresSearch::default()
        },
        ..options(folder.path())
    };
    let error = Cluster::start_or_join(hidden(beside.path())).await.unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("no PostgreSQL 15 or later was found (none at all)"),
        "{message}"
    );

    if !program_folder().join("postgres/bin/initdb").exists() {
        skipped(
            "without_the_systems_postgres_the_copy_beside_the_program_is_taken",
            "no copy of PostgreSQL lies beside the test; `scripts/postgres.sh --copy` fetches one",
        );
        return;
    }
    let cluster = Cluster::start_or_join(hidden(&program_folder())).await.unwrap();
    works(&cluster).await;
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_named_must_be_postgres() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = ClusterOptions {
        search: PostgresSearch {
            named: Some("/usr/share".into()),
            ..PostgresSearch::default()
        },
        ..options(folder.path())
    };
    assert_eq!(
        Cluster::start_or_join(wrong).await.unwrap_err().to_string(),
        "/usr/share holds no PostgreSQL that runs: there is no program `postgres` in it"
    );
}

#[tokio::test]
async fn an_ordinary_user_runs_it_as_itself() {
    run_as(NOBODY, "an_ordinary_user_runs_it_as_itself");
}

#[tokio::test]
async fn a_user_without_a_name_runs_it_in_a_namespace() {
    run_as(54_321, "a_user_without_a_name_runs_it_in_a_namespace");
}

#[tokio::test]
async fn root_runs_the_data_of_another_user_as_that_user() {
    let name = "root_runs_the_data_of_another_user_as_that_user";
    let Some(folder) = run_as(NOBODY, name) else {
        return;
    };
    let cluster = Cluster::start_or_join(options(folder.path())).await.unwrap();
    works(&cluster).await;
    let pid = cluster.pid().unwrap().expect("it runs");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let uids = status.lines().find(|line| line.starts_with("Uid:")).unwrap();
    assert!(uids.contains(&NOBODY.to_string()), "{uids}");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn the_data_of_another_user_is_not_touched() {
    let name = "the_data_of_another_user_is_not_touched";
    let Some(folder) = run_as(NOBODY, name) else {
        return;
    };
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = test_process("cluster::helper_starts_and_stops", folder.path(), 54_321)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success());
    assert!(
        text.contains("belongs to uid 65534, and this is uid 54321"),
        "{text}"
    );
}

/// Starts and stops a PostgreSQL in a process of this uid; gives the folder, unless that cannot be done here.
fn run_as(uid: u32, name: &str) -> Option<tempfile::TempDir> {
    if !geteuid().is_root() {
        skipped(name, "only root can act as somebody else");
        return None;
    }
    let program = std::env::current_exe().unwrap();
    let in_reach = as_uid("test", uid).arg("-x").arg(&program).status().unwrap();
    if !in_reach.success() {
        skipped(
            name,
            "the test's program lies in a folder that is closed to other users",
        );
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(folder.path(), Some(uid), Some(uid)).unwrap();
    let output = test_process("cluster::helper_starts_and_stops", folder.path(), uid)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Some(folder)
}

/// Another server on this folder; its first line is the number of PostgreSQL's process.
fn other_server(folder: &Path) -> Child {
    test_process("cluster::helper_stays", folder, geteuid().as_raw())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn first_line(server: &mut Child) -> String {
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let marked = lines
        .map(Result::unwrap)
        .find_map(|line| Some(line.split_once("pid ")?.1.to_owned()));
    marked.expect("the other server tells the number")
}

#[expect(clippy::disallowed_methods, reason = "a test that is several processes")]
fn as_uid(program: impl AsRef<OsStr>, uid: u32) -> Command {
    let mut command = Command::new(program);
    if geteuid().as_raw() != uid {
        command.uid(uid).gid(uid);
    }
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
    command
}

fn test_process(test: &str, folder: &Path, uid: u32) -> Command {
    let mut command = as_uid(std::env::current_exe().unwrap(), uid);
    command
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(FOLDER, folder);
    command
}

#[expect(clippy::disallowed_methods, reason = "a test that is several processes")]
fn told_folder() -> PathBuf {
    std::env::var_os(FOLDER)
        .expect("another test starts this one")
        .into()
}

#[tokio::test]
#[ignore = "a part of other tests, which start it in a process of its own"]
async fn helper_starts_and_stops() {
    let cluster = Cluster::start_or_join(options(told_folder()))
        .await
        .unwrap_or_else(|error| {
            println!("{error}");
            panic!("{error}");
        });
    works(&cluster).await;
    cluster.stop().await.unwrap();
}

#[tokio::test]
#[ignore = "a part of other tests, which start it in a process of its own"]
async fn helper_joins_from_a_container() {
    let cluster = Cluster::start_or_join(options(told_folder())).await.unwrap();
    assert!(cluster.joined());
    works(&cluster).await;
    assert!(!cluster.stop().await.unwrap());
}

#[tokio::test]
#[ignore = "a part of other tests, which start it in a process of its own"]
async fn helper_stays() {
    let cluster = Cluster::start_or_join(options(told_folder())).await.unwrap();
    println!("pid {}", cluster.pid().unwrap().unwrap());
    // Until the other test kills us.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
