//! Reading commits and files from a mirror.

use std::os::unix::fs::{PermissionsExt, symlink};

use keirin_git::{ChangedPath, CommitId, EntryKind, GitError, PathChange, TreeEntry};

use crate::fixture::{Story, revision, tree_path};

#[tokio::test]
async fn files_are_read_as_they_were_at_a_commit() {
    let story = Story::new();
    let repository = story.repository("project");
    let first = repository.commit(".keirin.yaml", "keirin: 1\n", "Add a workflow");
    symlink(".keirin.yaml", repository.path.join("link.yaml")).unwrap();
    symlink("/etc/passwd", repository.path.join("outside")).unwrap();
    symlink("nowhere", repository.path.join("dangling")).unwrap();
    let second = repository.commit(".keirin.yaml", "keirin: 1\nstages: {}\n", "Change it");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();

    let read =
        async |commit: &CommitId, path: &str, limit| mirror.read_file(commit, &tree_path(path), limit).await;
    assert_eq!(
        &read(&first, ".keirin.yaml", 100).await.unwrap()[..],
        b"keirin: 1\n"
    );
    assert_eq!(
        &read(&second, ".keirin.yaml", 21).await.unwrap()[..],
        b"keirin: 1\nstages: {}\n"
    );
    assert_eq!(
        &read(&second, "link.yaml", 100).await.unwrap()[..],
        b"keirin: 1\nstages: {}\n"
    );
    let error = read(&second, ".keirin.yaml", 20).await.unwrap_err();
    assert!(
        matches!(
            error,
            GitError::FileTooLarge {
                bytes: 21,
                limit_bytes: 20,
                ..
            }
        ),
        "{error:?}"
    );
    let error = read(&first, "link.yaml", 100).await.unwrap_err();
    assert!(matches!(error, GitError::PathNotFound { .. }), "{error:?}");
    for path in ["outside", "dangling"] {
        let error = read(&second, path, 100).await.unwrap_err();
        assert!(matches!(error, GitError::NotAFile { .. }), "{path}: {error:?}");
    }
    let error = read(&"1".repeat(40).parse().unwrap(), "README.md", 100)
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::CommitNotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn a_large_file_is_measured_not_read() {
    let story = Story::new();
    let repository = story.repository("project");
    let commit = repository.commit("large", &"x".repeat(3_000_000), "Large");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    let error = mirror
        .read_file(&commit, &tree_path("large"), 1000)
        .await
        .unwrap_err();
    assert!(
        matches!(error, GitError::FileTooLarge { bytes: 3_000_000, .. }),
        "{error:?}"
    );
    assert_eq!(
        mirror
            .read_file(&commit, &tree_path("large"), 3_000_000)
            .await
            .unwrap()
            .len(),
        3_000_000
    );
}

#[tokio::test]
async fn folders_are_listed() {
    let story = Story::new();
    let repository = story.repository("project");
    repository.write(".keirin/nightly.yaml", "keirin: 1\n");
    repository.write("run", "#!/bin/sh\n");
    repository.write("odd\nname \"ä\"", "");
    std::fs::set_permissions(repository.path.join("run"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink("run", repository.path.join("link")).unwrap();
    let commit = repository.commit_all("Files");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();

    let entry = |path: &str, kind| TreeEntry {
        path: path.to_owned(),
        kind,
    };
    let root = mirror.list_files(&commit, None).await.unwrap();
    let expected = [
        entry(".keirin", EntryKind::Folder),
        entry("README.md", EntryKind::File),
        entry("link", EntryKind::Link),
        entry("odd\nname \"ä\"", EntryKind::File),
        entry("run", EntryKind::Executable),
    ];
    assert_eq!(root, expected);
    let below = mirror
        .list_files(&commit, Some(&tree_path(".keirin")))
        .await
        .unwrap();
    assert_eq!(below, [entry(".keirin/nightly.yaml", EntryKind::File)]);
    for path in ["none", "README.md"] {
        let error = mirror
            .list_files(&commit, Some(&tree_path(path)))
            .await
            .unwrap_err();
        assert!(
            matches!(error, GitError::PathNotFound { .. }),
            "{path}: {error:?}"
        );
    }
    let error = mirror
        .list_files(&"1".repeat(40).parse().unwrap(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::CommitNotFound { .. }), "{error:?}");
    let error = mirror
        .read_file(&commit, &tree_path(".keirin"), 100)
        .await
        .unwrap_err();
    assert!(
        matches!(error, GitError::NotAFile { kind: "a folder", .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_changed_between_two_commits() {
    let story = Story::new();
    let repository = story.repository("project");
    repository.write("gone", "1");
    repository.write("src/kept", "1");
    let base = repository.commit_all("Base");
    repository.git(["checkout", "--quiet", "-b", "topic"]);
    std::fs::remove_file(repository.path.join("gone")).unwrap();
    repository.write("src/new", "1");
    let head = repository.commit("src/kept", "2", "Head");
    repository.git(["checkout", "--quiet", "main"]);
    repository.commit("elsewhere", "1", "Meanwhile");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();

    let change = |path: &str, change| ChangedPath {
        path: path.to_owned(),
        change,
    };
    let expected = [
        change("gone", PathChange::Removed),
        change("src/kept", PathChange::Modified),
        change("src/new", PathChange::Added),
    ];
    assert_eq!(mirror.changed_paths(&base, &head).await.unwrap(), expected);
    assert_eq!(mirror.changed_paths(&base, &base).await.unwrap(), []);
    let missing = "1".repeat(40).parse().unwrap();
    let error = mirror.changed_paths(&base, &missing).await.unwrap_err();
    assert!(matches!(error, GitError::CommitNotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn a_branch_comes_before_a_tag_and_both_before_an_id() {
    let story = Story::new();
    let repository = story.repository("project");
    let first = repository.head();
    let second = repository.commit("a", "1", "Second");
    repository.git(["tag", "both", first.as_str()]);
    repository.git(["branch", "both", second.as_str()]);
    repository.git(["tag", &first.as_str()[..8], second.as_str()]);
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    assert_eq!(mirror.resolve(&revision("both")).await.unwrap(), second);
    assert_eq!(mirror.resolve(&revision("refs/tags/both")).await.unwrap(), first);
    assert_eq!(
        mirror.resolve(&revision(&first.as_str()[..8])).await.unwrap(),
        second
    );
    assert_eq!(
        mirror.resolve(&revision(&first.as_str()[..9])).await.unwrap(),
        first
    );
}

#[tokio::test]
async fn a_beginning_that_fits_several_commits_is_ambiguous() {
    let story = Story::new();
    let repository = story.repository("project");
    // With 2,000 commits two of them begin with the same four digits, as surely as anything.
    let mut lines = String::new();
    for number in 0..2000 {
        lines.push_str(&format!(
            "commit refs/heads/many\ncommitter Ada <ada@example.org> {} +0000\ndata 1\nx\n",
            1_700_000_000 + number
        ));
    }
    std::fs::write(story.path("import"), lines).unwrap();
    let import = std::process::Command::new("git")
        .arg("-C")
        .arg(&repository.path)
        .args(["fast-import", "--quiet"])
        .stdin(std::fs::File::open(story.path("import")).unwrap())
        .status();
    assert!(import.unwrap().success());
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    let all = repository.git(["rev-list", "many"]);
    let mut ids: Vec<&str> = all.lines().collect();
    ids.sort_unstable();
    let twin = ids.windows(2).find(|pair| pair[0][..4] == pair[1][..4]).unwrap();
    let error = mirror.resolve(&revision(&twin[0][..4])).await.unwrap_err();
    assert!(matches!(error, GitError::Ambiguous { .. }), "{error:?}");
}
