//! What somebody new sees: an empty folder, a link, a project, a flow with its log, its results and its files.

use std::fs;
use std::path::Path;

use futures::TryStreamExt as _;
use keirin_client::{FlowQuery, LogLinesQuery};
use keirin_model::{Outcome, State};
use keirin_wire::log::Stream;

use crate::whole_program::repository::Repository;
use crate::whole_program::server::Server;
use crate::whole_program::story::{PROJECT, Story, client, http, only_job};
use crate::whole_program::world::{World, poll_async};

const WORKFLOW: &str = r#"
keirin: 1
params:
  name: { type: string, default: world }
stages:
  work:
    jobs:
      work:
        env: { NAME: "${{ params.name }}" }
        steps:
          - git: .
          - run: |
              echo "Hello, $NAME."
              echo "beware" >&2
              printf 'no end'
          - run: |
              mkdir -p dist reports
              printf 'two\nlines\n' > dist/text
              head -c 300000 /dev/zero > dist/zeros
              cat > reports/a.xml <<END
              <testsuite name="suite">
              <testcase classname="sum" name="right" time="0.5"/>
              <testcase classname="sum" name="wrong"><failure message="off by one"/></testcase>
              <testcase classname="sum" name="later"><skipped/></testcase>
              </testsuite>
              END
              cat .keirin.yaml | head -n 1
          - junit_collect: "reports/*.xml"
          - artifacts: { upload: "dist/*" }
"#;

#[tokio::test]
async fn from_an_empty_folder_to_logs_results_and_artifacts() {
    let mut story = Story::begin(WORKFLOW.trim_start()).await;
    let flow = story.start_with(&[("name", "Ada".to_owned())]).await;
    assert_eq!((flow.number, flow.outcome), (1, None));
    let flow = story.finished(flow.id).await;
    assert_eq!(
        (flow.state, flow.outcome),
        (State::Finished, Some(Outcome::Success))
    );
    let commit = story.repository().git(&["rev-parse", "HEAD"]);
    assert_eq!(flow.commit.as_deref(), Some(commit.as_str()));

    let job = only_job(&flow);
    assert_eq!(job.attempts.len(), 1);
    assert!(
        job.steps
            .iter()
            .all(|step| step.outcome == Some(Outcome::Success))
    );
    assert_eq!(story.output(job).await, ["Hello, Ada.", "no end", "keirin: 1"]);
    assert_eq!(story.lines(job, Stream::Error).await, ["beware"]);

    let results = story.client.test_results(flow.id).await.unwrap();
    let counts = results.counts;
    assert_eq!(
        (counts.passed, counts.failed, counts.errors, counts.skipped),
        (1, 1, 0, 1)
    );
    assert_eq!(results.items[0].result.name, "wrong", "failed ones come first");
    assert_eq!(results.items[0].result.message.as_deref(), Some("off by one"));

    let kept = story.client.artifacts(flow.id).await.unwrap().items;
    let names: Vec<_> = kept.iter().map(|file| (file.path.as_str(), file.size)).collect();
    assert_eq!(names, [("dist/text", 10), ("dist/zeros", 300_000)]);
    let pieces = story.client.download(kept[0].id).await.unwrap();
    let pieces: Vec<_> = pieces.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"two\nlines\n");

    let postgres = story.world.postgres().unwrap();
    assert!(story.server.stop().success());
    assert_eq!(
        story.world.postgres(),
        None,
        "PostgreSQL {postgres} ends with the server"
    );
    assert_eq!(story.world.processes(), [], "nothing is left running");
    assert!(!story.world.data().join("local.json").exists());
}

#[tokio::test]
async fn a_project_that_is_removed_leaves_no_file() {
    let story = Story::begin(WORKFLOW.trim_start()).await;
    let flow = story.run().await;
    let job = only_job(&flow).id;
    let folder = story.world.data().join("objects");
    assert!(files(&folder) > 1, "there are artifacts, at least");

    story.client.remove_project(PROJECT).await.unwrap();
    // What is left says whose the storage is.
    let is_empty = async || (files(&folder) == 1 && folder.join("owner").exists()).then_some(());
    poll_async("all files of the project are gone", is_empty).await;
    let gone = story
        .client
        .log(job, &LogLinesQuery::default())
        .await
        .unwrap_err();
    assert_eq!(gone.problem().map(|problem| problem.status), Some(404), "{gone}");
}

/// How many files lie in a folder and the folders in it.
fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { files(&path) } else { 1 })
        .sum()
}

#[tokio::test]
async fn where_the_local_address_is_said_the_server_takes_work() {
    let mut story = Story::begin(&crate::whole_program::story::one_job("true")).await;
    let (listen, file) = (story.listen(), story.world.data().join("local.json"));
    let answers = async |path: &str| {
        let answer = http().get(story.url.join(path).unwrap()).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    assert!(file.exists() && answers("/readyz").await);

    // A server that is killed leaves the file; the next one takes it away before it can be reached.
    let token = story.local_token();
    story.server.kill();
    assert!(file.exists());
    let next = Server::spawn(&story.world, &listen);
    poll_async("the next server answers", async || {
        answers("/healthz").await.then_some(())
    })
    .await;
    poll_async("the next server says where it is", async || {
        if !file.exists() {
            return None;
        }
        if answers("/readyz").await {
            return Some(());
        }
        // On a machine that stands still for a while it may have lost its lead since.
        poll_async("a server that takes no work says no address", async || {
            (!file.exists()).then_some(())
        })
        .await;
        None
    })
    .await;
    next.ready();
    assert_eq!(story.local_token(), token, "commands that wait go on");
}

#[tokio::test]
async fn the_sign_in_link_works_once() {
    let story = Story::begin(&crate::whole_program::story::one_job("true")).await;
    let said = story.server.hear("Sign in with this link");
    let link = said.rsplit(' ').next().unwrap();
    let http = http();
    let shown = http.get(link).send().await.unwrap();
    assert!(shown.status().is_success() && shown.headers().get("set-cookie").is_none());
    let first = http.post(link).send().await.unwrap();
    assert_eq!(first.status(), 303);
    let cookie = first.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly"), "{cookie}");
    let session = cookie.split(';').next().unwrap();
    let me = story.url.join("/api/v1/me").unwrap();
    let me = http.get(me).header("cookie", session).send().await.unwrap();
    assert!(me.status().is_success());

    let second = http.post(link).send().await.unwrap();
    assert!(second.headers().get("set-cookie").is_none());
    let goes_to = second.headers()["location"].to_str().unwrap();
    assert!(goes_to.ends_with("/sign-in?link=used"), "{goes_to}");
}

/// What `make run` does with the checkout that it is called in.
#[tokio::test]
async fn a_repository_that_is_named_at_the_start_is_a_project_with_a_flow() {
    let world = World::new();
    let workflow =
        "keirin: 1\nstages: { s: { jobs: { j: { steps: [ { git: . }, { run: cat .keirin.yaml } ] } } } }\n";
    let repository = Repository::new(&world, "checkout", workflow);
    let path = repository.path.to_str().unwrap();
    let server = Server::spawn_with(&world, "127.0.0.1:0", &["--demo", path]);
    server.ready();
    server.hear("Started the first flow of checkout.");
    let client = client(&world).await;
    let finished = poll_async("the first flow has ended", async || {
        let flows = client
            .flows(Some("checkout"), &FlowQuery::default())
            .await
            .unwrap();
        flows.items.into_iter().find(|flow| flow.state == State::Finished)
    });
    assert_eq!(finished.await.outcome, Some(Outcome::Success));
}

#[tokio::test]
async fn a_repository_that_cannot_be_shown_ends_the_start_and_leaves_nothing_running() {
    let world = World::new();
    for (folder, reason) in [("absent", "absent"), ("shared", "is no git repository")] {
        let path = world.path().join(folder);
        let mut server = Server::spawn_with(&world, "127.0.0.1:0", &["--demo", path.to_str().unwrap()]);
        assert_eq!(server.ended().code(), Some(1));
        let said = server.hear("error: ");
        assert!(said.contains("--demo") && said.contains(reason), "{said}");
        assert_eq!(world.processes(), [], "nothing is left running");
    }
}
