//! What a look finds of a repository: its default branch and what that has for later, that it is away, or another one.

use jiff::{SignedDuration, Timestamp};
use keirin_controller::work::{Work as _, WorkError};
use keirin_model::flow::Cause;
use keirin_model::project::{BranchKind, NoticeKind};
use keirin_model::trigger::TimedTrigger;
use keirin_store::projects::{NamedRepository, ProjectChange};

use crate::held::Held;
use crate::pushes::{BUILD, of, with_triggers};
use crate::server::{Repository, leading, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_branch_is_what_the_repository_says() {
    let (_database, server) = leading().await;
    for name in ["master", "trunk"] {
        let repository = Repository::with_branch(name);
        let commit = repository.commit(&[(".keirin.yaml", BUILD)]);
        let (project, _) = server.project(name, &repository).await;
        let shown = server.store.branch_views(project).await.unwrap();
        assert_eq!(
            shown
                .iter()
                .map(|branch| (branch.name.as_str(), branch.is_default))
                .collect::<Vec<_>>(),
            [(name, true)]
        );
        server.start_by_hand(project).await.unwrap();
        assert_eq!(server.started().await.pop(), Some(of(name, "default", &commit)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_branch_is_followed_when_it_is_renamed() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    let (project, _) = server.project("one", &repository).await;
    server.start_by_hand(project).await.unwrap();
    repository.git(&["branch", "--move", "main", "trunk"]);
    // Nobody has looked yet.
    server.start_by_hand(project).await.unwrap();
    assert_eq!(server.started().await[1].0, "trunk");
    let commit = repository.commit(&[("file", "1")]);
    server.look().await;
    assert_eq!(
        server.started().await.pop(),
        Some(of("trunk", "default", &commit))
    );
    let branches = server.store.branch_views(project).await.unwrap();
    let shown: Vec<_> = branches
        .iter()
        .map(|branch| (branch.name.as_str(), branch.is_default, branch.gone_at.is_some()))
        .collect();
    assert_eq!(shown, [("trunk", true, false), ("main", false, true)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_follow_the_default_branch_also_after_a_server_that_died_meanwhile() {
    let (_database, server) = leading().await;
    for (name, is_known) in [("new", false), ("known", true)] {
        let repository = Repository::new();
        repository.commit(&[(".keirin.yaml", &with_triggers("cron: '0 3 * * *'"))]);
        if is_known {
            repository.git(&["branch", "trunk"]);
        }
        let (project, main) = server.project(name, &repository).await;
        repository.git(&["switch", "--quiet", "--force-create", "trunk"]);
        repository.git(&["branch", "--delete", "--force", "main"]);
        // The other default branch was written, and no more.
        let trunk = match server.store.branch_by_name(project, Some("trunk")).await {
            Ok(trunk) => trunk,
            Err(_) => {
                let now = server.clock.now();
                let made = server
                    .store
                    .ensure_branch(project, BranchKind::Branch, "trunk", now);
                made.await.unwrap()
            }
        };
        server.store.set_default_branch(trunk.id).await.unwrap();
        server.look().await;
        let schedules = server.store.schedules().await.unwrap().into_iter();
        let crons: Vec<_> = schedules
            .filter(|schedule| schedule.project == project)
            .filter(|schedule| matches!(schedule.trigger, TimedTrigger::Cron { .. }))
            .map(|schedule| schedule.branch)
            .collect();
        assert_eq!(crons, [trunk.id], "{name}: once, and not on {main}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bare_repository_may_present_another_branch() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    let bare = tempfile::TempDir::new().unwrap();
    let path = bare.path().to_str().unwrap();
    repository.git(&["clone", "--quiet", "--bare", ".", path]);
    let made = crate::database::project(&server.store, "one", path).await;
    server.controller.project_changed(made.0).await.unwrap();
    repository.git(&["--git-dir", path, "branch", "trunk"]);
    repository.git(&["--git-dir", path, "symbolic-ref", "HEAD", "refs/heads/trunk"]);
    server.look().await;
    server.start_by_hand(made.0).await.unwrap();
    assert_eq!(server.started().await.pop().unwrap().0, "trunk");
    let default = server.store.branch_by_name(made.0, None).await.unwrap();
    assert_eq!(default.name, "trunk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_commit_of_an_empty_repository_is_a_push() {
    let (_database, server) = leading().await;
    let repository = Repository::with_branch("trunk");
    let (project, _) = server.project("one", &repository).await;
    let notices = server.store.project_notices(project).await.unwrap();
    assert_eq!(notices[0].kind, NoticeKind::Empty);
    let refused = server.start_by_hand(project).await.unwrap_err();
    assert!(refused.to_string().contains("no commit yet"), "{refused}");

    let commit = repository.commit(&[(".keirin.yaml", BUILD)]);
    server.look().await;
    assert_eq!(server.started().await, [of("trunk", "default", &commit)]);
    assert_eq!(server.store.project_notices(project).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_cannot_be_read_at_first_is_looked_at_again() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    let away = repository.path().with_extension("away");
    std::fs::rename(repository.path(), &away).unwrap();
    let path = repository.path().to_str().unwrap();
    let made = crate::database::project(&server.store, "one", path).await;
    server.controller.project_created(made.0).await.unwrap_err();
    let notices = server.store.project_notices(made.0).await.unwrap();
    assert_eq!(notices[0].kind, NoticeKind::Repository);
    assert!(!notices[0].text.contains(path), "{notices:?}");
    std::fs::rename(&away, repository.path()).unwrap();
    server.look_after(SignedDuration::from_secs(61)).await;
    assert_eq!(server.store.project_notices(made.0).await.unwrap(), []);
    let commit = repository.commit(&[("file", "1")]);
    server.look().await;
    assert_eq!(server.started().await, [of("main", "default", &commit)]);
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
async fn the_workflows_of_another_default_branch_are_read_also_where_it_stands_still() {
    for has_server_died in [false, true] {
        let (_database, server) = leading().await;
        let repository = Repository::new();
        repository.commit(&[(".keirin.yaml", BUILD)]);
        repository.git(&["checkout", "--quiet", "-b", "trunk"]);
        repository.commit(&[(".keirin.yaml", &with_triggers("cron: '0 3 * * *'"))]);
        repository.git(&["checkout", "--quiet", "main"]);
        let bare = tempfile::TempDir::new().unwrap();
        let path = bare.path().join("bare.git");
        let path = path.to_str().unwrap();
        repository.git(&["clone", "--quiet", "--bare", ".", path]);
        let (project, _) = crate::database::project(&server.store, "one", path).await;
        server.controller.project_changed(project).await.unwrap();
        assert_eq!(server.store.schedules().await.unwrap(), []);
        repository.git(&["--git-dir", path, "symbolic-ref", "HEAD", "refs/heads/trunk"]);
        if has_server_died {
            let trunk = server.store.branch_by_name(project, Some("trunk")).await.unwrap();
            server.store.set_default_branch(trunk.id).await.unwrap();
        }
        server.look().await;
        let schedules = server.store.schedules().await.unwrap();
        assert_eq!(schedules.len(), 1, "server died: {has_server_died}");
    }
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
async fn people_see_when_a_schedule_starts_a_flow_and_why_it_started_none() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(
        ".keirin.yaml",
        &with_triggers("cron: { schedule: '0 3 * * *', timezone: Europe/Berlin }"),
    )]);
    let (project, _) = server.project("one", &repository).await;
    let three: Timestamp = "2026-03-28T03:00:00+01:00".parse().unwrap();
    server.clock.set(three - SignedDuration::from_mins(1));
    server.look().await;
    let shown = async || server.controller.schedules(project).await.unwrap().remove(0);
    let before = shown().await;
    assert_eq!(
        (before.branch.as_str(), before.workflow.as_str()),
        ("main", "default")
    );
    assert_eq!(before.when, "0 3 * * * in Europe/Berlin");
    assert_eq!(before.next_at, Some(three));
    assert_eq!((before.last_at, before.last_error), (None, None));

    let away = repository.path().with_extension("away");
    std::fs::rename(repository.path(), &away).unwrap();
    server.pass(SignedDuration::from_mins(1)).await;
    server.until_all_is_dealt_with().await;
    until("it is told why nothing started", async || {
        shown().await.last_error.is_some()
    })
    .await;
    let after = shown().await;
    assert_eq!(after.last_at, Some(three));
    assert_eq!(after.next_at, Some(three + SignedDuration::from_hours(23)));
    std::fs::rename(&away, repository.path()).unwrap();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_repository_is_read_anew_even_while_the_one_before_is_fetched() {
    let (_database, server) = leading().await;
    let (before, after) = (Repository::new(), Repository::new());
    for repository in [&before, &after] {
        repository.commit(&[(".keirin.yaml", BUILD)]);
        repository.git(&["branch", "side"]);
    }
    let held = Held::serve(&before);
    let (project, _) = crate::database::project(&server.store, "one", held.address()).await;
    server.controller.project_changed(project).await.unwrap();
    until("the repository before is read", async || {
        server.store.is_project_read(project).await.unwrap()
    })
    .await;

    // A look at the repository before is under way when it becomes another one.
    before.commit(&[("file", "1")]);
    let (comes, go) = held.hold();
    server.begin_look_after(SignedDuration::from_secs(61)).await;
    tokio::task::spawn_blocking(move || comes.recv().unwrap())
        .await
        .unwrap();
    let path = after.path().to_str().unwrap();
    let change = ProjectChange {
        repository: Some(NamedRepository {
            address: path,
            by_admin: true,
        }),
        ..ProjectChange::default()
    };
    let changed = async {
        until("the address is another one", async || {
            let access = server.store.repository_access(project).await.unwrap();
            access.address == path
        })
        .await;
        go.send(()).unwrap();
    };
    let (change, ()) = tokio::join!(server.controller.change_project(project, &change), changed);
    change.unwrap();
    server.until_all_is_dealt_with().await;
    assert_eq!(server.started().await, [], "nothing was pushed to it since");

    let commit = after.commit(&[("file", "2")]);
    server.look().await;
    assert_eq!(server.started().await, [of("main", "default", &commit)]);
}
