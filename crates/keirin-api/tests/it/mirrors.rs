//! git itself clones from the mirror, with a job's token.

use std::path::Path;

use keirin_git::{NamedBy, RepositoryUrl};
use keirin_store::projects::{NamedRepository, NewProject};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn git_clones_the_flows_repository_with_the_jobs_token_alone() {
    let world = World::new().await;
    let source = world.folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    git(&source, &["init", "--quiet", "--initial-branch=main", "."]);
    std::fs::write(source.join("hello.txt"), "hello\n").unwrap();
    git(&source, &["add", "."]);
    git(&source, &["commit", "--quiet", "-m", "Say hello"]);
    let new = NewProject {
        name: "here",
        repository: NamedRepository {
            address: source.to_str().unwrap(),
            by_admin: true,
        },
        workflow_file: None,
        public: false,
        default_branch: "main",
    };
    let (project, branch) = world.store.create_project(&new, world.clock.now()).await.unwrap();
    let url = RepositoryUrl::parse(new.repository.address).unwrap();
    let name = project.id.to_string();
    let mirror = world.mirrors.mirror(&name, url, None, NamedBy::Admin).unwrap();
    mirror.fetch().await.unwrap();
    let agent = world.agent("worker", "keirin_agent_worker").await;
    let running = world.running((project.id, branch.id), agent).await;
    let token = world.keys.job_token(running.attempt.id);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, world.router.clone()).into_future());
    let clone = |password: &str, to: &str| {
        let url = format!("http://job:{password}@{address}/git/here");
        let folder = world.folder.path().to_owned();
        let to = to.to_owned();
        tokio::task::spawn_blocking(move || run(&folder, &["clone", "--quiet", &url, &to]))
    };
    assert!(clone(&token, "cloned").await.unwrap());
    let read = std::fs::read_to_string(world.folder.path().join("cloned/hello.txt")).unwrap();
    assert_eq!(read, "hello\n");
    assert!(!clone("keirin_job_1_guessed", "stolen").await.unwrap());
    let fetching = world.keys.fetch_token(running.attempt.id);
    assert!(clone(&fetching, "by-a-step").await.unwrap());
    let events = format!("/agent/v1/attempts/{}/events", running.attempt.id);
    let by_step = crate::world::By::Token(fetching.clone());
    let refused = world
        .post(&by_step, &events, serde_json::json!({"events": []}))
        .await;
    assert_eq!(refused.status, 401, "it opens nothing else");
    world.work.set_live(running.attempt.id, None);
    assert!(!clone(&token, "late").await.unwrap());
    assert!(!clone(&fetching, "late-by-a-step").await.unwrap());
    server.abort();
}

fn git(folder: &Path, arguments: &[&str]) {
    assert!(run(folder, arguments), "git {arguments:?}");
}

#[expect(clippy::disallowed_methods, reason = "what the mirror serves is for git itself")]
fn run(folder: &Path, arguments: &[&str]) -> bool {
    let mut command = std::process::Command::new("git");
    command
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0");
    command.output().expect("git is there").status.success()
}
