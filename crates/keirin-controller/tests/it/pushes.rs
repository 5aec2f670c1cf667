//! New commits and due times, with a real repository: what starts, what does not, and that nothing starts twice.

use keirin_controller::work::{Work as _, WorkError};
use keirin_model::Outcome;
use keirin_model::access::Role;
use keirin_model::flow::Cause;
use keirin_model::project::{BranchKind, NoticeKind};
use keirin_store::projects::ProjectChange;

use crate::server::{Repository, leading};

pub(crate) const BUILD: &str = "
keirin: 1
triggers:
  push: {}
stages:
  build:
    jobs:
      test: { steps: [ { run: 'true' } ] }
";

/// A workflow whose triggers are these.
pub(crate) fn with_triggers(triggers: &str) -> String {
    BUILD.replace("  push: {}\n", &format!("  {triggers}\n"))
}

pub(crate) fn of(branch: &str, workflow: &str, commit: &str) -> (String, String, String) {
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

    let new = repository.commit(&[("file", "1")]);
    server.look().await;
    assert_eq!(server.started().await, [of("main", "default", &new)]);
    assert_eq!(server.flows().await[0].cause, Cause::Push);
    server.look().await;
    assert_eq!(server.started().await.len(), 1);

    // As after a server that died when the flow was written, and before the branch was.
    let newer = repository.commit(&[("file", "2")]);
    server.store.begin_push(branch, &newer).await.unwrap();
    server.start_push_flow(project).await;
    server.look().await;
    assert_eq!(server.started().await.len(), 2);
    let (_, seen) = server.known(project).await;
    assert_eq!(seen["main"].as_ref(), Some(&newer), "the branch was caught up on");
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
async fn a_broken_workflow_is_a_flow_that_failed_and_keeps_no_other_from_starting() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD), (".keirin/lint.yaml", BUILD)]);
    let (project, branch) = server.project("one", &repository).await;
    assert_eq!(server.store.project_notices(project).await.unwrap(), []);

    let broken = repository.commit(&[(".keirin.yaml", "keirin: 1\nstages: 7\n")]);
    server.look().await;
    assert_eq!(
        server.started().await,
        [of("main", "default", &broken), of("main", "lint", &broken)]
    );
    let flow = &server.flows().await[0];
    assert_eq!((flow.outcome, flow.workflow_errors), (Some(Outcome::Failed), 1));
    let flow = server.store.flow_view(flow.id).await.unwrap();
    let found = &flow.diagnostics[0];
    assert_eq!(
        (found.file.as_str(), found.line),
        (".keirin.yaml", 2),
        "{found:?}"
    );
    let (_, seen) = server.known(project).await;
    assert_eq!(
        seen["main"].as_ref(),
        Some(&broken),
        "it is not looked at for ever"
    );
    let push = server.store.last_push(branch).await.unwrap().unwrap();
    assert_eq!((push.flows.len(), push.reasons.len()), (2, 0), "{push:?}");
    let notices = server.store.project_notices(project).await.unwrap();
    assert_eq!(notices[0].kind, NoticeKind::Workflow, "{notices:?}");
    assert!(
        notices[0]
            .text
            .contains("`.keirin.yaml` on `main` is broken: line 2"),
        "{notices:?}"
    );
    let by_hand = server.start_by_hand(project).await;
    assert!(matches!(by_hand, Err(WorkError::Invalid { .. })), "{by_hand:?}");

    let mended = repository.commit(&[(".keirin.yaml", BUILD)]);
    server.look().await;
    assert_eq!(
        server.started().await[2..],
        [of("main", "default", &mended), of("main", "lint", &mended)]
    );
    assert_eq!(server.store.project_notices(project).await.unwrap(), []);

    // Whoever asks why it had failed sees the file as it was.
    let files = async |commit: Option<&str>| {
        let files = server.controller.workflows(project, None, commit).await?;
        Ok::<_, WorkError>(files.into_iter().map(|file| file.text).collect::<Vec<_>>())
    };
    assert_eq!(files(None).await.unwrap()[0], BUILD);
    assert_eq!(files(Some(&broken)).await.unwrap()[0], "keirin: 1\nstages: 7\n");
    let unknown = files(Some(&"0".repeat(40))).await;
    assert!(matches!(unknown, Err(WorkError::NotFound(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn globs_that_are_too_large_together_are_a_broken_workflow_and_hold_up_no_other() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    let every_branch = with_triggers("push: { branches: ['**'] }");
    let globs = vec![format!("'{}'", "?".repeat(990)); 300].join(", ");
    repository.commit(&[(".keirin/last.yaml", &every_branch)]);
    let (project, _) = server.project("one", &repository).await;
    repository.git(&["switch", "--quiet", "--create", "topic"]);
    let commit = repository.commit(&[(
        ".keirin/first.yaml",
        &with_triggers(&format!("push: {{ branches: [{globs}] }}")),
    )]);
    server.look().await;
    assert_eq!(
        server.started().await,
        [of("topic", "first", &commit), of("topic", "last", &commit)]
    );
    assert_eq!(server.flows().await[0].outcome, Some(Outcome::Failed));
    let (_, seen) = server.known(project).await;
    assert_eq!(
        seen["topic"].as_ref(),
        Some(&commit),
        "it is not looked at for ever"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_workflow_fails_only_where_its_triggers_would_start_it() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    server.project("one", &repository).await;
    repository.git(&["switch", "--quiet", "--create", "topic"]);
    repository.commit(&[(
        ".keirin.yaml",
        "keirin: 1\ntriggers: { push: { branches: [main] } }\nstages: 7\n",
    )]);
    server.look().await;
    assert_eq!(server.started().await, [], "its triggers can be read");
    let broken = repository.commit(&[(".keirin.yaml", "keirin: 1\ntriggers: [\n")]);
    server.look().await;
    assert_eq!(server.started().await, [of("topic", "default", &broken)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_file_is_a_broken_workflow_and_nothing_to_try_again() {
    let (_database, server) = leading().await;
    for (name, make) in [
        ("folder", "mkdir .keirin.yaml && echo x > .keirin.yaml/file"),
        ("link", "ln -s /etc/hostname .keirin.yaml"),
        ("nowhere", "ln -s missing .keirin.yaml"),
        (
            "large",
            "head -c 20000000 /dev/zero | tr '\\0' '#' > .keirin.yaml",
        ),
    ] {
        let repository = Repository::new();
        repository.commit(&[]);
        let (project, _) = server.project(name, &repository).await;
        repository.run(make);
        repository.commit(&[]);
        server.look().await;
        let flow = server.flows().await.pop().unwrap();
        assert_eq!(
            (flow.outcome, flow.workflow_errors),
            (Some(Outcome::Failed), 1),
            "{name}"
        );
        let by_hand = server.start_by_hand(project).await;
        assert!(
            matches!(by_hand, Err(WorkError::Invalid { .. })),
            "{name}: {by_hand:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_is_set_back_by_force_runs_again() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    server.project("one", &repository).await;
    let first = repository.commit(&[("file", "1")]);
    server.look().await;
    let second = repository.commit(&[("file", "2")]);
    server.look().await;
    repository.git(&["reset", "--quiet", "--hard", &first]);
    server.look().await;
    server.look().await;
    let expected = [&first, &second, &first].map(|commit| of("main", "default", commit));
    assert_eq!(server.started().await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_branch_is_gone_and_one_that_comes_back_was_pushed() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", &with_triggers("push: { branches: ['**'] }"))]);
    repository.git(&["branch", "old/thing"]);
    let (project, _) = server.project("one", &repository).await;
    let gone = async || {
        let branches = server.store.branches(project).await.unwrap();
        let thing = branches.into_iter().find(|branch| branch.name == "old/thing");
        thing.unwrap().gone_at.is_some()
    };
    assert!(!gone().await);
    repository.git(&["branch", "-D", "old/thing"]);
    server.look().await;
    assert!(gone().await);
    assert_eq!(server.started().await, []);
    repository.git(&["branch", "old/thing"]);
    server.look().await;
    assert!(!gone().await);
    let commit = repository.git(&["rev-parse", "HEAD"]);
    assert_eq!(server.started().await, [of("old/thing", "default", &commit)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_start_flows_of_the_workflows_that_want_them() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    let first = repository.commit(&[(
        ".keirin.yaml",
        &with_triggers("push: { branches: ['none'], tags: ['v*'], paths: ['nothing'] }"),
    )]);
    repository.git(&["tag", "v0"]);
    let (project, _) = server.project("one", &repository).await;
    server.look().await;
    assert_eq!(
        server.started().await,
        [],
        "what was there before the project was no push"
    );

    repository.git(&["tag", "v1"]);
    repository.git(&["tag", "--annotate", "--message", "Two", "v2"]);
    repository.git(&["tag", "nightly"]);
    // A branch of the same name is another thing.
    repository.git(&["branch", "v1"]);
    server.look().await;
    server.look().await;
    assert_eq!(
        server.started().await,
        [of("v1", "default", &first), of("v2", "default", &first)]
    );
    let flows = server.flows().await;
    assert!(
        flows.iter().all(|flow| flow.branch_kind == BranchKind::Tag),
        "{flows:?}"
    );
    let branches = server.store.branch_views(project).await.unwrap();
    let names: Vec<&str> = branches.iter().map(|branch| branch.name.as_str()).collect();
    assert_eq!(names, ["main", "v1"], "a tag is no branch");

    let second = repository.commit(&[("file", "1")]);
    repository.git(&["tag", "--force", "v1"]);
    server.look().await;
    assert_eq!(
        server.started().await[2..],
        [of("v1", "default", &second)],
        "a tag that moved"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn very_many_tags_at_once_start_nothing_and_the_project_says_so() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", &with_triggers("push: { tags: ['**'] }"))]);
    let (project, _) = server.project("one", &repository).await;
    for number in 0..21 {
        repository.git(&["tag", &format!("old-{number}")]);
    }
    server.look().await;
    assert_eq!(server.started().await, []);
    let notices = server.store.project_notices(project).await.unwrap();
    assert_eq!(notices[0].kind, NoticeKind::TooMany);
    assert!(
        notices[0].text.starts_with("21 tags were pushed at once"),
        "{notices:?}"
    );
    server.look().await;
    assert_eq!(
        server.store.project_notices(project).await.unwrap(),
        notices,
        "it stays"
    );

    let commit = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "new"]);
    server.look().await;
    assert_eq!(server.started().await, [of("new", "default", &commit)]);
    assert_eq!(server.store.project_notices(project).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_file_that_is_named_and_not_there_holds_up_nothing_else() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    let every_branch = with_triggers("push: { branches: ['**'] }");
    repository.commit(&[(".keirin/other.yaml", &every_branch)]);
    let (project, branch) = server.project("one", &repository).await;
    let change = ProjectChange {
        workflow_file: Some(Some("ci/flows.yaml")),
        ..ProjectChange::default()
    };
    server.controller.change_project(project, &change).await.unwrap();
    let notices = server.store.project_notices(project).await.unwrap();
    assert_eq!(notices[0].kind, NoticeKind::Workflow, "{notices:?}");
    assert!(
        notices[0].text.contains("has no file `ci/flows.yaml`"),
        "{notices:?}"
    );

    let commit = repository.commit(&[("file", "1")]);
    for number in 0..21 {
        repository.git(&["tag", &format!("old-{number}")]);
        repository.git(&["branch", &format!("old-{number}")]);
    }
    server.look().await;
    assert_eq!(server.started().await, [of("main", "other", &commit)]);
    let push = server.store.last_push(branch).await.unwrap().unwrap();
    assert!(
        push.reasons[0].contains("has no file `ci/flows.yaml`"),
        "{push:?}"
    );
    let (_, seen) = server.known(project).await;
    assert_eq!(
        seen["old-0"].as_ref(),
        Some(&commit),
        "it is not looked at for ever"
    );
    let notices = server.store.project_notices(project).await.unwrap();
    let texts: Vec<&str> = notices.iter().map(|notice| notice.text.as_str()).collect();
    assert!(
        texts
            .iter()
            .any(|text| text.starts_with("21 branches were pushed at once")),
        "{texts:?}"
    );
    assert_eq!(
        server
            .controller
            .workflows(project, None, None)
            .await
            .unwrap()
            .len(),
        1,
        "those that are there are shown"
    );

    let mended = repository.commit(&[("ci/flows.yaml", BUILD)]);
    server.look().await;
    assert_eq!(
        server.started().await[1..],
        [of("main", "default", &mended), of("main", "other", &mended)]
    );
    let notices = server.store.project_notices(project).await.unwrap();
    assert!(
        notices.iter().all(|notice| notice.kind != NoticeKind::Workflow),
        "{notices:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_file_whose_name_cannot_be_read_holds_up_no_other() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    server.project("one", &repository).await;
    repository
        .run("mkdir .keirin && touch \"$(printf '.keirin/\\377.yaml')\" \"$(printf '.keirin/a\\nb.yaml')\"");
    let commit = repository.commit(&[(".keirin/other.yaml", BUILD)]);
    server.look().await;
    assert_eq!(
        server.started().await,
        [of("main", "default", &commit), of("main", "other", &commit)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_starts_nothing_says_why() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[("README.md", "nothing to run yet")]);
    let (_, branch) = server.project("one", &repository).await;
    let why = async || {
        server
            .store
            .last_push(branch)
            .await
            .unwrap()
            .unwrap()
            .reasons
            .join(" ")
    };
    repository.commit(&[("file", "1")]);
    server.look().await;
    assert!(why().await.contains("has no workflow file"), "{}", why().await);
    for (triggers, expected) in [
        ("manual: true", "Workflow `default` has no push trigger."),
        (
            "push: { branches: [release, 'v*'] }",
            "Workflow `default` starts on pushes to branches `release`, `v*` alone.",
        ),
        (
            "push: { paths: ['src/**'] }",
            "Workflow `default` starts when files of `src/**` change, and none of them did.",
        ),
    ] {
        repository.commit(&[(".keirin.yaml", &with_triggers(triggers))]);
        server.look().await;
        assert_eq!(why().await, expected);
    }
    assert_eq!(server.started().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_refused_looks_for_no_pushes() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    let (project, _) = server.project("one", &repository).await;
    repository.commit(&[("file", "1")]);
    let mistyped = keirin_wire::api::StartFlow {
        params: [("modee".to_owned(), keirin_model::flow::ParamValue::Boolean(true))].into(),
        ..keirin_wire::api::StartFlow::default()
    };
    let refused = server
        .controller
        .start_flow(project, mistyped, Cause::Here, Role::Admin)
        .await;
    assert!(matches!(refused, Err(WorkError::Invalid { .. })), "{refused:?}");
    assert_eq!(server.started().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_start_by_hand_what_the_workflow_lets_them_start() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", &with_triggers("push: main"))]);
    let (project, _) = server.project("one", &repository).await;
    let start = async |role| {
        let start = keirin_wire::api::StartFlow::default();
        server
            .controller
            .start_flow(project, start, Cause::Here, role)
            .await
    };
    start(Role::Developer).await.unwrap();
    for (manual, role, is_let) in [
        ("manual: { role: maintainer }", Role::Developer, false),
        ("manual: { role: maintainer }", Role::Maintainer, true),
        ("manual: {}", Role::Developer, true),
        ("manual: false", Role::Admin, false),
    ] {
        let triggers = format!("push: main\n  {manual}");
        repository.commit(&[(".keirin.yaml", &with_triggers(&triggers))]);
        let started = start(role).await;
        match started {
            Ok(_) => assert!(is_let, "{manual} for a {role}"),
            Err(WorkError::Forbidden(_)) => assert!(!is_let, "{manual} for a {role}"),
            Err(error) => panic!("{manual} for a {role}: {error}"),
        }
    }
    // What is pushed starts all the same.
    let before = server.started().await.len();
    server.look().await;
    assert!(server.started().await.len() > before);
}
