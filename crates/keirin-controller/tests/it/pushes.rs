//! New commits and due times, with a real repository: what starts, what does not, and that nothing starts twice.

use jiff::SignedDuration;
use keirin_controller::work::WorkError;
use keirin_model::flow::Cause;
use keirin_model::trigger::TimedTrigger;

use crate::server::{Repository, leading};

const BUILD: &str = "
keirin: 1
triggers:
  push: {}
stages:
  build:
    jobs:
      test: { steps: [ { run: 'true' } ] }
";

/// A workflow whose triggers are these.
fn with_triggers(triggers: &str) -> String {
    BUILD.replace("  push: {}\n", &format!("  {triggers}\n"))
}

fn of(branch: &str, workflow: &str, commit: &str) -> (String, String, String) {
    (branch.to_owned(), workflow.to_owned(), commit.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_starts_a_flow_once() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    let (project, branch) = server.project("one", &repository).await;
    server.look().await;
    assert_eq!(
        server.started().await,
        [],
        "what was there before the project was no push"
    );

    let old = repository.git(&["rev-parse", "HEAD"]);
    let new = repository.commit(&[("file", "1")]);
    server.look().await;
    assert_eq!(server.started().await, [of("main", "default", &new)]);
    assert_eq!(server.flows().await[0].cause, Cause::Push);
    server.look().await;
    assert_eq!(server.started().await.len(), 1);

    // As after a server that died when the flow was written, and before the branch was.
    server.store.saw_branch(branch, Ok(&old)).await.unwrap();
    server.look().await;
    assert_eq!(server.started().await.len(), 1);
    let (_, seen) = server.known(project).await;
    assert_eq!(seen["main"].as_ref(), Some(&new), "the branch was caught up on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_workflows_of_one_repository_start_once_each() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    let every_branch = with_triggers("push: { branches: ['*'] }");
    repository.commit(&[
        (".keirin.yaml", &every_branch),
        (".keirin/lint.yaml", &every_branch),
        (".keirin/nightly.yaml", &with_triggers("poll: 10s")),
    ]);
    server.project("one", &repository).await;
    for number in 1..=4 {
        let commit = repository.commit(&[("file", &number.to_string())]);
        repository.git(&["branch", "--force", &format!("topic-{number}")]);
        repository.git(&["branch", "--force", &format!("other-{number}")]);
        server.look().await;
        let mut started = server.started().await;
        started.sort();
        started.retain(|(_, _, of)| *of == commit);
        let mut expected = vec![of("main", "nightly", &commit)];
        for branch in [
            "main".to_owned(),
            format!("topic-{number}"),
            format!("other-{number}"),
        ] {
            expected.push(of(&branch, "default", &commit));
            expected.push(of(&branch, "lint", &commit));
        }
        expected.sort();
        assert_eq!(started, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn branches_and_paths_decide_which_pushes_count() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(
        ".keirin.yaml",
        &with_triggers("push: { branches: [main, 'release/*'], paths: ['src/**'] }"),
    )]);
    server.project("one", &repository).await;

    repository.commit(&[("docs/page.md", "text")]);
    server.look().await;
    assert_eq!(server.started().await, [], "a path that does not count");
    let code = repository.commit(&[("src/lib.rs", "code")]);
    server.look().await;
    assert_eq!(server.started().await, [of("main", "default", &code)]);

    repository.git(&["switch", "--quiet", "--create", "topic"]);
    repository.commit(&[("src/lib.rs", "topic")]);
    server.look().await;
    assert_eq!(server.started().await.len(), 1, "a branch that does not count");
    repository.git(&["switch", "--quiet", "--create", "release/1.0"]);
    let release = repository.commit(&[("src/lib.rs", "release")]);
    server.look().await;
    assert_eq!(
        server.started().await[1..],
        [of("release/1.0", "default", &release)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_star_stays_within_a_name_and_an_exclamation_mark_leaves_out() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(
        ".keirin.yaml",
        &with_triggers("push: { branches: ['**', '!release/*/**'], paths: ['*.md', '**/*.rs', '!docs/**'] }"),
    )]);
    server.project("one", &repository).await;

    repository.commit(&[("docs/page.md", "text"), ("docs/example.rs", "text")]);
    repository.commit(&[("src/page.md", "text")]);
    server.look().await;
    assert_eq!(
        server.started().await,
        [],
        "only paths that are left out or not meant"
    );
    let page = repository.commit(&[("page.md", "text")]);
    server.look().await;
    assert_eq!(server.started().await, [of("main", "default", &page)]);

    repository.git(&["switch", "--quiet", "--create", "release/1/2"]);
    repository.commit(&[("page.md", "release")]);
    server.look().await;
    assert_eq!(server.started().await.len(), 1, "a branch that is left out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_workflow_is_said_at_the_branch_once_and_keeps_no_other_from_starting() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD), (".keirin/lint.yaml", BUILD)]);
    let (project, branch) = server.project("one", &repository).await;

    let broken = repository.commit(&[(".keirin.yaml", "keirin: 1\nstages: 7\n")]);
    server.look().await;
    assert_eq!(
        server.started().await,
        [of("main", "lint", &broken)],
        "the other workflow is fine"
    );
    let said = server.store.branch_error(branch).await.unwrap().unwrap();
    assert!(said.contains(".keirin.yaml"), "{said}");
    let (_, seen) = server.known(project).await;
    assert_eq!(
        seen["main"].as_ref(),
        Some(&broken),
        "it is not looked at for ever"
    );
    let by_hand = server.start_by_hand(project).await;
    assert!(matches!(by_hand, Err(WorkError::Invalid { .. })), "{by_hand:?}");

    let mended = repository.commit(&[(".keirin.yaml", BUILD)]);
    server.look().await;
    assert_eq!(
        server.started().await[1..],
        [of("main", "default", &mended), of("main", "lint", &mended)]
    );
    assert_eq!(server.store.branch_error(branch).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_that_comes_later_is_found_and_one_that_goes_fires_no_more() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[("README.md", "nothing to run yet")]);
    let (project, _) = server.project("one", &repository).await;
    let nothing = server.start_by_hand(project).await;
    assert!(matches!(nothing, Err(WorkError::Invalid { .. })), "{nothing:?}");

    let first = repository.commit(&[
        (".keirin.yaml", BUILD),
        (".keirin/nightly.yaml", &with_triggers("cron: '0 3 * * *'")),
    ]);
    server.look().await;
    assert_eq!(server.started().await, [of("main", "default", &first)]);
    let crons = async || {
        let schedules = server.store.schedules().await.unwrap().into_iter();
        schedules
            .filter(|schedule| matches!(schedule.trigger, TimedTrigger::Cron { .. }))
            .count()
    };
    assert_eq!(crons().await, 1);

    repository.git(&["rm", "--quiet", ".keirin/nightly.yaml"]);
    repository.commit(&[]);
    server.look().await;
    assert_eq!(crons().await, 0);
    server.pass(SignedDuration::from_hours(48)).await;
    server.until_all_is_dealt_with().await;
    let nightly = server
        .started()
        .await
        .into_iter()
        .filter(|(_, workflow, _)| workflow == "nightly");
    assert_eq!(nightly.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cron_schedule_fires_by_the_server_s_clock() {
    let (database, server) = leading().await;
    let repository = Repository::new();
    let commit = repository.commit(&[(
        ".keirin.yaml",
        &with_triggers("cron: { schedule: '0 3 * * *', timezone: Europe/Berlin }"),
    )]);
    server.project("one", &repository).await;
    server.clock.set("2026-03-28T02:59:00+01:00".parse().unwrap());
    server.look().await;
    assert_eq!(server.started().await, [], "it is not three yet");
    server.pass(SignedDuration::from_mins(1)).await;
    server.until_all_is_dealt_with().await;
    assert_eq!(server.started().await, [of("main", "default", &commit)]);
    assert!(matches!(server.flows().await[0].cause, Cause::Schedule { .. }));

    // Another server takes over on the same day, and does not fire again.
    let clock = server.clock.clone();
    server.stop().await;
    let server = crate::server::Server::start(database.another_store().await, "second", &clock);
    server.until_it_leads().await;
    server.look().await;
    assert_eq!(server.started().await.len(), 1);
    server.pass(SignedDuration::from_hours(23)).await;
    server.until_all_is_dealt_with().await;
    assert_eq!(
        server.started().await.len(),
        2,
        "a day with a change of the clock has 23 hours"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_is_gone_is_looked_at_again_when_it_is_back() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    server.project("one", &repository).await;
    let away = repository.path().with_extension("away");
    let commit = repository.commit(&[("file", "1")]);
    std::fs::rename(repository.path(), &away).unwrap();
    server.look().await;
    assert_eq!(server.started().await, []);
    std::fs::rename(&away, repository.path()).unwrap();
    server.look().await;
    assert_eq!(server.started().await, [of("main", "default", &commit)]);
}
