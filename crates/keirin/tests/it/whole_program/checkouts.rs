//! Checkouts that need more than one commit of one repository, and a server that goes away under them.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;

use keirin_model::Outcome;
use keirin_wire::log::Stream;

use crate::whole_program::pipes::Gate;
use crate::whole_program::repository::Repository;
use crate::whole_program::server::Server;
use crate::whole_program::story::{Story, only_job};
use crate::whole_program::world::{World, within};

/// A workflow of one job with these steps.
fn workflow(steps: &str) -> String {
    let steps: String = steps
        .trim()
        .lines()
        .map(|line| format!("          {}\n", line.strip_prefix("    ").unwrap_or(line)))
        .collect();
    format!("keirin: 1\nstages:\n  work:\n    jobs:\n      work:\n        steps:\n{steps}")
}

#[tokio::test]
async fn a_later_step_fetches_more_and_finds_no_token_on_the_disk() {
    let steps = "
    - git: { repository: ., depth: 1 }
    - run: |
        git rev-list --count HEAD; git tag
        git fetch --quiet origin topic; git show FETCH_HEAD:topic
        git fetch --quiet --unshallow --tags origin; git rev-list --count HEAD; git tag
        cat .git/config
        if grep -r keirin_\"fetch\"_ . \"$HOME\"; then echo found; fi
        echo \"$GIT_CONFIG_VALUE_0\"
        status=0; GIT_CONFIG_COUNT=0 git fetch --quiet origin 2> /dev/null || status=$?; echo \"without: $status\"
    - git: { repository: ., depth: 1, tags: true, destination: tagged }
    - run: git -C tagged tag";
    let story = Story::begin(&workflow(steps)).await;
    let repository = story.repository();
    repository.git(&["tag", "v1"]);
    repository.git(&["switch", "--quiet", "--create", "topic"]);
    repository.commit("topic", "on the topic\n");
    repository.git(&["switch", "--quiet", "main"]);
    repository.commit("second", "2\n");
    let flow = story.run().await;
    let job = only_job(&flow);
    assert_eq!(
        flow.outcome,
        Some(Outcome::Success),
        "{:#?}",
        story.lines(job, Stream::Error).await
    );
    let output = story.output(job).await;
    assert_eq!(output[..4], ["1", "on the topic", "2", "v1"]);
    let config = output.iter().position(|line| line == "Authorization: Bearer ***");
    assert!(config.is_some(), "the log shows no token: {output:#?}");
    assert!(
        !output
            .iter()
            .any(|line| line == "found" || line.contains("keirin_fetch_"))
    );
    assert_eq!(output[output.len() - 2..], ["without: 128", "v1"]);
}

#[tokio::test]
async fn submodules_come_with_theirs_by_addresses_relative_to_the_repository() {
    let steps = "
    - git: { repository: ., submodules: true, depth: 1 }
    - run: |
        cat middle/inner/inner; git submodule status --recursive | cut -c1
        cat .git/config middle/.gitmodules >&2; echo failed; git -C middle fetch --quiet ../absent || true";
    let mut world = World::new();
    for name in ["inner", "middle"] {
        let made = Repository::new(&world, name, "keirin: 1\n");
        made.commit(name, &format!("{name}\n"));
    }
    // The job fetches them by itself, and has a /tmp of its own.
    let shared = ["inner", "middle"].map(|name| world.path().join(name));
    world
        .settings
        .push(("KEIRIN_AGENT_WRITABLE", format!("{shared:?}")));
    let story = Story::begin_in(world, &workflow(steps)).await;
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"];
    let middle = Repository::at(&story.world, "middle");
    middle.git(&[&add[..], &["../inner", "inner"]].concat());
    middle.commit("more", "with inner\n");
    let repository = story.repository();
    repository.git(&[&add[..], &["../middle", "middle"]].concat());
    repository.commit("more", "with middle\n");
    let flow = story.run().await;
    let job = only_job(&flow);
    let said = story.lines(job, Stream::Error).await;
    assert_eq!(flow.outcome, Some(Outcome::Success), "{said:#?}");
    assert_eq!(story.output(job).await[2..], ["inner", " ", " ", "failed"]);
    // Where a repository lies on the server is for maintainers, and a log is for everybody who sees the project.
    let folder = story.world.path().to_string_lossy().into_owned();
    for stream in [Stream::Output, Stream::Error, Stream::Agent] {
        let lines = story.lines(job, stream).await;
        assert!(!lines.iter().any(|line| line.contains(&folder)), "{lines:#?}");
    }
    assert!(
        said.iter().any(|line| line.contains("url = ***/middle")),
        "{said:#?}"
    );
}

#[tokio::test]
async fn a_checkout_goes_on_over_a_restart_of_the_server() {
    let world = World::new();
    let gate = Gate::new(&world, "during");
    let steps = "
    - run: echo waiting; read -r _ < @gates/during
    - git: .
    - run: cat file";
    let mut story = Story::begin_in(world, &workflow(steps)).await;
    story.repository().commit("file", "here\n");
    let flow = story.start().await;
    let job = only_job(&flow).id;
    story.line(job, "waiting").await;
    let agent = story.world.agent();

    story.server.kill();
    let listener = TcpListener::bind(story.listen()).unwrap();
    gate.open();
    // Whatever is asked meanwhile loses its connection, until git has.
    let asked = tokio::task::spawn_blocking(move || {
        for connection in listener.incoming() {
            let mut line = String::new();
            let read = BufReader::new(connection.unwrap()).read_line(&mut line);
            if read.is_ok() && line.contains(" /git/") {
                return line;
            }
        }
        unreachable!("a listener never ends")
    });
    let asked = within("git asks for the repository", asked).await.unwrap();
    assert!(asked.contains("/info/refs"), "{asked}");

    story.server = Server::spawn(&story.world, &story.listen());
    story.server.ready();
    assert_eq!(story.world.agent(), agent, "the agent was not disturbed");
    let flow = story.finished(flow.id).await;
    let job = only_job(&flow);
    let said = story.lines(job, keirin_wire::log::Stream::Agent).await;
    assert_eq!(flow.outcome, Some(Outcome::Success), "{said:#?}");
    assert_eq!(job.attempts.len(), 1);
    assert!(said.iter().any(|line| line.contains("trying again")), "{said:#?}");
    assert_eq!(story.output(job).await, ["waiting", "here"]);
}
