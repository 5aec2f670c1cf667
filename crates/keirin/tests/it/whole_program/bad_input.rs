//! What is wrong, odd or hostile gets a clear answer, and nothing else is harmed.

use keirin_client::ClientError;
use keirin_model::Outcome;
use keirin_wire::api::{Flow, Problem, Severity, StartFlow};
use keirin_wire::log::Stream;

use crate::whole_program::repository::{Repository, in_world};
use crate::whole_program::story::{Story, admin_token, client_at, http, indented, one_job, only_job};
use crate::whole_program::world::{World, keirin, poll_async};

fn problem<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Problem {
    result.unwrap_err().problem().expect("a problem document").clone()
}

const MALFORMED: &str = "\
keirin: 1
stages:
  work:
    jobs:
      work:
        need: [nothing]
        steps:
          - run: echo ${{ branch.name }}
          - rum: true
";

#[tokio::test]
async fn a_malformed_workflow_is_explained_line_by_line() {
    let story = Story::begin(MALFORMED).await;
    let refused = problem(story.client.start_flow("story", &StartFlow::default()).await);
    assert_eq!(refused.status, 422);
    assert!(refused.detail.unwrap().contains(".keirin.yaml"));
    let lines: Vec<u32> = refused.diagnostics.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [6, 8, 9, 9], "all at once: {:#?}", refused.diagnostics);
    assert!(
        refused
            .diagnostics
            .iter()
            .all(|fault| fault.severity == Severity::Error)
    );
    let outside = &refused.diagnostics[1];
    let advice = format!("{} {:?}", outside.message, outside.suggestion);
    assert!(advice.contains("env"), "{advice}");

    let file = story.world.path().join("repository/.keirin.yaml");
    let output = keirin().arg("check").arg("--json").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["diagnostics"].as_array().unwrap().len(), 4);
    let exec = keirin().arg("exec").arg(&file).output().unwrap();
    assert_eq!(exec.status.code(), Some(2));
    let mut start = keirin();
    start
        .args(["flow", "start", "story", "--data-dir"])
        .arg(story.world.data());
    let start = start.output().unwrap();
    assert_eq!(start.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&start.stderr).contains(".keirin.yaml:6"),
        "{start:?}"
    );
    story.still_works().await;
}

#[tokio::test]
async fn repositories_that_are_none_and_names_that_would_be_options_are_refused() {
    let story = Story::begin(&one_job("true")).await;
    let touched = story.world.shared().join("touched");
    let nowhere = story.world.path().join("nowhere");
    let pack = format!("--upload-pack=touch {}", touched.display());
    let outside = format!("ext::sh -c 'touch {}'", touched.display());
    let secret = story.world.data().join("master.key");
    let file = format!("file://{}", secret.display());
    let cases = [
        nowhere.to_str().unwrap(),
        &pack,
        &outside,
        &file,
        "",
        "ssh://-oProxyCommand=touch/x",
    ];
    for repository in cases {
        let refused = problem(story.project_at("other", repository).await);
        assert!((400..500).contains(&refused.status), "{repository}: {refused:#?}");
        assert!(refused.detail.is_some());
        // Whoever is refused tries again, and finds the name free.
        assert_eq!(problem(story.client.project("other").await).status, 404);
    }
    let branch = StartFlow {
        branch: Some(pack),
        ..StartFlow::default()
    };
    let refused = problem(story.client.start_flow("story", &branch).await);
    assert!((400..500).contains(&refused.status), "{refused:#?}");
    assert!(!touched.exists(), "nothing of it was run");
    story.still_works().await;
}

#[tokio::test]
async fn a_branch_whose_name_is_a_command_is_only_a_name() {
    let workflow = r#"keirin: 1
stages:
  work:
    jobs:
      work:
        env: { BRANCH: "${{ branch.name }}" }
        steps:
          - git: .
          - run: echo "$BRANCH"; echo "$KEIRIN_BRANCH"; git log -1 --format=%s
"#;
    let story = Story::begin(workflow).await;
    let name = in_world(&story.world, "$(touch${IFS}@shared/touched)");
    let repository = story.repository();
    repository.git(&["checkout", "--quiet", "-b", &name]);
    repository.commit("file", "text");
    let start = StartFlow {
        branch: Some(name.clone()),
        ..StartFlow::default()
    };
    let flow = story.client.start_flow("story", &start).await.unwrap();
    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    assert_eq!(flow.branch, name);
    assert_eq!(
        story.output(only_job(&flow)).await,
        [name.as_str(), &name, "file"]
    );
    assert!(!story.world.shared().join("touched").exists());
    story.still_works().await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_shown_as_such_and_lines_keep_their_order() {
    let story = Story::begin(&one_job(r"printf 'a\n\377\376b\n\0c\nd\r\n\xf0\x9f\n'; echo e")).await;
    let flow = story.run().await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let output = story.output(only_job(&flow)).await;
    assert_eq!(output[..2], ["a", "\u{fffd}\u{fffd}b"]);
    assert_eq!(output[3], "d");
    assert_eq!(output.last().unwrap(), "e");
    story.still_works().await;
}

/// A job whose second step keeps this path, after a first one that ran this script.
async fn keeping(story: &Story, name: &str, script: &str, path: &str) -> Result<Flow, ClientError> {
    let script = indented(script, 14);
    let workflow = format!(
        "keirin: 1\nstages:\n  work:\n    jobs:\n      work:\n        steps:\n          - run: |\n{script}          - artifacts: {{ upload: \"{path}\" }}\n"
    );
    Repository::new(&story.world, name, &workflow);
    story.project(name, name).await.unwrap();
    let flow = story.client.start_flow(name, &StartFlow::default()).await?;
    Ok(story.finished(flow.id).await)
}

#[tokio::test]
async fn an_artifact_cannot_come_from_outside_the_workspace() {
    let story = Story::begin(&one_job("true")).await;
    let secret = story.world.shared().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    let shown = secret.display();
    let link = format!("ln -s {shown} link");
    let folder = format!("ln -s {} folder", story.world.shared().display());
    let cases = [
        ("above", "echo x > ../up 2>/dev/null; true", "../*"),
        ("within", "mkdir a", "a/../../*"),
        ("absolute", "true", shown.to_string().leak()),
        ("link", link.as_str(), "link"),
        ("linked-folder", folder.as_str(), "folder/*"),
        ("everything", link.as_str(), "**"),
    ];
    for (name, script, path) in cases {
        match keeping(&story, name, script, path).await {
            Ok(flow) => {
                let kept = story.client.artifacts(flow.id).await.unwrap().items;
                assert_eq!(kept, [], "{name}");
                assert_eq!(flow.outcome, Some(Outcome::Failed), "{name}");
                let message = only_job(&flow).attempts[0].message.clone();
                assert!(
                    message.is_some_and(|message| !message.is_empty()),
                    "{name} is explained"
                );
            }
            Err(error) => {
                let diagnostics = &error.problem().expect("a problem document").diagnostics;
                assert!(!diagnostics.is_empty(), "{name}: {error}");
            }
        }
    }
    story.still_works().await;
}

#[tokio::test]
async fn tokens_that_do_not_hold_open_nothing() {
    let story = Story::begin(&one_job("true")).await;
    for token in ["nonsense", "krn_api_nonsense", "Bearer", "' or 1=1 --"] {
        let stranger = client_at(&story.url, Some(token));
        let refused = problem(stranger.projects().await);
        assert_eq!(
            (refused.status, refused.kind.as_str()),
            (401, "not-accepted"),
            "{token}"
        );
    }
    let nobody = client_at(&story.url, None);
    assert_eq!(
        problem(nobody.start_flow("story", &StartFlow::default()).await).status,
        401
    );

    let short = story.client.create_token(&admin_token(Some(1))).await.unwrap();
    let short = client_at(&story.url, Some(&short.token));
    let refused = poll_async("the token ends", async || short.me().await.err()).await;
    let refused = problem(Err::<(), _>(refused));
    assert_eq!((refused.status, refused.kind.as_str()), (401, "not-accepted"));

    let revoked = story.client.create_token(&admin_token(None)).await.unwrap();
    let by_revoked = client_at(&story.url, Some(&revoked.token));
    by_revoked.me().await.unwrap();
    story.client.revoke_token(revoked.id).await.unwrap();
    assert_eq!(problem(by_revoked.me().await).status, 401);
    story.still_works().await;
}

#[tokio::test]
async fn a_body_over_the_limit_and_one_that_is_no_json_are_refused() {
    let story = Story::begin(&one_job("true")).await;
    let address = story.url.join("/api/v1/projects").unwrap();
    let token = story.local_token();
    let send = |body: String| {
        let request = http().post(address.clone()).bearer_auth(&token);
        request
            .header("content-type", "application/json")
            .body(body)
            .send()
    };
    let large = format!(r#"{{"name":"large","repository":"{}"}}"#, "x".repeat(3_000_000));
    for (body, status) in [
        (large, 413),
        ("{".to_owned(), 422),
        (r#"{"name":1}"#.to_owned(), 422),
    ] {
        let answer = send(body).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let refused: Problem = answer.json().await.unwrap();
        assert_eq!(refused.status, status, "{refused:#?}");
        assert!(refused.detail.is_some());
    }
    story.still_works().await;
}

#[tokio::test]
async fn what_a_step_leaves_running_is_ended_with_its_job() {
    let script = r#"
        setsid sh -c 'trap "" TERM HUP; echo $$ > @shared/forked; exec sleep 1362' >/dev/null 2>&1 &
        until [ -s @shared/forked ]; do :; done
        echo left"#;
    let world = World::new();
    let story = Story::begin_in(world, &one_job(script)).await;
    let flow = story.run().await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let job = only_job(&flow);
    assert_eq!(story.output(job).await, ["left"]);
    // Its number is one of its sandbox's, so it is looked for by its arguments.
    let mut processes = std::fs::read_dir("/proc").unwrap().flatten();
    let runs = processes.any(|process| {
        std::fs::read(process.path().join("cmdline")).is_ok_and(|words| words == b"sleep\x001362\0")
    });
    assert!(!runs, "the forked process still runs");
    let told = story.lines(job, Stream::Agent).await;
    assert!(told.iter().any(|line| line.contains("left running")), "{told:?}");
}
