//! Repositories and names made to do harm.

use std::fs;

use keirin_git::{BranchName, GitError, InvalidUrl, RepositoryUrl, Revision};

use crate::fixture::{Story, branch, commit, revision, tree_path};

#[test]
fn addresses_that_run_programs_are_refused() {
    for (text, why) in [
        ("--upload-pack=touch x", InvalidUrl::Option),
        ("ext::sh", InvalidUrl::Helper),
        ("ssh://-oProxyCommand=x/y", InvalidUrl::Host),
    ] {
        assert_eq!(RepositoryUrl::parse(text).unwrap_err(), why, "{text}");
    }
    let document = serde_json::from_str::<RepositoryUrl>("\"ext::sh\"");
    assert!(document.is_err(), "what comes in a document is checked too");
}

#[tokio::test]
async fn branches_named_like_options_and_commands_are_only_names() {
    let story = Story::new();
    let repository = story.repository("project");
    let shell = "$(touch${IFS}touched)`touch${IFS}touched`;touch${IFS}touched";
    repository.git(["branch", "--", shell]);
    repository.git(["update-ref", "refs/heads/-x", "HEAD"]);
    repository.git(["update-ref", "refs/heads/--upload-pack=touched", "HEAD"]);
    repository.commit("--output=touched", "a file", "A file named like an option");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();

    assert!(
        BranchName::parse("$(touch x)").is_err(),
        "git has no spaces in names"
    );
    assert!(BranchName::parse("-x").is_err() && Revision::parse("-x").is_err());
    let first = commit(&repository.git(["rev-parse", "HEAD~1"]));
    assert_eq!(mirror.tip(&branch(shell)).await.unwrap(), Some(first.clone()));
    assert_eq!(mirror.resolve(&revision(shell)).await.unwrap(), first);
    assert_eq!(mirror.resolve(&revision("refs/heads/-x")).await.unwrap(), first);
    let names: Vec<String> = mirror
        .list_branches()
        .await
        .unwrap()
        .into_iter()
        .map(|(name, _)| name.to_string())
        .collect();
    assert_eq!(names, [shell, "main"]);
    let read = mirror
        .read_file(&repository.head(), &tree_path("--output=touched"), 100)
        .await
        .unwrap();
    assert_eq!(&read[..], b"a file");
    for place in [story.folder.path(), &repository.path, mirror.path()] {
        assert!(!place.join("touched").exists());
    }
    assert!(!fs::exists("touched").unwrap());
}

#[tokio::test]
async fn a_submodule_cannot_run_a_program() {
    let story = Story::new();
    let repository = story.repository("project");
    let touched = story.path("touched");
    let modules = format!(
        "[submodule \"evil\"]\n\tpath = evil\n\turl = ext::sh -c touch% {}\n",
        touched.display()
    );
    repository.write(".gitmodules", &modules);
    repository.git(["add", ".gitmodules"]);
    repository.git([
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{},evil", repository.head()),
    ]);
    repository.git(["commit", "--quiet", "--message", "A submodule"]);
    let mut checkout = story.checkout(repository.url(), repository.head(), Some(1));
    checkout.submodules = true;
    let error = checkout.make(&story.git, None).await.unwrap_err();
    assert!(
        matches!(error, GitError::Failed { .. }) && error.to_string().contains("not allowed"),
        "{error:?}"
    );
    assert!(!touched.exists());
}

#[tokio::test]
async fn hooks_and_filters_of_others_are_not_run() {
    let story = Story::new();
    let repository = story.repository("project");
    let touched = story.path("touched");
    repository.write(".gitattributes", "* filter=evil\n");
    let head = repository.commit_all("Ask for a filter");
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap();
    // Whoever can write into the data folder could do this; a hook there still runs nothing.
    fs::create_dir_all(mirror.path().join("hooks")).unwrap();
    let hook = mirror.path().join("hooks/reference-transaction");
    fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", touched.display())).unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    repository.commit("a", "1", "More");
    mirror.fetch().await.unwrap();
    let checkout = story.checkout(repository.url(), head, Some(1));
    checkout.make(&story.git, None).await.unwrap();
    assert_eq!(
        fs::read_to_string(story.path("work/README.md")).unwrap(),
        "hello\n"
    );
    assert!(!touched.exists());
}

#[tokio::test]
async fn what_a_clone_has_left_out_is_not_fetched_by_a_program_of_its_choice() {
    let story = Story::new();
    let repository = story.repository("project");
    let touched = story.path("touched");
    let program = format!("touch {}; git-upload-pack", touched.display());
    let head = repository.head();
    let id = repository.git(["rev-parse", "HEAD:README.md"]);
    fs::remove_file(repository.path.join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    for (key, value) in [
        ("remote.origin.url", repository.url().as_str()),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", &program),
    ] {
        repository.git(["config", key, value]);
    }
    let mirror = story.mirror_of(&repository);
    mirror.fetch().await.unwrap_err();
    let reader = keirin_git::HistoryReader::open(&story.git, &repository.path).await;
    let reader = reader.unwrap();
    let _either_way = reader.changes(&[head], |_| {}).await;
    assert!(!touched.exists());
}
