//! Copies of the tree that somebody works in.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use keirin_git::{CopiedTree, Head, copy_working_tree, head_of, working_tree_of};

use crate::fixture::{Repository, Story, run_git};

#[tokio::test]
async fn the_copy_is_what_is_on_the_disk_without_what_is_ignored() {
    let story = Story::new();
    let repository = story.repository("project");
    for (name, text) in [
        (".gitignore", "target/\n"),
        ("changed", "old"),
        ("deleted", "x"),
        ("run", "#!/bin/sh\n"),
        ("odd\nname", "x"),
        ("deep/er/file", "x"),
    ] {
        repository.write(name, text);
    }
    fs::set_permissions(repository.path.join("run"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink("run", repository.path.join("link")).unwrap();
    let head = repository.commit_all("Files");
    repository.write("changed", "new");
    repository.write("untracked", "x");
    repository.write("target/built", "x");
    fs::remove_file(repository.path.join("deleted")).unwrap();
    let status = repository.git(["status", "--porcelain"]);

    let copy = story.path("copy");
    let copied = copy_working_tree(&story.git, &repository.path, &copy)
        .await
        .unwrap();
    assert_eq!(
        copied,
        CopiedTree {
            files: 8,
            bytes: 8 + 3 + 10 + 1 + 1 + 1 + 6,
            has_git: true
        }
    );
    assert_eq!(fs::read_to_string(copy.join("changed")).unwrap(), "new");
    assert!(
        copy.join("untracked").exists()
            && copy.join("odd\nname").exists()
            && copy.join("deep/er/file").exists()
    );
    assert!(!copy.join("target").exists() && !copy.join("deleted").exists());
    assert_eq!(
        fs::metadata(copy.join("run")).unwrap().permissions().mode() & 0o777,
        0o755
    );
    assert_eq!(fs::read_link(copy.join("link")).unwrap().to_str(), Some("run"));
    let modified = |folder: &std::path::Path| fs::metadata(folder.join("run")).unwrap().modified().unwrap();
    assert_eq!(modified(&copy), modified(&repository.path));

    assert_eq!(run_git(&copy, ["rev-parse", "HEAD"]).unwrap(), head.as_str());
    assert_eq!(
        run_git(&copy, ["symbolic-ref", "HEAD"]).unwrap(),
        "refs/heads/main"
    );
    assert_eq!(
        run_git(&copy, ["status", "--porcelain"]).unwrap(),
        status,
        "git sees the same in both"
    );
    assert_eq!(
        run_git(&copy, ["remote"]).unwrap(),
        "",
        "nothing can be pushed by accident"
    );
}

#[tokio::test]
async fn what_is_done_in_the_copy_does_not_reach_the_original() {
    let story = Story::new();
    let repository = story.repository("project");
    let copy = story.path("copy");
    copy_working_tree(&story.git, &repository.path, &copy)
        .await
        .unwrap();
    let before = (
        repository.head(),
        repository.git(["count-objects", "-v"]),
        repository.git(["for-each-ref"]),
    );
    fs::write(copy.join("README.md"), "changed").unwrap();
    run_git(&copy, ["commit", "--quiet", "--all", "--message", "In the copy"]).unwrap();
    run_git(&copy, ["gc", "--quiet", "--prune=now"]).unwrap();
    assert_eq!(
        (
            repository.head(),
            repository.git(["count-objects", "-v"]),
            repository.git(["for-each-ref"])
        ),
        before
    );
    assert_eq!(repository.git(["status", "--porcelain"]), "");
}

#[tokio::test]
async fn a_detached_or_empty_repository_is_copied_too() {
    let story = Story::new();
    let repository = story.repository("project");
    repository.git(["checkout", "--quiet", "--detach"]);
    let copied = copy_working_tree(&story.git, &repository.path, &story.path("detached"))
        .await
        .unwrap();
    assert_eq!(
        (
            copied.files,
            run_git(&story.path("detached"), ["rev-parse", "HEAD"]).unwrap()
        ),
        (1, repository.head().to_string())
    );
    let empty = Repository::empty(story.path("empty"));
    empty.write("file", "x");
    let copied = copy_working_tree(&story.git, &empty.path, &story.path("of-empty"))
        .await
        .unwrap();
    assert_eq!(
        copied,
        CopiedTree {
            files: 1,
            bytes: 1,
            has_git: true
        }
    );
    assert_eq!(
        run_git(&story.path("of-empty"), ["status", "--porcelain"]).unwrap(),
        "?? file"
    );
}

#[tokio::test]
async fn a_folder_inside_a_checkout_is_copied_alone() {
    let story = Story::new();
    let repository = story.repository("project");
    repository.commit("part/file", "x", "A part");
    let part = repository.path.join("part");
    assert_eq!(
        working_tree_of(&story.git, &part).await.unwrap(),
        Some(repository.path.canonicalize().unwrap())
    );
    assert_eq!(
        working_tree_of(&story.git, story.folder.path()).await.unwrap(),
        None
    );
    let copied = copy_working_tree(&story.git, &part, &story.path("copy"))
        .await
        .unwrap();
    assert_eq!(
        copied,
        CopiedTree {
            files: 1,
            bytes: 1,
            has_git: false
        }
    );
    assert!(story.path("copy/file").exists() && !story.path("copy/.git").exists());
}

#[tokio::test]
async fn repositories_inside_come_as_plain_files() {
    let story = Story::new();
    let (inner, repository) = (story.repository("inner"), story.repository("project"));
    let path = inner.path.to_str().unwrap();
    run_git(
        &repository.path,
        [
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            path,
            "module",
        ],
    )
    .unwrap();
    run_git(
        &repository.path,
        [
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            path,
            "left",
        ],
    )
    .unwrap();
    repository.commit_all("A module");
    repository.git(["submodule", "--quiet", "deinit", "--force", "left"]);
    let nested = Repository::empty(repository.path.join("nested"));
    nested.write("untracked", "x");
    let copy = story.path("copy");
    copy_working_tree(&story.git, &repository.path, &copy)
        .await
        .unwrap();
    assert_eq!(
        fs::read_to_string(copy.join("module/README.md")).unwrap(),
        "hello\n"
    );
    assert!(copy.join("nested/untracked").exists());
    assert!(!copy.join("module/.git").exists() && !copy.join("nested/.git").exists());
    assert_eq!(fs::read_dir(copy.join("left")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_link_in_place_of_a_folder_does_not_bring_others_files_in() {
    let story = Story::new();
    let repository = story.repository("project");
    repository.commit("folder/file", "mine", "A folder");
    fs::create_dir(story.path("secret")).unwrap();
    fs::write(story.path("secret/file"), "not mine").unwrap();
    fs::remove_dir_all(repository.path.join("folder")).unwrap();
    symlink("../secret", repository.path.join("folder")).unwrap();
    let copy = story.path("copy");
    copy_working_tree(&story.git, &repository.path, &copy)
        .await
        .unwrap();
    assert_eq!(
        fs::read_link(copy.join("folder")).unwrap().to_str(),
        Some("../secret")
    );
}

#[tokio::test]
async fn a_folder_without_git_is_copied_but_for_caches() {
    let story = Story::new();
    let folder = story.path("folder");
    for name in [
        "file",
        "deep/file",
        "target/CACHEDIR.TAG",
        "target/built",
        "node_modules/x/index.js",
        ".git/nothing",
        ".hidden",
    ] {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), "x").unwrap();
    }
    fs::create_dir(folder.join("empty")).unwrap();
    let copied = copy_working_tree(&story.git, &folder, &folder.join("copy"))
        .await
        .unwrap();
    assert_eq!(
        copied,
        CopiedTree {
            files: 3,
            bytes: 3,
            has_git: false
        }
    );
    assert!(folder.join("copy/empty").is_dir() && folder.join("copy/deep/file").exists());
    let missing = copy_working_tree(&story.git, &story.path("nowhere"), &story.path("x"))
        .await
        .unwrap_err();
    assert!(missing.to_string().contains("nowhere"), "{missing}");
}

#[tokio::test]
async fn a_checkout_knows_where_it_stands() {
    let story = Story::new();
    let repository = story.repository("project");
    let commit = Some(repository.head());
    let on = |branch: Option<&str>, commit| Head {
        branch: branch.map(str::to_owned),
        commit,
    };
    repository.git(["checkout", "--quiet", "-b", "topic/one"]);
    let head = head_of(&story.git, &repository.path).await.unwrap();
    assert_eq!(head, on(Some("topic/one"), commit.clone()));
    repository.git(["checkout", "--quiet", "--detach"]);
    let head = head_of(&story.git, &repository.path).await.unwrap();
    assert_eq!(head, on(None, commit));
    let empty = Repository::empty(story.path("empty"));
    let head = head_of(&story.git, &empty.path).await.unwrap();
    assert_eq!(head, on(Some("main"), None));
    let head = head_of(&story.git, story.folder.path()).await.unwrap();
    assert_eq!(head, Head::default());
}
