//! Repositories that cannot be used: what stays is not called passing, and no answer names a folder of the server.

use keirin_store::projects::{NamedRepository, ProjectChange};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use keirin_controller::work::{Work as _, WorkError};
use keirin_git::Git;
use keirin_model::ProjectId;
use keirin_model::project::NoticeKind;
use keirin_testkit::FakeClock;

use crate::server::{Repository, Server, leading};

const BUILD: &str = "
keirin: 1
stages:
  build:
    jobs:
      test: { steps: [ { run: 'true' } ] }
";

/// What is said to be wrong, and what to do: of the workflow file where it is that.
async fn refused(server: &Server, project: ProjectId) -> (String, String) {
    match server.start_by_hand(project).await {
        Err(WorkError::Invalid {
            detail,
            fix,
            diagnostics,
        }) => match diagnostics.into_iter().next() {
            Some(found) => (format!("{}.", found.message), found.suggestion.unwrap()),
            None => (detail, fix),
        },
        Err(WorkError::Inaccessible { detail, fix }) => (detail, fix),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_that_is_no_file_of_a_usual_size_stays_what_it_is() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[("README.md", "hello")]);
    let (project, _) = server.project("one", &repository).await;
    let path = repository.path().join(".keirin.yaml");

    fs::write(&path, "#".repeat(2_000_000)).unwrap();
    repository.commit(&[]);
    let (detail, fix) = refused(&server, project).await;
    assert_eq!(
        detail,
        ".keirin.yaml has 2000000 bytes, more than the 1048576 allowed."
    );
    assert_eq!(fix, "Commit a smaller file in its place.");

    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    repository.commit(&[]);
    let (detail, fix) = refused(&server, project).await;
    assert!(detail.contains("a link out of the repository"), "{detail}");
    assert_eq!(fix, "Commit a plain file in its place.");

    fs::remove_file(&path).unwrap();
    repository.commit(&[(".keirin.yaml/file", "text")]);
    let (detail, _) = refused(&server, project).await;
    assert!(detail.contains("a folder"), "{detail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_is_damaged_or_gone_stays_so() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    let (project, _) = server.project("one", &repository).await;
    repository.commit(&[("file", "to be lost")]);
    let id = repository.git(&["rev-parse", "HEAD:file"]);
    fs::remove_file(
        repository
            .path()
            .join(".git/objects")
            .join(&id[..2])
            .join(&id[2..]),
    )
    .unwrap();
    let (detail, fix) = refused(&server, project).await;
    assert!(detail.contains("is damaged or lacks a part"), "{detail}");
    assert_eq!(fix, "Repair the repository, or name a whole clone of it.");

    fs::remove_dir_all(repository.path().join(".git")).unwrap();
    let (_, fix) = refused(&server, project).await;
    assert_eq!(fix, "Check the project's repository.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_mirror_is_a_fault_of_the_server_whose_folders_are_not_told() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    let (project, _) = server.project("one", &repository).await;
    let mirror = server.mirrors().join(format!("{project}.git"));
    fs::write(mirror.join("refs/heads/main"), "nonsense").unwrap();
    repository.commit(&[("file", "new")]);
    match server.start_by_hand(project).await {
        Err(WorkError::ServerFault(detail)) => {
            assert!(detail.contains("copy of the repository is damaged"), "{detail}");
            assert!(!detail.contains(server.mirrors().to_str().unwrap()), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_of_the_longer_ids_runs_flows() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    fs::remove_dir_all(repository.path().join(".git")).unwrap();
    repository.git(&[
        "init",
        "--quiet",
        "--initial-branch=main",
        "--object-format=sha256",
    ]);
    let commit = repository.commit(&[(".keirin.yaml", BUILD)]);
    let (project, _) = server.project("one", &repository).await;
    server.start_by_hand(project).await.unwrap();
    assert_eq!(server.flows().await[0].commit.as_deref(), Some(commit.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_inside_is_for_admins_alone_and_the_answer_tells_no_ports() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    let (project, _) = server.project("one", &repository).await;
    server.start_by_hand(project).await.unwrap();
    let by_maintainer = async |address: &str| {
        let repository = NamedRepository {
            address,
            by_admin: false,
        };
        let change = ProjectChange {
            repository: Some(repository),
            ..ProjectChange::default()
        };
        server.store.change_project(project, &change).await.unwrap();
    };
    by_maintainer(&format!("{}/.git", repository.path().display())).await;
    let (detail, fix) = refused(&server, project).await;
    assert!(detail.starts_with("This server may not fetch from "), "{detail}");
    assert_eq!(fix, "Name another repository, or ask an admin.");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut said = Vec::new();
    for port in [address.port(), 1] {
        let address = format!("http://127.0.0.1:{port}/x");
        by_maintainer(&address).await;
        let (detail, _) = refused(&server, project).await;
        said.push(detail.replace(&address, ""));
    }
    assert_eq!(said[0], said[1]);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody was asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_may_not_be_fetched_changes_nothing_and_one_that_cannot_be_read_is_told_of() {
    let (_database, server) = leading().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    let (project, _) = server.project("one", &repository).await;
    let before = server.store.project(project).await.unwrap();
    let change = |address, by_admin, public| ProjectChange {
        repository: Some(NamedRepository { address, by_admin }),
        public,
        ..ProjectChange::default()
    };
    let inside = change("https://127.0.0.1:9/x", false, Some(true));
    let refused = server
        .controller
        .change_project(project, &inside)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().starts_with("This server may not fetch from "),
        "{refused}"
    );
    assert_eq!(server.store.project(project).await.unwrap(), before);
    assert_eq!(server.store.project_notices(project).await.unwrap(), []);

    let nowhere = repository.path().join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    server
        .controller
        .change_project(project, &change(nowhere, true, None))
        .await
        .unwrap();
    assert_eq!(server.store.project(project).await.unwrap().repository, nowhere);
    let notices = server.store.project_notices(project).await.unwrap();
    assert_eq!(notices[0].kind, NoticeKind::Repository);

    // What has nothing to do with the repository goes well although that cannot be read.
    let public = ProjectChange {
        public: Some(true),
        ..ProjectChange::default()
    };
    server.controller.change_project(project, &public).await.unwrap();
    assert!(server.store.project(project).await.unwrap().public);
}

/// A git that reaches this repository, which leaves files out, under an address elsewhere. Files are not reached as long
/// as `away` is there, and what keeps them is what it says.
pub fn elsewhere(repository: &Repository, folder: &std::path::Path) -> (Git, &'static str) {
    let address = "http://forge.example/project.git";
    let (program, away) = (folder.join("git"), folder.join("away"));
    let script = format!(
        "#!/bin/sh\n\
         case \"$*\" in *cat-file*--follow-symlinks*)\n\
         [ \"$GIT_NO_LAZY_FETCH\" = 1 ] || if [ -e '{away}' ]; then cat '{away}' >&2; exit 128; fi;; esac\n\
         export GIT_ALLOW_PROTOCOL=file:http GIT_CONFIG_GLOBAL='{config}'\n\
         exec git \"$@\"\n",
        away = away.display(),
        config = folder.join("config").display(),
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = repository.path().display();
    fs::write(
        folder.join("config"),
        format!("[url \"{path}\"]\n\tinsteadOf = {address}\n[safe]\n\tdirectory = *\n"),
    )
    .unwrap();
    repository.git(&["config", "uploadpack.allowFilter", "true"]);
    repository.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    (Git::at(program), address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_whose_files_cannot_be_reached_at_the_moment_starts_later() {
    let database = keirin_testkit::database().await;
    let repository = Repository::new();
    repository.commit(&[(".keirin.yaml", BUILD)]);
    let folder = tempfile::TempDir::new().unwrap();
    let (git, address) = elsewhere(&repository, folder.path());
    let server = Server::start_with(database.store(), "first", &FakeClock::default(), git);
    server.until_it_leads().await;
    let (project, branch) = crate::database::project(&server.store, "one", address).await;
    server.controller.project_changed(project).await.unwrap();
    let away = folder.path().join("away");
    for (number, words) in [
        "Could not resolve host: forge.example",
        "Temporary failure in name resolution",
        "Failed to connect to forge.example",
        "The requested URL returned error: 403",
    ]
    .into_iter()
    .enumerate()
    {
        let workflow = BUILD.replace(
            "stages:",
            &format!("triggers: {{ push: {{}} }}\n# {number}\nstages:"),
        );
        let commit = repository.commit(&[(".keirin.yaml", &workflow)]);
        fs::write(&away, format!("fatal: unable to access '{address}/': {words}\n")).unwrap();
        server.look_after(jiff::SignedDuration::from_secs(61)).await;
        assert_eq!(server.started().await.len(), number, "{words}");
        fs::remove_file(&away).unwrap();
        server.look_after(jiff::SignedDuration::from_secs(61)).await;
        let expected = ("main".to_owned(), "default".to_owned(), commit);
        assert_eq!(server.started().await.pop(), Some(expected), "{words}");
    }
    let push = server.store.last_push(branch).await.unwrap().unwrap();
    assert_eq!(push.reasons, Vec::<String>::new());
}
