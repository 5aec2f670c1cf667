//! Flows from the command line, from their start to their outcome.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::world::{World, clean, git};

const WORKFLOW: &str = r#"
keirin: 1
params:
  who: { type: string, default: world }
  broken: { type: boolean, default: false }
stages:
  build:
    jobs:
      greet:
        env: { WHO: "${{ params.who }}" }
        steps:
          - run: echo "hello $WHO"
          - run: echo "second step"
      judge:
        env: { BROKEN: "${{ params.broken ? 'yes' : 'no' }}" }
        steps: [ { run: 'test "$BROKEN" = no || exit 7' } ]
  deploy:
    start: { manual: { role: maintainer } }
    jobs:
      ship: { steps: [ { run: echo shipped } ] }
"#;

fn job<'a>(flow: &'a Value, name: &str) -> &'a Value {
    let jobs = flow["runs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|run| run["jobs"].as_array().unwrap());
    jobs.into_iter().find(|job| job["name"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_started_followed_and_looked_at() {
    let world = World::with_workflow(WORKFLOW).await;
    let followed = world.keirin(&["flow", "start", "app/main", "--param", "who=you", "--follow"]);
    assert_eq!(followed.exit, 0, "{followed:?}");
    assert!(
        followed.output.contains("build/greet │ hello you"),
        "{followed:?}"
    );
    let last = followed.output.lines().last().unwrap();
    assert!(last.starts_with("✔ success: 2 jobs in "), "{last}");
    assert!(!followed.output.contains('\u{1b}'), "{followed:?}");
    assert!(
        followed.errors.contains("keirin run start app#1 deploy"),
        "{followed:?}"
    );

    let flow = world.keirin(&["flow", "show", "app#1", "--json"]).document();
    assert_eq!(flow["number"], 1);
    assert_eq!(
        json!([
            flow["project"],
            flow["branch"],
            flow["workflow"],
            flow["kind"],
            flow["state"],
            flow["outcome"]
        ]),
        json!(["app", "main", "default", "ci", "finished", "success"])
    );
    assert_eq!(flow["params"], json!({ "who": "you", "broken": false }));

    let greet = job(&flow, "greet")["id"].as_str().unwrap().to_owned();
    let shown = world.keirin(&["job", "show", &greet, "--json"]).document();
    assert_eq!(shown["attempts"][0]["agent"], "local");
    assert_eq!(shown["steps"].as_array().unwrap().len(), 2);

    let lines = world.keirin(&["log", &greet, "--json"]).objects();
    assert!(
        lines
            .iter()
            .any(|line| line["text"] == "hello you" && line["step"] == 0),
        "{lines:?}"
    );
    let numbers: Vec<u64> = lines.iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let second = world.keirin(&["log", &greet, "--step", "1"]);
    assert!(
        second.output.contains("second step") && !second.output.contains("hello"),
        "{second:?}"
    );
    let last = world.keirin(&["log", &greet, "--tail", "1", "--follow"]);
    assert_eq!(last.output, "second step\n");

    let found = world
        .keirin(&["log", "--flow", "app#1", "--grep", "^hello .*u$", "--json"])
        .objects();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["job"], &found[0]["text"]),
        (&json!(greet), &json!("hello you"))
    );

    let started = world
        .keirin(&["run", "start", "app#1", "deploy", "--json"])
        .document();
    assert_eq!(started["stage"], "deploy");
    assert_eq!(world.keirin(&["flow", "wait", "app#1"]).exit, 0);
    let flow = world.keirin(&["flow", "show", "app#1", "--json"]).document();
    assert_eq!(job(&flow, "ship")["outcome"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_the_outcome_and_what_failed_runs_again() {
    let world = World::with_workflow(WORKFLOW).await;
    let failed = world.keirin(&[
        "flow",
        "start",
        "app",
        "--param",
        "broken=true",
        "--wait",
        "--json",
    ]);
    assert_eq!(failed.exit, 1, "{failed:?}");
    let flow: Value = serde_json::from_str(&failed.output).unwrap();
    assert_eq!(flow["outcome"], "failed");
    assert_eq!(job(&flow, "judge")["attempts"][0]["exit_code"], 7);

    let again = world.keirin(&["flow", "rerun", "app#1", "--failed", "--follow", "--json"]);
    assert_eq!(again.exit, 1, "{again:?}");
    let told = again.objects();
    assert!(told.iter().all(|told| told["job"] != "build/greet"), "{told:?}");
    assert_eq!(told.last().unwrap()["kind"], "flow");
    let flow = world.keirin(&["flow", "show", "app#1", "--json"]).document();
    assert_eq!(job(&flow, "judge")["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(job(&flow, "greet")["attempts"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_flow_ends_as_cancelled() {
    let slow = "keirin: 1\nstages: { build: { jobs: { slow: { steps: [ { run: sleep 600 } ] } } } }\n";
    let world = World::with_workflow(slow).await;
    let started = world.keirin(&["flow", "start", "app", "--json"]).document();
    let flow = started["id"].as_str().unwrap();
    assert_eq!(world.keirin(&["flow", "cancel", flow]).exit, 0);
    let waited = world.keirin(&["flow", "wait", flow]);
    assert_eq!(waited.exit, 3, "{waited:?}");
    let listed = world
        .keirin(&["flow", "list", "app", "--outcome", "cancelled", "--json"])
        .document();
    assert_eq!(listed["items"][0]["id"], flow);
    assert_eq!(listed["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_followed_over_a_crash_of_the_server_and_every_line_comes_once() {
    let ticks = "keirin: 1\nstages: { build: { jobs: { ticks: { steps: [ { run: 'for i in $(seq 10); do echo tick $i; sleep 1; done' } ] } } } }\n";
    let mut world = World::with_workflow(ticks).await;
    let mut following = clean(world.folder.path())
        .args(["flow", "start", "app", "--follow", "--data-dir"])
        .arg(world.folder.path().join("data"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut seen: Vec<String> = lines.by_ref().take_while(|line| line != "tick 2").collect();
    seen.push("tick 2".to_owned());
    world.crash_and_restart();
    seen.extend(lines);
    assert_eq!(following.wait().unwrap().code(), Some(0), "{seen:?}");
    let seen: Vec<&String> = seen.iter().filter(|line| line.starts_with("tick ")).collect();
    let expected: Vec<String> = (1..=10).map(|number| format!("tick {number}")).collect();
    assert_eq!(seen, expected.iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_push_did_is_said_where_one_looks_for_it() {
    let pushed = WORKFLOW.replace("params:", "triggers: { push: { tags: ['v*'] } }\nparams:");
    let world = World::with_workflow(&pushed).await;
    let repository = world.folder.path().join("repository");
    let branches = world.keirin(&["branch", "list", "app"]);
    assert!(branches.output.contains("main (default)"), "{branches:?}");

    git(&repository, &["tag", "v1"]);
    world.commit("keirin: 1\nstages: 7\n");
    // The flows and the notice are not committed at one moment.
    until(|| {
        let listed = world.keirin(&["flow", "list", "app"]);
        let both = listed.output.contains("broken workflow: 1 error") && listed.output.contains("tag v1");
        let notice = "`.keirin.yaml` on `main` is broken: line 2";
        (both && listed.errors.contains(notice)).then_some(())
    });
    let shown = world.keirin(&["project", "show", "app"]);
    assert!(shown.errors.contains("is broken"), "{shown:?}");
    let listed = world.keirin(&["flow", "list", "app/main", "--json"]).document();
    let broken = listed["items"][0]["id"].as_str().unwrap();
    let flow = world.keirin(&["flow", "show", broken]);
    assert!(flow.output.contains(".keirin.yaml:2:"), "{flow:?}");

    world.commit(&WORKFLOW.replace("params:", "triggers: { push: { branches: [none] } }\nparams:"));
    let told = until(|| {
        let listed = world.keirin(&["flow", "list", "app"]);
        let is_mended = !listed.errors.contains("is broken");
        (listed.errors.contains("started nothing") && is_mended).then_some(listed)
    });
    assert!(told.errors.contains("branches `none` alone"), "{told:?}");
    let branches = world.keirin(&["branch", "list", "app"]);
    assert!(branches.output.contains("started nothing"), "{branches:?}");
}

/// Asks again and again; what never comes is a failure.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    (0..2000).find_map(|_| ask()).unwrap()
}
