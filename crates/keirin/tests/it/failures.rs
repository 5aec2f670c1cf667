//! What people are told when something does not work.

use std::net::TcpListener;
use std::process::Stdio;

use crate::world::{World, clean, said};

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_workflow_is_shown_at_its_line() {
    let world = World::with_workflow("keirin: 1\nstages:\n  build:\n    jbos: {}\n").await;
    let refused = world.keirin(&["flow", "start", "app"]);
    assert_eq!(refused.exit, 2, "{refused:?}");
    for expected in [".keirin.yaml:4:5", "4 |     jbos: {}", "jobs"] {
        assert!(
            refused.errors.contains(expected),
            "{expected}: {}",
            refused.errors
        );
    }
    assert_eq!(refused.output, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_named() {
    let workflow = "keirin: 1\nstages: { a: { jobs: { b: { steps: [ { run: 'true' } ] } } } }\n";
    let world = World::with_workflow(workflow).await;
    // The agent is there at the latest when it has run a job.
    assert_eq!(world.keirin(&["flow", "start", "app", "--wait"]).exit, 0);
    for (arguments, exit, expected) in [
        (["flow", "show", "17"], 1, "Not Found"),
        (["flow", "show", "app"], 2, "PROJECT#NUMBER"),
        (["flow", "start", "nowhere"], 1, "Not Found"),
        (["agent", "show", "nobody"], 1, "there is local"),
        (["log", "17", "--step"], 2, "--step"),
    ] {
        let refused = world.keirin(&arguments);
        assert_eq!(refused.exit, exit, "{arguments:?}: {refused:?}");
        assert!(
            refused.errors.contains(expected),
            "{arguments:?}: {}",
            refused.errors
        );
    }
}

#[test]
fn a_server_that_does_not_answer_is_told_from_one_that_is_not_known() {
    let home = tempfile::tempdir().unwrap();
    let mut nowhere = clean(home.path());
    nowhere.args(["flow", "list"]);
    let unknown = said(nowhere, "");
    assert_eq!(unknown.exit, 6, "{unknown:?}");
    assert!(unknown.errors.contains("keirin login URL"), "{unknown:?}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut gone = clean(home.path());
    gone.args(["flow", "list", "--json"])
        .env("KEIRIN_URL", &url)
        .env("KEIRIN_TOKEN", "some");
    let gone = said(gone, "");
    assert_eq!(gone.exit, 6, "{gone:?}");
    assert!(
        gone.errors.contains(&url) && gone.errors.contains("cannot be reached"),
        "{gone:?}"
    );
    assert!(!gone.errors.contains("some"), "{gone:?}");
    assert_eq!(gone.output, "");
}

/// Who starts it once with a wrong address has not lost what the right server knows the agent by.
#[test]
fn an_agent_that_no_server_answers_keeps_who_it_was() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("agent");
    std::fs::create_dir(&folder).unwrap();
    let registration = folder.join("registration.json");
    let known = r#"{"server":"https://ci.example.org/","name":"here","secret":"keirin_agent_known"}"#;
    std::fs::write(&registration, known).unwrap();
    let mut agent = clean(home.path())
        .args([
            "agent",
            "start",
            "--server",
            "http://127.0.0.1:9",
            "--name",
            "here",
            "--folder",
        ])
        .arg(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let proposed = folder.join("registration.proposed.json");
    while !proposed.exists() {
        assert_eq!(agent.try_wait().unwrap(), None, "it waits for its server");
    }
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert_eq!(std::fs::read_to_string(&registration).unwrap(), known);
    let drawn = std::fs::read_to_string(&proposed).unwrap();
    assert!(
        !drawn.contains("keirin_agent_known"),
        "and tells it to no other: {drawn}"
    );
}
