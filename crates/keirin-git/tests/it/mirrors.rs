//! Keeping a mirror up to date.

use std::fs;

use futures::future::join_all;
use keirin_git::{
    BranchChange, CommitId, FetchResult, Git, GitError, Mirror, Mirrors, NamedBy, ObjectLayout, RepositoryUrl,
};

use crate::fixture::{Repository, Story, branch, revision, run_git};

#[tokio::test]
async fn the_git_here_is_new_enough() {
    assert!(Git::new().version().await.unwrap().starts_with('2'));
    let missing = Git::at("/nowhere/git").version().await.unwrap_err();
    assert!(matches!(missing, GitError::GitMissing { .. }), "{missing:?}");
}

#[tokio::test]
async fn a_mirror_follows_its_repository() {
    let story = Story::new();
    let repository = story.repository("project");
    let first = repository.head();
    let mirror = story.mirror_of(&repository);
    assert!(matches!(
        mirror.resolve(&revision("main")).await,
        Err(GitError::NotMirrored { .. })
    ));

    let fetched = mirror.fetch().await.unwrap();
    assert_eq!(
        fetched.branches,
        [BranchChange {
            branch: branch("main"),
            before: None,
            after: Some(first.clone())
        }]
    );
    assert_eq!(mirror.default_branch().await.unwrap(), Some(branch("main")));

    let second = repository.commit("src/lib.rs", "pub fn one() {}\n", "Add a function");
    repository.git(["tag", "v1"]);
    repository.git(["tag", "--annotate", "--message", "two", "v2"]);
    assert_eq!(mirror.tip(&branch("main")).await.unwrap(), Some(second.clone()));
    assert_eq!(
        mirror.resolve(&revision("main")).await.unwrap(),
        first,
        "nothing was fetched yet"
    );

    let fetched = mirror.fetch().await.unwrap();
    assert_eq!(
        fetched.branches,
        [BranchChange {
            branch: branch("main"),
            before: Some(first.clone()),
            after: Some(second.clone())
        }]
    );
    assert_eq!(fetched.tags, ["v1", "v2"]);
    for name in [
        "main",
        "HEAD",
        "v1",
        "v2",
        "refs/heads/main",
        "refs/tags/v2",
        second.as_str(),
        &second.as_str()[..7],
    ] {
        assert_eq!(mirror.resolve(&revision(name)).await.unwrap(), second, "{name}");
    }
    assert_eq!(mirror.resolve(&revision(first.short())).await.unwrap(), first);
    for name in [
        "nothing",
        "refs/heads/nothing",
        "0123456789",
        "deadbeef",
        &"0".repeat(40),
    ] {
        let missing = mirror.resolve(&revision(name)).await.unwrap_err();
        assert!(
            matches!(missing, GitError::RevisionNotFound { .. }),
            "{name}: {missing:?}"
        );
    }
    assert_eq!(mirror.fetch().await.unwrap(), FetchResult::default());
}

#[tokio::test]
async fn branches_come_and_go_and_give_way_to_others() {
    let story = Story::new();
    let repository = story.repository("project");
    let head = repository.head();
    repository.git(["branch", "topic"]);
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    assert_eq!(mirror.tip(&branch("topic")).await.unwrap(), Some(head.clone()));

    repository.git(["branch", "--delete", "topic"]);
    repository.git(["branch", "topic/one"]);
    repository.git(["checkout", "--quiet", "-b", "trunk"]);
    let fetched = mirror.fetch().await.unwrap();
    assert_eq!(fetched.branches.len(), 3);
    assert_eq!(
        fetched.branches[0],
        BranchChange {
            branch: branch("topic"),
            before: Some(head.clone()),
            after: None
        }
    );
    assert_eq!(mirror.tip(&branch("topic")).await.unwrap(), None);
    let names: Vec<String> = mirror
        .heads()
        .await
        .unwrap()
        .branches
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["main", "topic/one", "trunk"]);
    assert_eq!(mirror.default_branch().await.unwrap(), Some(branch("trunk")));
}

#[tokio::test]
async fn an_unchanged_repository_here_costs_no_process() {
    let story = Story::new();
    let repository = story.repository("project");
    repository.git(["branch", "other"]);
    let mirror = story.mirror_of(&repository);
    let head = repository.head();
    assert!(!mirror.stands_at(&branch("main"), &head).await.unwrap());
    mirror.fetch().await.unwrap();
    for packed in [false, true] {
        if packed {
            repository.git(["pack-refs", "--all"]);
        }
        let before = story.git.processes_started();
        assert_eq!(
            mirror.tip(&branch("main")).await.unwrap(),
            Some(repository.head())
        );
        assert_eq!(mirror.tip(&branch("none")).await.unwrap(), None);
        assert_eq!(mirror.fetch().await.unwrap(), FetchResult::default());
        assert_eq!(mirror.heads().await.unwrap().branches.len(), 2);
        assert!(mirror.stands_at(&branch("main"), &head).await.unwrap());
        assert!(!mirror.stands_at(&branch("none"), &head).await.unwrap());
        assert_eq!(story.git.processes_started(), before, "packed: {packed}");
    }
}

#[tokio::test]
async fn every_kind_of_local_repository_is_read() {
    let story = Story::new();
    let repository = story.repository("project");
    let head = repository.head();
    let linked = story.path("linked");
    repository.git([
        "worktree",
        "add",
        "--quiet",
        "-b",
        "side",
        linked.to_str().unwrap(),
    ]);
    let bare = story.path("bare.git");
    repository.git(["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    for (name, path, default) in [
        ("linked", linked, "side"),
        ("bare", bare, "main"),
        ("short", story.path("bare"), "main"),
    ] {
        let url = RepositoryUrl::parse(path.to_str().unwrap()).unwrap();
        let mirror = story.mirrors.mirror(name, url, None, NamedBy::Admin).unwrap();
        assert_eq!(
            mirror.tip(&branch("main")).await.unwrap(),
            Some(head.clone()),
            "{name}"
        );
        mirror.fetch().await.unwrap();
        assert_eq!(
            mirror.default_branch().await.unwrap(),
            Some(branch(default)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_empty_repository_is_a_repository() {
    let story = Story::new();
    let repository = Repository::empty(story.path("project"));
    let mirror = story.mirror_of(&repository);
    assert_eq!(mirror.fetch().await.unwrap(), FetchResult::default());
    assert_eq!(mirror.default_branch().await.unwrap(), None);
    assert_eq!(mirror.tip(&branch("main")).await.unwrap(), None);
    assert!(matches!(
        mirror.resolve(&revision("HEAD")).await,
        Err(GitError::RevisionNotFound { .. })
    ));
}

#[tokio::test]
async fn what_is_no_repository_is_told_as_such() {
    let story = Story::new();
    fs::create_dir(story.path("folder")).unwrap();
    for name in ["folder", "nowhere"] {
        let url = RepositoryUrl::parse(story.path(name).to_str().unwrap()).unwrap();
        let mirror = story.mirrors.mirror("1", url, None, NamedBy::Admin).unwrap();
        for error in [
            mirror.fetch().await.unwrap_err(),
            mirror.tip(&branch("main")).await.unwrap_err(),
        ] {
            assert!(
                matches!(error, GitError::RepositoryNotFound { .. }),
                "{name}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_fetch() {
    let story = Story::new();
    let repository = story.repository("project");
    let mirror = story.mirror_of(&repository);
    let results = join_all((0..20).map(|_| mirror.fetch())).await;
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().unwrap().branches.len() == 1)
    );
    assert_eq!(
        story.git.processes_started(),
        2,
        "one to make the mirror, one to fetch"
    );
}

#[tokio::test]
async fn a_fetch_goes_on_when_its_caller_leaves() {
    let story = Story::new();
    let repository = story.repository("project");
    let mirror = story.mirror_of(&repository);
    {
        let mut leaving = std::pin::pin!(mirror.fetch());
        assert!(futures::poll!(&mut leaving).is_pending());
    }
    let fetched = mirror.fetch().await.unwrap();
    assert_eq!(fetched.branches.len(), 1, "the second call joined the first");
    assert_eq!(story.git.processes_started(), 2);
}

#[tokio::test]
async fn a_forced_push_loses_no_commit_that_flows_ran_on() {
    let story = Story::new();
    let repository = story.repository("project");
    let lost = repository.commit("a", "1", "Will be lost");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    let kept = repository.commit("a", "2", "Instead");
    mirror.fetch().await.unwrap();
    mirror.repack().await.unwrap();
    assert_eq!(mirror.resolve(&revision("main")).await.unwrap(), kept);
    assert_eq!(mirror.resolve(&revision(lost.as_str())).await.unwrap(), lost);
}

#[tokio::test]
async fn a_commit_on_no_branch_can_be_fetched_by_its_id() {
    let story = Story::new();
    let repository = story.repository("project");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    let proposed = repository.commit("a", "1", "A proposed change");
    repository.git(["update-ref", "refs/pull/7/head", "HEAD"]);
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    assert!(!mirror.has_commit(&proposed).await.unwrap());
    mirror.fetch_commit(&proposed).await.unwrap();
    assert!(mirror.has_commit(&proposed).await.unwrap());
    let missing = "1".repeat(40).parse().unwrap();
    let error = mirror.fetch_commit(&missing).await.unwrap_err();
    assert!(matches!(error, GitError::CommitNotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn a_project_may_move_to_another_repository() {
    let story = Story::new();
    let (old, new) = (story.repository("old"), story.repository("new"));
    new.commit("only", "here", "Only here");
    story
        .mirrors
        .mirror("1", old.url(), None, NamedBy::Admin)
        .unwrap()
        .fetch()
        .await
        .unwrap();
    let mirror = story
        .mirrors
        .mirror("1", new.url(), None, NamedBy::Admin)
        .unwrap();
    mirror.fetch().await.unwrap();
    assert_eq!(mirror.resolve(&revision("main")).await.unwrap(), new.head());
}

#[test]
fn a_mirrors_name_cannot_leave_the_folder() {
    let mirrors = Mirrors::new(Git::new(), "/nowhere");
    for name in ["", ".", "..", "../x", "a/b", "-x", ".hidden", "a b"] {
        let url = RepositoryUrl::parse("/srv/x").unwrap();
        assert!(
            mirrors.mirror(name, url, None, NamedBy::Admin).is_err(),
            "{name:?}"
        );
    }
}

/// Pushes so often that the mirror has many packs; gives the commits.
async fn scatter(story: &Story, repository: &Repository) -> (Mirror, Vec<CommitId>) {
    let mirror = story.mirror_of(repository);
    let mut commits = Vec::new();
    for number in 0..22 {
        repository.commit("a", &number.to_string(), "Step");
        commits.push(repository.head());
        mirror.fetch().await.unwrap();
        // As a fetch of many objects leaves them.
        run_git(mirror.path(), ["repack", "-d", "-q"]).unwrap();
    }
    (mirror, commits)
}

#[tokio::test]
async fn many_packs_become_few_and_no_commit_is_lost() {
    let story = Story::new();
    let repository = story.repository("project");
    let (mirror, commits) = scatter(&story, &repository).await;
    // The newest ones are taken back, so that no branch leads to them.
    repository.git(["reset", "--hard", "--quiet", "HEAD~5"]);
    mirror.fetch().await.unwrap();
    let before = mirror.object_layout().await.unwrap();
    assert!(before.is_scattered(), "{before:?}");
    mirror.repack().await.unwrap();
    let after = mirror.object_layout().await.unwrap();
    assert!(after.packs <= 2 && after.loose == 0, "{after:?}");
    assert!(!after.is_scattered());
    for commit in commits {
        run_git(mirror.path(), ["cat-file", "-e", commit.as_str()]).unwrap();
    }
    // It goes on as before.
    repository.commit("a", "more", "More");
    assert_eq!(mirror.fetch().await.unwrap().branches.len(), 1);
}

#[tokio::test]
async fn where_there_is_no_mirror_nothing_is_repacked() {
    let story = Story::new();
    let repository = story.repository("project");
    let mirror = story.mirror_of(&repository);
    assert_eq!(mirror.object_layout().await.unwrap(), ObjectLayout::default());
    assert!(matches!(mirror.repack().await, Err(GitError::NotMirrored { .. })));
}

/// What a git was writing that was ended lies there for ever, and may be as large as the repository.
#[tokio::test]
async fn packs_that_an_ended_git_had_begun_are_removed_once_nobody_can_be_writing_them() {
    let story = Story::new();
    let repository = story.repository("project");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    let packs = mirror.path().join("objects/pack");
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    for (name, is_old) in [
        ("tmp_pack_Ab1", true),
        (".tmp-7-pack-ab.pack", true),
        ("tmp_pack_Cd2", false),
    ] {
        let file = fs::File::create(packs.join(name)).unwrap();
        if is_old {
            file.set_modified(long_ago).unwrap();
        }
    }
    let whole = mirror.object_layout().await.unwrap();
    assert_eq!(whole.packs, 0, "what is being written is no pack yet: {whole:?}");
    let left = || {
        let names = fs::read_dir(&packs).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("tmp")).collect::<Vec<_>>()
    };
    repository.commit("a", "1", "One");
    mirror.fetch().await.unwrap();
    assert_eq!(left(), ["tmp_pack_Cd2"]);
    fs::File::open(packs.join("tmp_pack_Cd2"))
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    mirror.repack().await.unwrap();
    assert_eq!(left(), [""; 0]);
}
