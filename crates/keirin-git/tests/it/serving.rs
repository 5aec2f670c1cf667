//! A mirror served over HTTP, read by plain git.

use std::fs;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures::TryStreamExt as _;
use keirin_git::{Checkout, NamedBy};
use tokio_util::task::AbortOnDropHandle;

use crate::fixture::{Repository, Story, commit, run_git, run_git_beside};
use crate::server::Server;

#[tokio::test]
async fn plain_git_clones_from_the_server_and_follows_it() {
    for version in ["protocol.version=2", "protocol.version=1", "protocol.version=0"] {
        let story = Story::new();
        let repository = story.repository("project");
        repository.git(["tag", "v1"]);
        let mirror = story.mirror_of(&repository);
        mirror.fetch().await.unwrap();
        let server = Server::start(mirror.clone(), None).await;
        let clone = story.path("clone");
        run_git_beside(
            story.folder.path(),
            ["-c", version, "clone", "--quiet", &server.address(), "clone"],
        )
        .await
        .unwrap();
        assert_eq!(fs::read_to_string(clone.join("README.md")).unwrap(), "hello\n");
        assert_eq!(run_git(&clone, ["tag"]).unwrap(), "v1");

        let second = repository.commit("a", "1", "More");
        mirror.fetch().await.unwrap();
        run_git_beside(&clone, ["-c", version, "pull", "--quiet"])
            .await
            .unwrap();
        assert_eq!(
            run_git(&clone, ["rev-parse", "HEAD"]).unwrap(),
            second.as_str(),
            "{version}"
        );
    }
}

#[tokio::test]
async fn clients_that_take_their_time_hold_up_no_other_project() {
    let story = Story::new();
    let (slow, other) = (story.repository("slow"), story.repository("other"));
    let mirror = |name: &str, repository: &Repository| {
        let url = repository.url();
        story.mirrors.mirror(name, url, None, NamedBy::Admin).unwrap()
    };
    let (slow, other) = (mirror("1", &slow), mirror("2", &other));
    slow.fetch().await.unwrap();
    other.fetch().await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..8 {
        let slow = slow.clone();
        clients.push(AbortOnDropHandle::new(tokio::spawn(async move {
            let request = futures::stream::pending::<Result<Bytes, std::io::Error>>();
            let _served = slow.serve_upload_pack(None, request).await.unwrap();
            std::future::pending::<()>().await;
        })));
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let served = other.serve_info_refs(None).await.unwrap();
    let answer: Vec<Bytes> = served.body.try_collect().await.unwrap();
    assert!(answer.concat().ends_with(b"0000"));
}

#[tokio::test]
async fn one_exact_commit_is_fetched_without_its_history() {
    let story = Story::new();
    let repository = story.repository("project");
    let middle = repository.commit("a", "middle", "Middle");
    repository.commit("a", "tip", "Tip");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    let server = Server::start(mirror, None).await;
    let address = server.address();
    let into = story.path("work");
    Checkout {
        source: server.url(),
        commit: middle.clone(),
        depth: Some(1),
        into: into.clone(),
        credential: None,
        tags: false,
        submodules: false,
    }
    .make(&story.git, None)
    .await
    .unwrap();
    assert_eq!(run_git(&into, ["rev-parse", "HEAD"]).unwrap(), middle.as_str());
    assert_eq!(fs::read_to_string(into.join("a")).unwrap(), "middle");
    assert_eq!(run_git(&into, ["rev-list", "--count", "HEAD"]).unwrap(), "1");

    let old_client = Repository::empty(story.path("old-client"));
    let version = "protocol.version=0";
    let fetch = [
        "-c",
        version,
        "fetch",
        "--quiet",
        "--depth=1",
        &address,
        middle.as_str(),
    ];
    run_git_beside(&old_client.path, fetch).await.unwrap();
    assert_eq!(commit(&old_client.git(["rev-parse", "FETCH_HEAD"])), middle);
}

#[tokio::test]
async fn pushing_to_the_server_is_refused() {
    let story = Story::new();
    let repository = story.repository("project");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    let server = Server::start(mirror.clone(), None).await;
    let head = repository.head();
    repository.commit("a", "1", "Not for the mirror");
    let refused = run_git_beside(&repository.path, ["push", &server.address(), "main"])
        .await
        .unwrap_err();
    assert!(refused.contains("403"), "{refused}");
    assert_eq!(mirror.heads().await.unwrap().branches[0].1, head.as_str());
}

#[tokio::test]
async fn a_client_that_wants_much_sends_its_request_compressed() {
    let story = Story::new();
    let repository = story.repository("project");
    for number in 0..50 {
        repository.git(["checkout", "--quiet", "--orphan", &format!("branch-{number}")]);
        repository.commit("a", &number.to_string(), "Apart");
    }
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    let server = Server::start(mirror.clone(), None).await;
    run_git_beside(
        story.folder.path(),
        ["clone", "--quiet", &server.address(), "clone"],
    )
    .await
    .unwrap();
    let branches = run_git(&story.path("clone"), ["branch", "--remotes"]).unwrap();
    assert_eq!(branches.lines().count(), 52, "{branches}");
    assert!(
        server.counts.compressed.load(Ordering::Relaxed) > 0,
        "the story is about compressed requests"
    );
}
