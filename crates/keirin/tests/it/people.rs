//! Signing in, tokens, roles and agents.

use std::os::unix::fs::PermissionsExt as _;

use crate::world::{World, add_person};

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elsewhere_signs_in_and_may_do_what_their_role_says() {
    let world =
        World::with_workflow("keirin: 1\nstages: { a: { jobs: { b: { steps: [ { run: 'true' } ] } } } }\n")
            .await;
    add_person(world.folder.path(), &world.folder.path().join("data"));

    let wrong = world.keirin_elsewhere(&["login", &world.url, "--username", "ada"], "something else\n");
    assert_eq!(wrong.exit, 1, "{wrong:?}");
    let right = world.keirin_elsewhere(
        &["login", &world.url, "--username", "ada"],
        "correct horse battery\n",
    );
    assert_eq!(right.exit, 0, "{right:?}");
    let saved = world.folder.path().join(".config/keirin/logins.json");
    assert_eq!(
        std::fs::metadata(&saved).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let listed = world
        .keirin_elsewhere(&["project", "list", "--json"], "")
        .document();
    assert_eq!(listed["items"][0]["name"], "app");
    let refused = world.keirin_elsewhere(&["flow", "start", "app"], "");
    assert_eq!(refused.exit, 1, "{refused:?}");
    assert!(refused.errors.contains("developer"), "{refused:?}");

    assert_eq!(
        world.keirin(&["member", "set", "app", "ada", "developer"]).exit,
        0
    );
    let allowed = world.keirin_elsewhere(&["flow", "start", "app", "--wait"], "");
    assert_eq!(allowed.exit, 0, "{allowed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_can_be_revoked() {
    let world = World::new().await;
    let made = ["token", "create", "--kind", "api", "--role", "viewer", "--json"];
    let made = world.keirin(&made).document();
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let listed = world.keirin(&["token", "list"]);
    assert!(
        listed.output.contains("viewer of all projects") && !listed.output.contains(token),
        "{listed:?}"
    );
    let login = world.keirin_elsewhere(&["login", &world.url], &format!("{token}\n"));
    assert_eq!(login.exit, 0, "{login:?}");
    assert_eq!(world.keirin_elsewhere(&["project", "list"], "").exit, 0);
    assert_eq!(world.keirin(&["token", "revoke", id]).exit, 0);
    let refused = world.keirin_elsewhere(&["project", "list"], "");
    assert_eq!(refused.exit, 1, "{refused:?}");
    assert!(refused.errors.contains("keirin login"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_taken_out_of_service_and_back() {
    let workflow = "keirin: 1\nstages: { a: { jobs: { b: { steps: [ { run: 'true' } ] } } } }\n";
    let world = World::with_workflow(workflow).await;
    // The agent is there at the latest when it has run a job.
    assert_eq!(world.keirin(&["flow", "start", "app", "--wait"]).exit, 0);
    let agents = world.keirin(&["agent", "list", "--json"]).document();
    let agent = &agents["items"][0];
    assert_eq!((&agent["name"], &agent["running"]), (&"local".into(), &0.into()));
    let disabled = world.keirin(&["agent", "disable", "local", "--json"]).document();
    assert_eq!(disabled["state"], "disabled");
    let enabled = world
        .keirin(&["agent", "enable", agent["id"].as_str().unwrap(), "--json"])
        .document();
    assert_eq!(enabled["state"], "online");
    let changed = world
        .keirin(&[
            "agent", "change", "local", "--slots", "1", "--group", "x", "--json",
        ])
        .document();
    assert_eq!(
        (&changed["slots"], &changed["groups"][0]),
        (&1.into(), &"x".into())
    );
}
