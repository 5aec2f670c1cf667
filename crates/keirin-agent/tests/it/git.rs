//! Checkouts of the flow's own repository and of others.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keirin_model::Outcome::{Failed, Success};
use keirin_model::plan::{StepPlan, Tool};
use keirin_wire::agent::{Assignment, CheckoutRepository};
use keirin_wire::log::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::bench::{Bench, job, runs, shell, sleep, step};
use crate::isolation::{SOMEBODY, is_root};

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Tester", "-c", "user.email=tester@example.org"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with two commits; returns them.
fn repository(path: &Path) -> (String, String) {
    std::fs::create_dir_all(path).unwrap();
    git(path, &["init", "--quiet", "--initial-branch=main"]);
    let mut commits = Vec::new();
    for text in ["one", "two"] {
        std::fs::write(path.join("file"), text).unwrap();
        git(path, &["add", "file"]);
        git(path, &["commit", "--quiet", "-m", text]);
        commits.push(git(path, &["rev-parse", "HEAD"]));
    }
    (commits[0].clone(), commits[1].clone())
}

fn checkout(repository: &str, destination: Option<&str>) -> StepPlan {
    step(Tool::Git {
        repository: repository.to_owned(),
        revision: None,
        depth: Some(1),
        destination: destination.map(str::to_owned),
        tags: None,
        submodules: false,
    })
}

fn from_mirror(steps: Vec<StepPlan>, commit: &str) -> Assignment {
    let repository = CheckoutRepository::Mirror {
        path: "/repository".to_owned(),
        commit: commit.to_owned(),
        upstream: None,
        fetch_token: None,
    };
    Assignment {
        repository: Some(repository),
        ..job(steps)
    }
}

#[tokio::test]
async fn the_flows_own_repository_is_checked_out_at_the_flows_commit() {
    let bench = Bench::start();
    let (first, _) = repository(&bench.path().join("repository"));
    let look = shell("cat file; echo; git rev-parse HEAD; git status --short; echo $KEIRIN_COMMIT");
    let record = bench
        .run(from_mirror(vec![checkout(".", None), look], &first))
        .await;
    assert_eq!(
        record.finished().unwrap().0,
        Success,
        "{:#?}",
        record.lines(Stream::Agent)
    );
    assert_eq!(record.lines(Stream::Output), ["one", &first, &first]);
}

#[tokio::test]
async fn whoever_answers_for_the_server_gets_no_more_than_the_token_of_the_mirror() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stranger = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(char::from(stream.read_u8().await.unwrap()));
        }
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        head
    });
    let bench = Bench::start();
    let mut assignment = from_mirror(vec![checkout(".", None)], &"0".repeat(40));
    let Some(CheckoutRepository::Mirror {
        path, fetch_token, ..
    }) = &mut assignment.repository
    else {
        unreachable!("it is made above");
    };
    (*path, *fetch_token) = (
        format!("http://{address}/repository"),
        Some("of the mirror".to_owned()),
    );
    let record = bench.run(assignment).await;
    assert_eq!(record.steps(), [Failed]);
    let head = stranger.await.unwrap();
    let said = head
        .lines()
        .find_map(|line| line.strip_prefix("Authorization: Basic "))
        .unwrap();
    let said = BASE64_STANDARD.decode(said).unwrap();
    assert_eq!(String::from_utf8_lossy(&said), "keirin:of the mirror");
}

#[tokio::test]
async fn a_checkout_into_a_folder_leaves_the_rest_alone_and_refuses_what_is_there() {
    let bench = Bench::start();
    let (_, second) = repository(&bench.path().join("repository"));
    let steps = vec![
        shell("echo mine > file"),
        checkout(".", Some("sub/source")),
        shell("cat file sub/source/file"),
        checkout(".", None),
    ];
    let record = bench.run(from_mirror(steps, &second)).await;
    assert_eq!(record.steps(), [Success, Success, Success, Failed]);
    assert_eq!(record.lines(Stream::Output), ["mine", "two"]);
    assert!(
        record
            .finished()
            .unwrap()
            .2
            .unwrap()
            .contains("is in the workspace already")
    );
}

#[tokio::test]
async fn settings_that_a_step_has_prepared_are_not_met_by_the_agents_git() {
    let bench = Bench::start();
    let (_, second) = repository(&bench.path().join("repository"));
    let trap = bench.path().join("sprung");
    let prepare = shell(&format!(
        "mkdir -p sub; cd sub; git init -q .; git config core.fsmonitor 'touch {0}'; git config core.sshCommand 'touch {0}'",
        trap.display()
    ));
    let record = bench
        .run(from_mirror(vec![prepare, checkout(".", Some("sub"))], &second))
        .await;
    assert_eq!(record.steps(), [Success, Failed]);
    assert!(!trap.exists());
}

#[tokio::test]
async fn a_working_tree_is_copied_as_it_is() {
    let bench = Bench::start();
    let tree = bench.path().join("repository");
    repository(&tree);
    std::fs::write(tree.join("file"), "changed").unwrap();
    std::fs::write(tree.join("new"), "new").unwrap();
    let path = tree.to_str().unwrap().to_owned();
    let repository = Some(CheckoutRepository::WorkingTree { path });
    let record = bench
        .run(Assignment {
            repository,
            ..job(vec![
                checkout(".", None),
                shell("cat file new; echo; git status --short"),
            ])
        })
        .await;
    assert_eq!(
        record.finished().unwrap().0,
        Success,
        "{:#?}",
        record.lines(Stream::Agent)
    );
    assert_eq!(record.lines(Stream::Output), ["changednew", " M file", "?? new"]);
}

#[tokio::test]
async fn another_repository_is_fetched_with_the_steps_own_rights() {
    let bench = Bench::start();
    let path = bench.path().join("other");
    repository(&path);
    let record = bench
        .run(job(vec![
            checkout(path.to_str().unwrap(), Some("deps/other")),
            shell("cat deps/other/file"),
        ]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
    assert_eq!(record.lines(Stream::Output).last().unwrap(), "two");
}

#[tokio::test]
async fn what_git_says_during_a_long_fetch_is_shown_at_once() {
    let bench = Bench::start();
    let other = bench.path().join("other");
    repository(&other);
    let (program, go) = (bench.path().join("bin/git"), bench.path().join("go"));
    std::fs::create_dir(program.parent().unwrap()).unwrap();
    let slow = format!(
        "#!/bin/sh\ncase \" $* \" in *' fetch '*)\necho 'remote: counting' >&2; until [ -e {} ]; do sleep 0.01; done;; esac
        PATH=/usr/local/bin:/usr/bin:/bin; exec git \"$@\"\n",
        go.display()
    );
    std::fs::write(&program, slow).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let mut assignment = job(vec![checkout(other.to_str().unwrap(), None)]);
    let path = format!("{}/bin:/usr/local/bin:/usr/bin:/bin", bench.path().display());
    assignment.job.env.insert("PATH".to_owned(), path);
    let attempt = bench.give(assignment);
    bench.server.line(attempt, "remote: counting").await;
    std::fs::write(go, "").unwrap();
    let record = bench.server.finished(attempt).await;
    assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
}

#[tokio::test]
async fn another_repository_is_fetched_into_a_folder_that_has_it_already() {
    let bench = Bench::start();
    let other = bench.path().join("other");
    let (_, second) = repository(&other);
    let again = || checkout(other.to_str().unwrap(), Some("vendor"));
    let look = shell("git -C vendor rev-parse HEAD");
    let record = bench.run(job(vec![again(), again(), look])).await;
    assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
    assert_eq!(record.lines(Stream::Output).last(), Some(&second));
}

#[tokio::test]
async fn another_repository_comes_with_its_tags_and_submodules() {
    let bench = Bench::start();
    let (other, inner) = (bench.path().join("other"), bench.path().join("inner"));
    repository(&inner);
    repository(&other);
    git(
        &other,
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            "../inner",
            "inner",
        ],
    );
    git(&other, &["commit", "--quiet", "-m", "three"]);
    git(&other, &["tag", "v1", "HEAD~1"]);
    let wanted = |tags, submodules| {
        step(Tool::Git {
            repository: other.to_str().unwrap().to_owned(),
            revision: Some("main".to_owned()),
            depth: Some(1),
            destination: Some(format!("deps/{submodules}")),
            tags,
            submodules,
        })
    };
    let look = shell(
        "cd deps/true; git tag; cat inner/file; cd ../false; git tag; ls inner | wc -l; git fetch --quiet",
    );
    let record = bench
        .run(job(vec![wanted(Some(true), true), wanted(None, false), look]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
    let output = record.lines(Stream::Output);
    assert_eq!(output[3..], ["v1", "two0"], "{output:?}");
}

#[tokio::test]
async fn a_destination_is_relative_to_the_workspace_wherever_the_step_works() {
    let bench = Bench::start();
    let path = bench.path().join("other");
    repository(&path);
    let mut fetch = checkout(path.to_str().unwrap(), Some("deps/other"));
    fetch.cwd = Some("elsewhere".to_owned());
    let record = bench
        .run(job(vec![
            shell("mkdir elsewhere"),
            fetch,
            shell("cat deps/other/file"),
        ]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
    assert_eq!(record.lines(Stream::Output).last().unwrap(), "two");
}

#[tokio::test]
async fn another_accounts_repository_is_fetched_by_the_user_that_the_steps_run_as() {
    if !is_root("another_accounts_repository_is_fetched_by_the_user_that_the_steps_run_as") {
        return;
    }
    let bench = Bench::start_with(|config| {
        config.identity = SOMEBODY;
        // It lies in /tmp, of which jobs have their own.
        config.writable = vec![config.folder.with_file_name("other")];
    });
    let path = bench.path().join("other");
    repository(&path);
    let record = bench
        .run(job(vec![
            checkout(path.to_str().unwrap(), Some("deps")),
            shell("cat deps/file"),
        ]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
}

#[tokio::test]
async fn an_address_that_is_an_option_is_refused() {
    let bench = Bench::start();
    for address in ["--upload-pack=touch /tmp/harm", "ext::sh -c id"] {
        let (outcome, _, message) = bench
            .run(job(vec![checkout(address, None)]))
            .await
            .finished()
            .unwrap();
        assert_eq!(outcome, Failed);
        assert!(message.is_some());
    }
    let (_, _, message) = bench
        .run(job(vec![checkout(".", None)]))
        .await
        .finished()
        .unwrap();
    assert!(message.unwrap().contains("the flow has no repository"));
}

#[tokio::test]
async fn a_checkout_belongs_to_the_user_that_the_steps_run_as() {
    if !is_root("a_checkout_belongs_to_the_user_that_the_steps_run_as") {
        return;
    }
    let bench = Bench::start_with(|config| config.identity = SOMEBODY);
    let (first, _) = repository(&bench.path().join("repository"));
    let left = sleep(1360);
    let look = shell(&format!(
        "find . ! -uid 54321; git log -1 --format=%s; echo more >> file; git commit --quiet --all -m mine \
            --author 'Tester <tester@example.org>'; git log -1 --format=%s
        setsid {left} > /dev/null 2>&1 &"
    ));
    let mut assignment = from_mirror(vec![checkout(".", None), look], &first);
    assignment.job.env = ["GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"]
        .map(|name| (name.to_owned(), "tester@example.org".to_owned()))
        .into();
    let record = bench.run(assignment).await;
    assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
    let lines = record.lines(Stream::Output);
    assert_eq!(lines, ["one", "mine"]);
    assert!(!runs(&left), "what another user's job left is ended too");
}
