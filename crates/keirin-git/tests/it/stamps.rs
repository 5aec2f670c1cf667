//! Stamps of a repository's references: another one after whatever moves a reference, the same after whatever does not.

use keirin_git::{RefsStamp, StampError};

use crate::fixture::{Repository, Story};

#[test]
fn whatever_moves_a_reference_makes_another_stamp_and_nothing_else_does() {
    let story = Story::new();
    let repository = story.repository("project");
    repository.git(["branch", "topic/one"]);
    let mut before = RefsStamp::of(&repository.path).unwrap();
    let mut moves = |what: &[&str], expected: bool| {
        crate::fixture::run_git(&repository.path, what).unwrap();
        let now = RefsStamp::of(&repository.path).unwrap();
        assert_eq!(now != before, expected, "{what:?}");
        before = now;
    };
    for (what, expected) in [
        (
            &["commit", "--quiet", "--allow-empty", "--message", "more"][..],
            true,
        ),
        (&["status"], false),
        (&["log"], false),
        (&["gc", "--quiet", "--prune=now", "--keep-largest-pack"], true),
        (&["branch", "--force", "topic/one"], true),
        (&["branch", "--delete", "--force", "topic/one"], true),
        (&["branch", "a/deep/one"], true),
        (&["update-ref", "refs/heads/a/deep/one", "HEAD~1"], true),
        (&["update-ref", "refs/heads/a/deep/one", "HEAD"], true),
        (&["tag", "v1"], true),
        (&["tag", "--force", "v1", "HEAD~1"], true),
        (&["pack-refs", "--all"], true),
        (&["tag", "--delete", "v1"], true),
        (&["checkout", "--quiet", "a/deep/one"], true),
        (&["reset", "--hard", "--quiet", "HEAD~1"], true),
        (&["config", "keirin.test", "1"], false),
    ] {
        moves(what, expected);
    }
}

#[test]
fn a_bare_repository_and_a_linked_work_tree_have_one_too() {
    let story = Story::new();
    let repository = story.repository("project");
    let (bare, linked) = (story.path("bare.git"), story.path("linked"));
    repository.git(["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    repository.git([
        "worktree",
        "add",
        "--quiet",
        linked.to_str().unwrap(),
        "-b",
        "beside",
    ]);
    let stamps = || [&bare, &linked].map(|folder| RefsStamp::of(folder).unwrap());
    let before = stamps();
    // As git finds it without its ending.
    RefsStamp::of(&story.path("bare")).unwrap();
    repository.git(["push", "--quiet", bare.to_str().unwrap(), "HEAD:refs/heads/new"]);
    repository.git(["branch", "another"]);
    let after = stamps();
    assert!(before[0] != after[0] && before[1] != after[1]);
    assert_eq!(stamps(), after);

    // Another tool keeps some of the branches elsewhere.
    std::fs::rename(bare.join("refs/heads"), story.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(story.path("elsewhere"), bare.join("refs/heads")).unwrap();
    let linked_heads = RefsStamp::of(&bare).unwrap();
    std::fs::write(story.path("elsewhere/new"), repository.head().as_str()).unwrap();
    assert_ne!(RefsStamp::of(&bare).unwrap(), linked_heads);
}

#[test]
fn what_is_no_repository_or_has_very_many_files_of_references_has_none() {
    let story = Story::new();
    let nothing = story.path("nothing");
    assert!(matches!(RefsStamp::of(&nothing), Err(StampError::Unreadable(_))));
    std::fs::create_dir(&nothing).unwrap();
    assert!(matches!(RefsStamp::of(&nothing), Err(StampError::Unreadable(_))));

    // What would be waited for, or never ends.
    let odd = Repository::empty(story.path("odd"));
    for (kind, arguments) in [
        ("FIFO", ["mkfifo", ".git"].as_slice()),
        ("device", &["ln", "-s", "/dev/zero", ".git"]),
    ] {
        std::fs::rename(odd.path.join(".git"), odd.path.join(kind)).unwrap();
        let made = std::process::Command::new(arguments[0])
            .args(&arguments[1..])
            .current_dir(&odd.path)
            .status();
        assert!(made.unwrap().success());
        assert!(
            matches!(RefsStamp::of(&odd.path), Err(StampError::Unreadable(_))),
            "{kind}"
        );
    }

    let repository = Repository::empty(story.path("many"));
    let commit = repository.commit("file", "1", "Begin");
    for number in 0..10_001 {
        repository.write(
            &format!(".git/refs/tags/{number}"),
            &format!("{}\n", commit.as_str()),
        );
    }
    let refused = RefsStamp::of(&repository.path);
    assert!(matches!(refused, Err(StampError::TooMany)));
    repository.git(["pack-refs", "--all"]);
    RefsStamp::of(&repository.path).unwrap();
}
