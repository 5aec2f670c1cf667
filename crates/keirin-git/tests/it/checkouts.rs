//! Checkouts as agents make them.

use std::fs;
use std::sync::{Arc, Mutex};

use keirin_git::{Checkout, CommitId, GitError, ProgressReporter};

use crate::fixture::{Repository, Story, run_git};
use crate::server::Breaking;

fn checkout(story: &Story, repository: &Repository, commit: CommitId, depth: Option<u32>) -> Checkout {
    story.checkout(repository.url(), commit, depth)
}

#[tokio::test]
async fn an_exact_commit_is_checked_out_with_as_much_history_as_asked() {
    for (depth, commits) in [(Some(1), "1"), (Some(2), "2"), (None, "3")] {
        let story = Story::new();
        let repository = story.repository("project");
        repository.commit("a", "1", "Second");
        let third = repository.commit("a", "2", "Third");
        repository.commit("a", "3", "Fourth");
        repository.git(["tag", "v1"]);
        checkout(&story, &repository, third.clone(), depth)
            .make(&story.git, None)
            .await
            .unwrap();
        let work = story.path("work");
        assert_eq!(run_git(&work, ["rev-parse", "HEAD"]).unwrap(), third.as_str());
        assert_eq!(run_git(&work, ["rev-list", "--count", "HEAD"]).unwrap(), commits);
        assert_eq!(fs::read_to_string(work.join("a")).unwrap(), "2");
        assert_eq!(run_git(&work, ["status", "--porcelain"]).unwrap(), "");
        assert_eq!(
            run_git(&work, ["remote", "get-url", "origin"]).unwrap(),
            repository.url().as_str()
        );
        assert_eq!(
            run_git(&work, ["tag"]).unwrap(),
            if depth.is_none() { "v1" } else { "" }
        );
    }
}

#[tokio::test]
async fn progress_is_told_line_by_line() {
    let story = Story::new();
    let repository = story.repository("project");
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = lines.clone();
    let progress: ProgressReporter = Arc::new(move |line| kept.lock().unwrap().push(line.to_owned()));
    checkout(&story, &repository, repository.head(), Some(1))
        .make(&story.git, Some(&progress))
        .await
        .unwrap();
    let lines = lines.lock().unwrap();
    assert!(
        lines.iter().any(|line| line.contains("HEAD is now at")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.contains("objects")), "{lines:?}");
}

#[tokio::test]
async fn a_commit_that_is_not_there_is_told_as_such() {
    let story = Story::new();
    let repository = story.repository("project");
    for depth in [Some(1), None] {
        let story = Story::new();
        let error = checkout(&story, &repository, "1".repeat(40).parse().unwrap(), depth)
            .make(&story.git, None)
            .await
            .unwrap_err();
        assert!(matches!(error, GitError::CommitNotFound { .. }), "{error:?}");
    }
    let nowhere = Repository {
        path: story.path("nowhere"),
    };
    let error = checkout(&story, &nowhere, repository.head(), Some(1))
        .make(&story.git, None)
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::RepositoryNotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn files_that_are_there_stay_and_another_repository_is_not_touched() {
    let story = Story::new();
    let repository = story.repository("project");
    fs::create_dir(story.path("work")).unwrap();
    fs::write(story.path("work/cache"), "kept").unwrap();
    fs::write(story.path("work/README.md"), "replaced").unwrap();
    let wanted = checkout(&story, &repository, repository.head(), Some(1));
    wanted.make(&story.git, None).await.unwrap();
    assert_eq!(fs::read_to_string(story.path("work/cache")).unwrap(), "kept");
    assert_eq!(
        fs::read_to_string(story.path("work/README.md")).unwrap(),
        "hello\n"
    );
    let error = wanted.make(&story.git, None).await.unwrap_err();
    assert!(matches!(error, GitError::AlreadyACheckout { .. }), "{error:?}");
}

#[tokio::test]
async fn an_odd_path_is_written_down_as_it_is() {
    let story = Story::new();
    let repository = story.repository("a \"b\" \\c #;%20");
    let wanted = checkout(&story, &repository, repository.head(), Some(1));
    wanted.make(&story.git, None).await.unwrap();
    let url = run_git(&wanted.into, ["remote", "get-url", "origin"]).unwrap();
    assert_eq!(url, repository.url().as_str());
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    assert_eq!(
        mirror.heads().await.unwrap().branches[0].1,
        repository.head().as_str()
    );
}

#[tokio::test]
async fn submodules_come_with_theirs() {
    let story = Story::new();
    let (inner, middle, outer) = (
        story.repository("inner"),
        story.repository("middle"),
        story.repository("outer"),
    );
    inner.commit("depth", "inner", "Inner");
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"];
    run_git(&middle.path, add.into_iter().chain(["../inner", "inner"])).unwrap();
    middle.commit_all("With inner");
    run_git(
        &outer.path,
        add.into_iter().chain([middle.path.to_str().unwrap(), "middle"]),
    )
    .unwrap();
    let head = outer.commit_all("With middle");
    let mut wanted = checkout(&story, &outer, head, Some(1));
    wanted.submodules = true;
    wanted.make(&story.git, None).await.unwrap();
    assert_eq!(
        fs::read_to_string(story.path("work/middle/inner/depth")).unwrap(),
        "inner"
    );
    wanted.submodules = false;
    wanted.into = story.path("without");
    wanted.make(&story.git, None).await.unwrap();
    assert!(!story.path("without/middle/README.md").exists());
}

#[tokio::test]
async fn a_repository_of_another_account_can_be_read() {
    let story = Story::new();
    let repository = story.repository("project");
    let owned = std::process::Command::new("chown")
        .args(["-R", "12345"])
        .arg(&repository.path)
        .output()
        .unwrap();
    if !owned.status.success() {
        return println!(
            "skipped: a_repository_of_another_account_can_be_read: only root can give a folder away"
        );
    }
    let refused = run_git(&repository.path, ["log"]).unwrap_err();
    assert!(refused.contains("dubious ownership"), "{refused}");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    let head = mirror.heads().await.unwrap().branches[0].1.parse().unwrap();
    checkout(&story, &repository, head, Some(1))
        .make(&story.git, None)
        .await
        .unwrap();
    let copied = keirin_git::copy_working_tree(&story.git, &repository.path, &story.path("copy"))
        .await
        .unwrap();
    assert!(copied.has_git && copied.files == 1, "{copied:?}");
}

/// What a server that restarts may have sent of its answer before its connections broke.
const BROKEN_ANSWERS: &[&str] = &[
    "",
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nContent-Length: 900\r\n\r\n000e",
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nConnection: close\r\n\r\n\
     000eversion 2\n",
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nConnection: close\r\n\r\n\
     001e# service=git-upl",
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nConnection: close\r\n\r\n\
     001e# service=git-upload-pack\n0000",
];

/// What a checkout from a server fails with that answers everything so.
async fn error_of_checkout(answer: &'static str) -> GitError {
    let story = Story::new();
    let server = Breaking::start(answer).await;
    let wanted = story.checkout(server.url.clone(), "1".repeat(40).parse().unwrap(), Some(1));
    wanted.make(&story.git, None).await.unwrap_err()
}

#[tokio::test]
async fn a_connection_that_is_lost_is_told_from_what_stays() {
    for answer in BROKEN_ANSWERS {
        let error = error_of_checkout(answer).await;
        assert!(
            error.is_lost_connection() && error.is_transient(),
            "{answer}: {error:?}"
        );
    }
    for answer in [
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n",
    ] {
        let error = error_of_checkout(answer).await;
        assert!(!error.is_lost_connection(), "{answer}: {error:?}");
    }
}
