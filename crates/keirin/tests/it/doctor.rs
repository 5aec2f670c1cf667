//! `keirin admin doctor`: what it finds, and what it tries.
use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::unistd::{User, geteuid};
use serde_json::Value;
use tempfile::TempDir;

use crate::admin::{Server, on};
use crate::world::{clean, said};

/// What the doctor says of each thing.
fn examined(data: &Path, arguments: &[&str]) -> (i32, BTreeMap<String, Value>) {
    let said = on(data, &[&["admin", "doctor", "--json"], arguments].concat());
    let found: Value = serde_json::from_str(&said.output).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let checks = found["items"].as_array().unwrap().iter();
    let checks = checks.map(|check| (check["name"].as_str().unwrap().to_owned(), check.clone()));
    (said.exit, checks.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong_and_nothing_where_all_is_well() {
    let home: TempDir = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let nobody = examined(&data, &[]);
    assert_eq!(nobody.0, 1, "{nobody:?}");
    assert_eq!(nobody.1["data folder"]["state"], "problem");
    assert!(!data.exists(), "the doctor makes nothing");

    let server = Server::start(home.path(), &data);
    // The local agent takes a moment to make itself known.
    let begun = Instant::now();
    let mut checks = examined(&data, &["--listen", "127.0.0.1:0"]).1;
    while checks["local agent"]["state"] != "ok" && begun.elapsed() < Duration::from_secs(60) {
        checks = examined(&data, &["--listen", "127.0.0.1:0"]).1;
    }
    for (name, check) in &checks {
        let expected = if name == "backups" { "skipped" } else { "ok" };
        // Whether the page was built before the program is not for this test to say.
        assert!(name == "web page" || check["state"] == expected, "{check}");
    }
    let leader = checks["leader"]["found"].as_str().unwrap();
    assert!(
        leader.contains(&format!("({})", server.child.id())) && leader.contains(" since "),
        "{leader}"
    );
    let (url, _) = server.local();
    let port = url.rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    let address = format!("127.0.0.1:{port}");
    let (_, checks) = examined(&data, &["--listen", &address]);
    assert_eq!(checks["address"]["state"], "ok", "{checks:?}");
    drop(server);

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let former = data.join("master.key.before-restore");
    std::fs::write(&former, [3; 32]).unwrap();
    let (_, checks) = examined(&data, &[]);
    let key = &checks["master key"];
    assert!(key["found"].as_str().unwrap().contains("broken off"), "{key}");
    std::fs::remove_file(&former).unwrap();
    std::fs::write(data.join("master.key"), b"short").unwrap();
    let (exit, checks) = examined(&data, &["--listen", &address]);
    assert_eq!(exit, 1);
    for name in ["data folder", "master key", "address"] {
        assert_eq!(checks[name]["state"], "problem", "{}", checks[name]);
    }
    assert!(
        checks["data folder"]["advice"]
            .as_str()
            .unwrap()
            .starts_with("chmod 700 ")
    );
    assert_eq!(checks["leader"]["found"], "nobody leads: no server runs");
    assert!(!data.join("postgres/postmaster.pid").exists());
    let table = on(&data, &["admin", "doctor", "--listen", &address]);
    assert!(
        table.output.contains("✘ problem") && table.output.contains("chmod 700"),
        "{table:?}"
    );
}

#[test]
fn the_doctor_tries_jobs_of_an_ordinary_user_too() {
    const NAME: &str = "the_doctor_tries_jobs_of_an_ordinary_user_too";
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = clean(home.path());
    if geteuid().is_root() {
        let Some(nobody) = User::from_name("nobody").unwrap() else {
            println!("skipped: {NAME}: there is no user `nobody`");
            return;
        };
        let (user, group) = (nobody.uid.as_raw(), nobody.gid.as_raw());
        let tried = clean(home.path())
            .arg("--version")
            .current_dir("/")
            .uid(user)
            .gid(group)
            .output();
        if !tried.is_ok_and(|output| output.status.success()) {
            println!("skipped: {NAME}: user {user} cannot reach the built program");
            return;
        }
        for folder in [home.path(), &data] {
            chown(folder, Some(user), Some(group)).unwrap();
        }
        command.uid(user).gid(group);
    }
    command
        .args(["admin", "doctor", "--json", "--data-dir"])
        .arg(&data);
    assert_jobs_are_isolated(command, "held to its workspace");
    let left: Vec<_> = std::fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.iter().all(|name| name == "objects"), "{left:?}");
}

/// As in many containers: root without the right to make namespaces, and with a umask that opens nothing to others.
#[test]
fn the_doctor_tries_jobs_where_root_may_make_no_namespaces() {
    const NAME: &str = "the_doctor_tries_jobs_where_root_may_make_no_namespaces";
    if !geteuid().is_root() {
        println!("skipped: {NAME}: only root can give up a right of root");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    let program = clean(home.path());
    let mut command = std::process::Command::new("sh");
    let limited = "umask 077; exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin \"$0\" admin doctor --json --data-dir \"$1\"";
    command
        .args(["-c", limited])
        .arg(program.get_program())
        .arg(&data)
        .env("HOME", home.path());
    assert_jobs_are_isolated(command, "without namespaces");
}

/// The doctor, called like this, finds that jobs are kept apart, and says so in these words.
fn assert_jobs_are_isolated(doctor: std::process::Command, words: &str) {
    let said = said(doctor, "");
    let found: Value = serde_json::from_str(&said.output).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let checks = found["items"].as_array().unwrap();
    let isolation = checks
        .iter()
        .find(|check| check["name"] == "isolation of jobs")
        .unwrap();
    assert_eq!(isolation["state"], "ok", "{isolation}");
    assert!(
        isolation["found"].as_str().unwrap().contains(words),
        "{isolation}"
    );
}
