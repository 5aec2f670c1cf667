//! Repositories and names made to do harm.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use keirin_git::{BranchName, Git, GitError, InvalidUrl, Mirrors, NamedBy, RepositoryUrl, Revision};

use crate::fixture::{Story, branch, commit, revision, tree_path};
use crate::server::Server;

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
        .heads()
        .await
        .unwrap()
        .branches
        .into_iter()
        .map(|(name, _)| name)
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

/// One object of a repository decides how much git has to hold: here the message of a commit, which packs to almost nothing.
#[tokio::test]
async fn a_repository_that_needs_much_memory_is_refused_and_says_why() {
    let story = Story::new();
    let repository = story.repository("project");
    let behind = story.mirror_behind(&repository).await;
    let server = Server::start(behind.clone(), None).await;
    let bounded = Mirrors::new(Git::new().within_memory(64 << 20), story.path("bounded"));
    let mirrors = [("1", server.url()), ("2", repository.url())]
        .map(|(name, url)| bounded.mirror(name, url, None, NamedBy::Admin).unwrap());
    for mirror in &mirrors {
        mirror.fetch().await.unwrap();
    }
    let before = repository.head();

    let object = format!(
        "tree {}\nparent {before}\nauthor A <a@example.org> 1 +0000\ncommitter A <a@example.org> 1 +0000\n\n{}",
        repository.git(["rev-parse", "HEAD^{tree}"]),
        "x".repeat(200_000_000)
    );
    fs::write(story.path("object"), object).unwrap();
    let file = story.path("object");
    let large = repository.git(["hash-object", "-t", "commit", "-w", file.to_str().unwrap()]);
    repository.git(["update-ref", "refs/heads/large", &large]);
    behind.fetch().await.unwrap();
    for mirror in &mirrors {
        let error = mirror.fetch().await.unwrap_err();
        assert!(matches!(error, GitError::OutOfMemory { .. }), "{error:?}");
        assert!(
            error.public_message().contains("raise `git_memory_limit`"),
            "{error}"
        );
        assert!(mirror.has_commit(&before).await.unwrap(), "what is there stays");
    }
    repository.git(["update-ref", "-d", "refs/heads/large"]);
    behind.fetch().await.unwrap();
    for mirror in &mirrors {
        mirror.fetch().await.unwrap();
    }
}

/// A git that tells its bounds in place of its version.
#[tokio::test]
async fn git_on_a_server_has_bounds_of_memory_and_time_and_goes_before_the_server_where_memory_runs_out() {
    let story = Story::new();
    let program = story.path("git");
    fs::write(
        &program,
        "#!/bin/sh\necho \"2.40.x $(ulimit -d) $(ulimit -t) $(cat /proc/self/oom_score_adj) $GIT_CONFIG_VALUE_11\"\n",
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let bounded = Git::at(&program).within_memory(512 << 20);
    assert_eq!(bounded.version().await.unwrap(), "2.40.x 524288 120 500 256m");
    let missing = Git::at("/nowhere/git").within_memory(512 << 20).version().await;
    assert!(matches!(missing, Err(GitError::GitMissing { .. })), "{missing:?}");
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
