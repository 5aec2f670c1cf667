//! Addresses that lead where people must not get by way of the server.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use keirin_git::{Credential, Git, GitError, GitErrorKind, Mirrors, NamedBy, RepositoryRules, RepositoryUrl};

use crate::fixture::{Repository, Story, branch, run_git};
use crate::server::{Redirecting, Server, Silence};

fn with_hosts(story: &Story, hosts: &[&str]) -> Mirrors {
    let hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
    story.mirrors.clone().with_rules(RepositoryRules {
        hosts: Some(hosts),
        paths: None,
    })
}

#[tokio::test]
async fn only_an_admin_leads_the_server_to_where_others_do_not_get() {
    let story = Story::new();
    let mut silence = Silence::start().await;
    let port = silence.port();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed_port = closed.local_addr().unwrap().port();
    drop(closed);
    let mut said = Vec::new();
    for (host, port) in [
        ("127.0.0.1", port),
        ("127.0.0.1", closed_port),
        ("localhost", port),
        ("[::1]", port),
        ("[::ffff:127.0.0.1]", port),
        ("0.0.0.0", port),
        ("2130706433", port),
        ("169.254.169.254", 80),
        ("10.0.0.1", 80),
    ] {
        let url = RepositoryUrl::parse(&format!("http://{host}:{port}/x")).unwrap();
        let mirror = story
            .mirrors
            .mirror("1", url.clone(), None, NamedBy::Maintainer)
            .unwrap();
        for error in [
            mirror.tip(&branch("main")).await.unwrap_err(),
            mirror.fetch().await.unwrap_err(),
        ] {
            assert!(matches!(error, GitError::NotAllowed { .. }), "{host}: {error:?}");
            assert_eq!(error.kind(), GitErrorKind::Access);
            said.push(error.public_message().replace(url.as_str(), ""));
        }
    }
    said.dedup();
    assert_eq!(said.len(), 1, "what listens there cannot be told from the answer");
    assert!(!silence.was_asked());
    let ssh = RepositoryUrl::parse("git@localhost:x").unwrap();
    let mirror = story.mirrors.mirror("1", ssh, None, NamedBy::Maintainer).unwrap();
    let error = mirror.fetch().await.unwrap_err();
    assert!(matches!(error, GitError::NotAllowed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_listed_host_is_reached_and_no_other_whoever_names_it() {
    let story = Story::new();
    let repository = story.repository("project");
    let behind = story.mirror_behind(&repository).await;
    let server = Server::start(behind, None).await;
    for (hosts, reached) in [
        (&["127.0.0.0/8"][..], true),
        (&["localhost", "127.0.0.1"], true),
        (&["forge.example", "10.0.0.0/8"], false),
        (&[], false),
    ] {
        for named_by in [NamedBy::Maintainer, NamedBy::Admin] {
            let mirror = with_hosts(&story, hosts)
                .mirror("1", server.url(), None, named_by)
                .unwrap();
            match mirror.tip(&branch("main")).await {
                Ok(tip) => assert!(reached && tip == Some(repository.head()), "{hosts:?}"),
                Err(error) => assert!(
                    !reached && matches!(error, GitError::NotAllowed { .. }),
                    "{hosts:?}: {error:?}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn a_redirect_leads_nowhere_that_was_not_looked_at() {
    let story = Story::new();
    let mut inside = Silence::start().await;
    let redirecting = Redirecting::start(inside.url.as_str().to_owned()).await;
    let mirror = with_hosts(&story, &["127.0.0.1"])
        .mirror("1", redirecting.url.clone(), None, NamedBy::Maintainer)
        .unwrap();
    let error = mirror.tip(&branch("main")).await.unwrap_err();
    assert!(matches!(error, GitError::Redirected { .. }), "{error:?}");
    assert!(!inside.was_asked());
}

#[tokio::test]
async fn paths_lie_below_the_listed_folders_whatever_links_say() {
    let story = Story::new();
    let repository = story.repository("allowed/project");
    let elsewhere = story.repository("elsewhere");
    symlink(&elsewhere.path, story.path("allowed/link")).unwrap();
    let rules = RepositoryRules {
        hosts: None,
        paths: Some(vec![story.path("allowed")]),
    };
    let listed = story.mirrors.clone().with_rules(rules);
    for (path, mirrors, named_by, allowed) in [
        ("allowed/project", &listed, NamedBy::Maintainer, true),
        ("allowed/link", &listed, NamedBy::Admin, false),
        ("allowed/../elsewhere", &listed, NamedBy::Admin, false),
        ("elsewhere", &listed, NamedBy::Admin, false),
        ("elsewhere", &story.mirrors, NamedBy::Maintainer, false),
        ("elsewhere", &story.mirrors, NamedBy::Admin, true),
    ] {
        let url = RepositoryUrl::parse(story.path(path).to_str().unwrap()).unwrap();
        let mirror = mirrors.mirror("1", url, None, named_by).unwrap();
        let tip = mirror.tip(&branch("main")).await;
        assert_eq!(tip.is_ok(), allowed, "{path}: {tip:?}");
        assert_eq!(mirror.fetch().await.is_ok(), allowed, "{path}");
    }
    drop(repository);
}

#[tokio::test]
async fn no_file_of_a_listed_repository_leads_out_of_the_listed_folders() {
    let story = Story::new();
    let elsewhere = story.repository("elsewhere");
    story.repository("allowed/project");
    let allowed = story.path("allowed");
    let clone = |arguments: &[&str]| run_git(&allowed, [&["clone", "--quiet"], arguments].concat()).unwrap();
    let outside = elsewhere.path.to_str().unwrap();
    clone(&["--bare", "project", "bare.git"]);
    clone(&["--shared", "--bare", "project", "borrows-inside.git"]);
    clone(&["--shared", "--bare", outside, "borrows.git"]);
    clone(&["--shared", "--bare", "borrows.git", "borrows-twice.git"]);
    clone(&["--bare", outside, "linked-objects.git"]);
    fs::rename(allowed.join("linked-objects.git/objects"), story.path("objects")).unwrap();
    symlink(story.path("objects"), allowed.join("linked-objects.git/objects")).unwrap();
    run_git(
        &elsewhere.path,
        ["worktree", "add", "--quiet", "../allowed/linked"],
    )
    .unwrap();
    fs::create_dir(allowed.join("link")).unwrap();
    symlink(elsewhere.path.join(".git"), allowed.join("link/.git")).unwrap();
    fs::create_dir(allowed.join("file")).unwrap();
    fs::write(allowed.join("file/.git"), format!("gitdir: {outside}/.git\n")).unwrap();
    fs::create_dir(allowed.join("common")).unwrap();
    fs::copy(elsewhere.path.join(".git/HEAD"), allowed.join("common/HEAD")).unwrap();
    fs::write(allowed.join("common/commondir"), format!("{outside}/.git\n")).unwrap();
    // A work tree may hold files of any name.
    let plain = Repository::empty(allowed.join("plain"));
    plain.commit("commondir", outside, "No git folder");

    let listed = story.mirrors.clone().with_rules(RepositoryRules {
        hosts: None,
        paths: Some(vec![allowed.clone()]),
    });
    for (name, is_allowed) in [
        ("project", true),
        ("bare.git", true),
        ("bare", true),
        ("borrows-inside", true),
        ("plain", true),
        ("borrows", false),
        ("borrows-twice", false),
        ("linked-objects", false),
        ("linked", false),
        ("link", false),
        ("file", false),
        ("common", false),
        ("nothing", false),
    ] {
        let url = RepositoryUrl::parse(allowed.join(name).to_str().unwrap()).unwrap();
        let mirror = listed.mirror(name, url, None, NamedBy::Admin).unwrap();
        match mirror.tip(&branch("main")).await {
            Ok(tip) => assert!(is_allowed && tip.is_some(), "{name}: {tip:?}"),
            Err(error) => assert!(
                !is_allowed && matches!(error, GitError::NotAllowed { .. }),
                "{name}: {error:?}"
            ),
        }
        assert_eq!(mirror.fetch().await.is_ok(), is_allowed, "{name}");
        if is_allowed {
            mirror.history_reader().await.unwrap();
        }
    }
}

#[tokio::test]
async fn nothing_of_the_servers_account_is_offered_to_others() {
    let story = Story::new();
    let (program, seen) = (story.path("git"), story.path("seen"));
    fs::write(
        &program,
        format!("#!/bin/sh\nenv > '{}'\nexit 1\n", seen.display()),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mirrors = Mirrors::new(Git::at(program), story.path("mirrors"));
    let key = Credential::SshKey {
        private_key: "PRIVATE".to_owned(),
        known_hosts: None,
    };
    for credential in [None, Some(key)] {
        let url = RepositoryUrl::parse("git@192.0.2.1:x").unwrap();
        let mirror = mirrors.mirror("1", url, credential, NamedBy::Admin).unwrap();
        mirror.tip(&branch("main")).await.unwrap_err();
        let seen = fs::read_to_string(&seen).unwrap();
        assert!(
            seen.lines().any(|line| line == "HOME=/dev/null"),
            "no .netrc: {seen}"
        );
        assert!(!seen.contains("SSH_AUTH_SOCK"), "no agent: {seen}");
        let ssh = seen
            .lines()
            .find(|line| line.starts_with("GIT_SSH_COMMAND="))
            .unwrap();
        assert!(
            ssh.contains("IdentityAgent=none") && ssh.contains("IdentitiesOnly=yes"),
            "{ssh}"
        );
    }
}
