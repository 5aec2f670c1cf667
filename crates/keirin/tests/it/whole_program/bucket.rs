//! A server that keeps its objects in a bucket: nothing lies in the folder, and everything is there after a restart.

use futures::TryStreamExt as _;
use keirin_model::Outcome;
use url::Url;

use crate::whole_program::server::Server;
use crate::whole_program::story::{Story, client_at, only_job};
use crate::whole_program::world::{World, keirin};

const WORKFLOW: &str = r#"
keirin: 1
stages:
  work:
    jobs:
      work:
        steps:
          - run: |
              seq 1 5000
              printf 'two\nlines\n' > text
          - artifacts: { upload: text }
"#;

/// The bucket that the environment names, under a key that no other run has.
fn settings(world: &World) -> Vec<(&'static str, String)> {
    let read = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} names the server"));
    let unique = world.path().file_name().unwrap().to_str().unwrap();
    vec![
        ("KEIRIN_S3_ENDPOINT", read("KEIRIN_TEST_S3_ENDPOINT")),
        ("KEIRIN_S3_BUCKET", read("KEIRIN_TEST_S3_BUCKET")),
        ("KEIRIN_S3_PREFIX", format!("program/{unique}")),
        ("KEIRIN_S3_ACCESS_KEY_ID", read("KEIRIN_TEST_S3_ACCESS_KEY_ID")),
        (
            "KEIRIN_S3_SECRET_ACCESS_KEY",
            read("KEIRIN_TEST_S3_SECRET_ACCESS_KEY"),
        ),
    ]
}

/// A command about the server of this world.
fn command(world: &World, arguments: &[&str]) -> std::process::Command {
    let mut command = keirin();
    command
        .args(arguments)
        .arg("--data-dir")
        .arg(world.data())
        .current_dir(world.path())
        .envs(world.settings.iter().cloned());
    command
}

/// What a command says about the server of this world; the command succeeds.
fn told(world: &World, arguments: &[&str]) -> String {
    let output = command(world, arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{output:?}");
    text
}

#[tokio::test]
#[ignore = "a part of make test-platforms-ceph"]
async fn logs_and_artifacts_lie_in_a_bucket() {
    let mut world = World::new();
    world.settings = settings(&world);
    let mut story = Story::begin_in(world, WORKFLOW.trim_start()).await;
    let flow = story.run().await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let backup = story.world.path().join("backup");
    let backup = backup.to_str().unwrap().to_owned();
    let said = told(&story.world, &["admin", "backup", &backup]);
    assert!(said.contains("object"), "{said}");
    assert!(story.server.stop().success());
    assert!(
        !story.world.data().join("objects").exists(),
        "the folder of objects is not even made"
    );
    let said = told(&story.world, &["admin", "doctor"]);
    assert!(said.contains("the bucket keirin-test"), "{said}");
    let said = told(&story.world, &["admin", "config"]);
    let (_, secret) = story.world.settings.last().unwrap();
    assert!(
        said.contains("s3_secret_access_key") && !said.contains(secret),
        "{said}"
    );

    // Restored into another key of the bucket, on another data folder: all of it came along.
    let mut other = World::new();
    other.settings = settings(&other);
    told(&other, &["admin", "restore", &backup]);
    let server = Server::spawn(&other, "127.0.0.1:0");
    let url: Url = server.ready();
    let local = std::fs::read(other.data().join("local.json")).unwrap();
    let local: serde_json::Value = serde_json::from_slice(&local).unwrap();
    story.client = client_at(&url, local["token"].as_str());
    let job = only_job(&flow);
    let expected: Vec<String> = (1..=5000).map(|number| number.to_string()).collect();
    assert_eq!(story.output(job).await, expected);
    let kept = story.client.artifacts(flow.id).await.unwrap().items;
    let pieces = story.client.download(kept[0].id).await.unwrap();
    let pieces: Vec<_> = pieces.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"two\nlines\n");

    // A copy that is set up as the original was looks at the original's objects, and is not to remove any.
    let mut copy = World::new();
    copy.settings.clone_from(&story.world.settings);
    told(&copy, &["admin", "restore", &backup]);
    let doctor = |world: &World| {
        let mut command = command(world, &["admin", "doctor"]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(
        doctor(&copy).contains("belongs to another database"),
        "{}",
        doctor(&copy)
    );
    told(&copy, &["admin", "storage", "claim"]);
    assert!(!doctor(&copy).contains("belongs to another database"));
    assert!(doctor(&story.world).contains("belongs to another database"));
}

#[tokio::test]
#[ignore = "a part of make test-platforms-ceph"]
async fn a_wrong_key_to_the_bucket_is_told_at_the_start() {
    let mut world = World::new();
    world.settings = settings(&world);
    world.settings.last_mut().unwrap().1 = "another".to_owned();
    let server = Server::spawn(&world, "127.0.0.1:0");
    let said = server.hear("objects cannot be kept in the bucket keirin-test");
    assert!(!said.contains("another"), "{said}");
}
