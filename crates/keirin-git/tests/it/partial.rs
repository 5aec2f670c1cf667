//! Mirrors of remote repositories: files come when they are needed, credentials stay hidden.

use std::fs;

use keirin_git::{Checkout, CommitId, Credential, GitError, Mirror, NamedBy, RepositoryUrl};

use crate::fixture::{Repository, Story, branch, revision, run_git, run_git_beside, tree_path};
use crate::server::{Files, Server, Silence};

const PASSWORD: &str = "correct-horse-battery";
/// `ci:correct-horse-battery` as the header has it.
const HEADER: &str = "Basic Y2k6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5";

fn credential(password: &str) -> Option<Credential> {
    Some(Credential::Basic {
        username: "ci".to_owned(),
        password: password.to_owned(),
    })
}

/// A repository behind a server that wants a password.
struct Remote {
    story: Story,
    repository: Repository,
    behind: Mirror,
    server: Server,
}

impl Remote {
    async fn start() -> Self {
        let story = Story::new();
        let repository = story.repository("project");
        repository.commit("a", "one", "One");
        repository.commit("a", "two", "Two");
        let behind = story.mirror_behind(&repository).await;
        let server = Server::start(behind.clone(), Some(HEADER)).await;
        Self {
            story,
            repository,
            behind,
            server,
        }
    }

    fn mirror(&self) -> Mirror {
        self.story
            .mirrors
            .mirror("1", self.server.url(), credential(PASSWORD), NamedBy::Admin)
            .unwrap()
    }
}

fn missing_objects(mirror: &Mirror) -> usize {
    let listed = run_git(
        mirror.path(),
        ["rev-list", "--objects", "--missing=print", "--all"],
    )
    .unwrap();
    listed.lines().filter(|line| line.starts_with('?')).count()
}

#[tokio::test]
async fn files_come_when_they_are_read() {
    let remote = Remote::start().await;
    let mirror = remote.mirror();
    assert_eq!(
        mirror.tip(&branch("main")).await.unwrap(),
        Some(remote.repository.head())
    );
    mirror.fetch().await.unwrap();
    assert_eq!(
        missing_objects(&mirror),
        3,
        "commits and folders alone were fetched"
    );
    let head = mirror.resolve(&revision("main")).await.unwrap();
    assert_eq!(mirror.changed_paths(&head, &head).await.unwrap(), []);
    assert_eq!(mirror.list_files(&head, None).await.unwrap().len(), 2);
    assert_eq!(missing_objects(&mirror), 3);
    assert_eq!(
        &mirror.read_file(&head, &tree_path("a"), 100).await.unwrap()[..],
        b"two"
    );
    assert_eq!(missing_objects(&mirror), 2);
    assert_eq!(mirror.default_branch().await.unwrap(), Some(branch("main")));
}

#[tokio::test]
async fn an_unchanged_remote_repository_transfers_nothing() {
    let remote = Remote::start().await;
    let mirror = remote.mirror();
    mirror.fetch().await.unwrap();
    let config = fs::read_to_string(mirror.path().join("config")).unwrap();
    let started = remote.story.git.processes_started();
    mirror.fetch().await.unwrap();
    assert_eq!(
        remote.story.git.processes_started() - started,
        1,
        "one look at the branches"
    );
    remote.repository.commit("a", "three", "Three");
    remote.behind.fetch().await.unwrap();
    assert_eq!(
        mirror.fetch().await.unwrap().branches[0].after,
        Some(remote.repository.head())
    );
    assert!(!config.contains("url") && !config.contains("ci"), "{config}");
    assert_eq!(fs::read_to_string(mirror.path().join("config")).unwrap(), config);
}

#[tokio::test]
async fn a_commit_that_was_served_is_served_again_without_the_remote_repository() {
    let remote = Remote::start().await;
    let mirror = remote.mirror();
    mirror.fetch().await.unwrap();
    let head = mirror.resolve(&revision("main")).await.unwrap();
    let own = Server::start(mirror.clone(), None).await;
    let mut checkout = remote.story.checkout(own.url(), head, Some(1));
    checkout.make(&remote.story.git, None).await.unwrap();
    assert_eq!(
        missing_objects(&mirror),
        1,
        "the file of the commit before is of no use"
    );
    drop(remote.server);
    checkout.into = remote.story.path("again");
    checkout.make(&remote.story.git, None).await.unwrap();
    assert_eq!(fs::read_to_string(checkout.into.join("a")).unwrap(), "two");
}

/// Has the mirror hold both files of this commit.
async fn read_all(mirror: &Mirror, head: &CommitId) {
    mirror.fetch().await.unwrap();
    for path in ["a", "README.md"] {
        mirror.read_file(head, &tree_path(path), 100).await.unwrap();
    }
}

/// The mirror as whoever may name public hosts alone has it, while no name can be looked up.
fn without_names(remote: &Remote) -> Mirror {
    let nowhere = RepositoryUrl::parse("http://no-such-host.invalid/project.git").unwrap();
    let mirrors = &remote.story.mirrors;
    mirrors.mirror("1", nowhere, None, NamedBy::Maintainer).unwrap()
}

#[tokio::test]
async fn what_is_here_is_read_and_served_while_no_name_can_be_looked_up() {
    let remote = Remote::start().await;
    let head = remote.repository.head();
    read_all(&remote.mirror(), &head).await;
    let mirror = without_names(&remote);
    assert_eq!(
        &mirror.read_file(&head, &tree_path("a"), 100).await.unwrap()[..],
        b"two"
    );
    let own = Server::start(mirror.clone(), None).await;
    let checkout = remote.story.checkout(own.url(), head.clone(), Some(1));
    checkout.make(&remote.story.git, None).await.unwrap();
    assert_eq!(fs::read_to_string(checkout.into.join("a")).unwrap(), "two");
    // It lacks the file of the commit before.
    let clone = ["clone", "--quiet", &own.address(), "clone"];
    run_git_beside(remote.story.folder.path(), clone)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn a_file_that_was_left_out_is_not_called_missing_while_no_name_can_be_looked_up() {
    let remote = Remote::start().await;
    let head = remote.repository.head();
    std::os::unix::fs::symlink("a", remote.repository.path.join("link")).unwrap();
    let linked = remote.repository.commit_all("Link");
    remote.behind.fetch().await.unwrap();
    remote.mirror().fetch().await.unwrap();
    let mirror = without_names(&remote);
    for (commit, path) in [(&head, "a"), (&linked, "link")] {
        let error = mirror.read_file(commit, &tree_path(path), 100).await.unwrap_err();
        assert!(error.is_lost_connection(), "{path}: {error:?}");
    }
    let mirror = remote.mirror();
    assert_eq!(
        &mirror.read_file(&linked, &tree_path("link"), 100).await.unwrap()[..],
        b"two"
    );
    let missing = mirror.read_file(&head, &tree_path("b"), 100).await;
    assert!(
        matches!(missing, Err(GitError::PathNotFound { .. })),
        "{missing:?}"
    );
    drop(remote.server);
    let before = mirror.read_file(&head, &tree_path("README.md"), 100).await;
    assert!(
        matches!(before, Err(GitError::Unreachable { .. })),
        "nobody answers: {before:?}"
    );
}

#[tokio::test]
async fn a_whole_clone_through_a_partial_mirror_gets_every_file() {
    let remote = Remote::start().await;
    let mirror = remote.mirror();
    mirror.fetch().await.unwrap();
    let own = Server::start(mirror.clone(), None).await;
    run_git_beside(
        remote.story.folder.path(),
        ["clone", "--quiet", &own.address(), "clone"],
    )
    .await
    .unwrap();
    let clone = remote.story.path("clone");
    assert_eq!(fs::read_to_string(clone.join("a")).unwrap(), "two");
    assert_eq!(run_git(&clone, ["show", "HEAD~1:a"]).unwrap(), "one");
    run_git(&clone, ["fsck", "--strict"]).unwrap();
}

#[tokio::test]
async fn repacking_keeps_what_is_here_and_fetches_nothing() {
    let remote = Remote::start().await;
    let mirror = remote.mirror();
    let head = remote.repository.head();
    read_all(&mirror, &head).await;
    let (missing, transfers) = (missing_objects(&mirror), remote.server.transfers());
    mirror.repack().await.unwrap();
    assert_eq!(
        (missing_objects(&mirror), remote.server.transfers()),
        (missing, transfers)
    );
    assert_eq!(
        &mirror.read_file(&head, &tree_path("a"), 100).await.unwrap()[..],
        b"two"
    );
}

#[tokio::test]
async fn a_token_opens_the_way_and_is_not_left_in_the_checkout() {
    let remote = Remote::start().await;
    let server = Server::start(remote.behind.clone(), Some("Bearer job-token-7")).await;
    let mut checkout = Checkout {
        source: server.url(),
        commit: remote.repository.head(),
        depth: Some(1),
        into: remote.story.path("refused"),
        credential: credential(PASSWORD),
        tags: false,
        submodules: false,
    };
    let error = checkout.make(&remote.story.git, None).await.unwrap_err();
    assert!(
        matches!(error, GitError::AuthenticationFailed { .. }),
        "{error:?}"
    );
    checkout.into = remote.story.path("work");
    checkout.credential = Some(Credential::Bearer {
        token: "job-token-7".to_owned(),
    });
    checkout.make(&remote.story.git, None).await.unwrap();
    assert_eq!(fs::read_to_string(checkout.into.join("a")).unwrap(), "two");
    for entry in walkdir::WalkDir::new(checkout.into.join(".git")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("job-token-7"), "{}", entry.path().display());
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_without_repeating_it() {
    let remote = Remote::start().await;
    for wrong in [None, credential("wrong-password")] {
        let mirror = remote
            .story
            .mirrors
            .mirror("2", remote.server.url(), wrong, NamedBy::Admin)
            .unwrap();
        for error in [
            mirror.fetch().await.unwrap_err(),
            mirror.tip(&branch("main")).await.unwrap_err(),
        ] {
            assert!(
                matches!(error, GitError::AuthenticationFailed { .. }),
                "{error:?}"
            );
            assert!(!format!("{error} {error:?}").contains("wrong-password"));
        }
    }
}

#[tokio::test]
async fn what_keeps_a_host_from_answering_is_told_apart() {
    let story = Story::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/x", listener.local_addr().unwrap());
    drop(listener);
    let error = |address: &str| {
        let mirror = story
            .mirrors
            .mirror("1", RepositoryUrl::parse(address).unwrap(), None, NamedBy::Admin)
            .unwrap();
        async move { mirror.tip(&branch("main")).await.unwrap_err() }
    };
    let unreachable = error(&closed).await;
    assert!(
        matches!(unreachable, GitError::Unreachable { .. }) && unreachable.is_transient(),
        "{unreachable:?}"
    );
    let unknown = error("http://no-such-host.invalid/x").await;
    assert!(matches!(unknown, GitError::HostUnknown { .. }), "{unknown:?}");
    let remote = Remote::start().await;
    let nowhere = RepositoryUrl::parse(&remote.server.address().replace("project", "nowhere")).unwrap();
    let mirror = story
        .mirrors
        .mirror("1", nowhere, credential(PASSWORD), NamedBy::Admin)
        .unwrap();
    let missing = mirror.tip(&branch("main")).await.unwrap_err();
    assert!(
        matches!(missing, GitError::RepositoryNotFound { .. }),
        "{missing:?}"
    );
}

#[tokio::test]
async fn a_credential_stands_on_no_command_line() {
    let story = Story::new();
    let mut silence = Silence::start().await;
    let mirror = story
        .mirrors
        .mirror("1", silence.url.clone(), credential(PASSWORD), NamedBy::Admin)
        .unwrap();
    let main = branch("main");
    let mut asking = std::pin::pin!(mirror.tip(&main));
    tokio::select! {
        _ = &mut asking => panic!("nobody answers"),
        () = silence.asked() => {}
    }
    let lines = command_lines();
    let root = story.folder.path().to_str().unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line.contains(root) && line.contains("ls-remote")),
        "git is being watched: {lines:?}"
    );
    assert!(lines.iter().any(|line| line.contains("remote-http")));
    assert!(
        !lines
            .iter()
            .any(|line| line.contains(PASSWORD) || line.contains(&HEADER[6..]))
    );
}

/// The clock of this test runs ahead whenever nothing else happens.
#[tokio::test(start_paused = true)]
async fn a_host_that_never_answers_is_given_up() {
    let story = Story::new();
    let silence = Silence::start().await;
    let mirror = story
        .mirrors
        .mirror("1", silence.url.clone(), None, NamedBy::Admin)
        .unwrap();
    let error = mirror.tip(&branch("main")).await.unwrap_err();
    assert!(
        matches!(error, GitError::TimedOut { seconds: 60, .. }) && error.is_transient(),
        "{error:?}"
    );
}

#[tokio::test]
async fn ssh_asks_nobody_and_says_what_is_wrong() {
    let story = Story::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("ssh://git@{}/x", listener.local_addr().unwrap());
    drop(listener);
    let key = Credential::SshKey {
        private_key: "no key at all".to_owned(),
        known_hosts: Some(String::new()),
    };
    for credential in [None, Some(key)] {
        let url = RepositoryUrl::parse(&closed).unwrap();
        let mirror = story
            .mirrors
            .mirror("1", url, credential, NamedBy::Admin)
            .unwrap();
        let error = mirror.tip(&branch("main")).await.unwrap_err();
        if error.to_string().contains("cannot run ssh") {
            return println!("skipped: ssh_asks_nobody_and_says_what_is_wrong: the program ssh is missing");
        }
        assert!(matches!(error, GitError::Unreachable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn dropping_a_call_ends_git_and_all_that_it_started() {
    let story = Story::new();
    let mut silence = Silence::start().await;
    let marker = silence.url.as_str().to_owned();
    let into = story.path("work");
    let checkout = Checkout {
        source: silence.url.clone(),
        commit: "1".repeat(40).parse().unwrap(),
        depth: Some(1),
        into,
        credential: None,
        tags: false,
        submodules: false,
    };
    {
        let mut making = std::pin::pin!(checkout.make(&story.git, None));
        tokio::select! {
            _ = &mut making => panic!("nobody answers"),
            () = silence.asked() => {}
        }
        assert!(
            command_lines()
                .iter()
                .any(|line| line.contains("remote-http") && line.contains(&marker))
        );
    }
    // The kernel takes a moment; whoever were left would be left for ever.
    let gone = async {
        while command_lines().iter().any(|line| line.contains(&marker)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone)
        .await
        .expect("git goes on without anybody waiting for it");
}

fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .collect()
}

/// Of such a server git would ask for a part, get nothing, and start itself again and again.
#[tokio::test]
async fn a_server_that_gives_out_files_and_speaks_no_git_is_refused_at_once_and_says_what_to_do() {
    let story = Story::new();
    let repository = story.repository("project");
    repository.git(["update-server-info"]);
    let server = Files::start(repository.path.join(".git")).await;
    let mirror = story
        .mirrors
        .mirror("1", server.url.clone(), None, NamedBy::Admin)
        .unwrap();
    for error in [
        mirror.tip(&branch("main")).await.unwrap_err(),
        mirror.fetch().await.unwrap_err(),
        mirror.fetch_commit(&repository.head()).await.unwrap_err(),
    ] {
        assert!(matches!(error, GitError::DumbHttp { .. }), "{error:?}");
        assert!(error.public_message().contains("git-http-backend"), "{error}");
    }
    // One that has no commit yet is told apart from it too, and from one that speaks git.
    let empty = Repository::empty(story.path("empty"));
    empty.git(["update-server-info"]);
    let server = Files::start(empty.path.join(".git")).await;
    let mirror = story
        .mirrors
        .mirror("2", server.url.clone(), None, NamedBy::Admin);
    let error = mirror.unwrap().fetch().await.unwrap_err();
    assert!(matches!(error, GitError::DumbHttp { .. }), "{error:?}");
    let behind = story.mirror_behind(&empty).await;
    let server = Server::start(behind, None).await;
    let mirror = story.mirrors.mirror("3", server.url(), None, NamedBy::Admin);
    mirror.unwrap().fetch().await.unwrap();
}

#[tokio::test]
async fn a_mirror_without_files_is_repacked_and_still_knows_where_they_are() {
    let remote = Remote::start().await;
    let mirror = remote.mirror();
    mirror.fetch().await.unwrap();
    // The newest commit is taken back, so that no branch leads to it.
    let gone = remote.repository.head();
    remote.repository.git(["reset", "--hard", "--quiet", "HEAD~1"]);
    remote.behind.fetch().await.unwrap();
    mirror.fetch().await.unwrap();
    let missing = missing_objects(&mirror);
    assert!(missing > 0);
    mirror.repack().await.unwrap();
    assert_eq!(missing_objects(&mirror), missing);
    run_git(mirror.path(), ["cat-file", "-e", gone.as_str()]).unwrap();
    remote.repository.commit("a", "three", "Three");
    remote.behind.fetch().await.unwrap();
    mirror.fetch().await.unwrap();
    let head = remote.repository.head();
    assert_eq!(
        &mirror.read_file(&head, &tree_path("a"), 100).await.unwrap()[..],
        b"three"
    );
}
