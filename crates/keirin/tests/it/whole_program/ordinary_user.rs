//! The server, its private PostgreSQL and its local agent as an ordinary user.

use std::os::unix::process::CommandExt as _;

use keirin_model::Outcome;
use nix::unistd::{User, geteuid};

use crate::whole_program::hostile::what_a_job_can_reach;
use crate::whole_program::interrupted::the_agent_is_killed;
use crate::whole_program::story::{Story, one_job, only_job};
use crate::whole_program::world::{World, keirin};

/// The user that the server is to run as; `None` where it cannot, which is said.
fn ordinary_user(test: &str) -> Option<Option<u32>> {
    if !geteuid().is_root() {
        // Then it runs as one anyway.
        return Some(None);
    }
    let Some(nobody) = User::from_name("nobody").unwrap() else {
        println!("skipped: {test}: there is no user `nobody`");
        return None;
    };
    let user = nobody.uid.as_raw();
    let tried = keirin().arg("--version").uid(user).gid(user).output();
    if !tried.is_ok_and(|output| output.status.success()) {
        println!("skipped: {test}: user {user} cannot reach the built program");
        return None;
    }
    Some(Some(user))
}

#[tokio::test]
async fn an_ordinary_user_serves_and_runs_jobs() {
    let Some(user) = ordinary_user("an_ordinary_user_serves_and_runs_jobs") else {
        return;
    };
    let workflow = one_job("id -u; ls -d .").replace("steps:\n", "steps:\n          - git: .\n");
    let mut story = Story::begin_in(World::of(user), &workflow).await;
    let flow = story.run().await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let uid = user.unwrap_or_else(|| geteuid().as_raw()).to_string();
    assert_eq!(story.output(only_job(&flow)).await, [uid.as_str(), "."]);
    assert!(story.server.stop().success());
    assert_eq!(story.world.processes(), [], "nothing is left running");
}

#[tokio::test]
async fn a_job_of_the_servers_own_user_cannot_reach_what_is_the_servers() {
    let Some(user) = ordinary_user("a_job_of_the_servers_own_user_cannot_reach_what_is_the_servers") else {
        return;
    };
    let (story, open) = what_a_job_can_reach(World::of(user)).await;
    assert_eq!(open, Vec::<String>::new());
    assert!(!story.world.data().join("planted").exists());
    story.still_works().await;
}

#[tokio::test]
async fn what_a_killed_agent_of_an_ordinary_user_ran_is_ended() {
    let Some(user) = ordinary_user("what_a_killed_agent_of_an_ordinary_user_ran_is_ended") else {
        return;
    };
    the_agent_is_killed(World::of(user)).await;
}
