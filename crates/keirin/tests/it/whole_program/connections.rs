//! Many connections that say nothing, beside people and agents who want something.

use std::fs;

use keirin_model::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::whole_program::story::{Story, http, one_job};
use crate::whole_program::world::{World, within};

/// More than the server may have open.
const SILENT: usize = 700;

/// How a connection is silent: not a word, half a head, an announced body that does not come.
const SILENCES: [&str; 3] = [
    "",
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Half: a",
    "POST /api/v1/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
];

#[tokio::test]
async fn silent_connections_close_the_server_to_nobody() {
    let mut world = World::new();
    world.open_files = Some((200, 500));
    let story = Story::begin_in(world, &one_job("echo done")).await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", story.server.pid())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files"));
    let files: Vec<_> = files.unwrap().split_whitespace().collect();
    assert_eq!(
        files[3..5],
        ["500", "500"],
        "what the system lets it have, the server takes"
    );

    let mut silent = Vec::new();
    for number in 0..SILENT {
        let mut stream = TcpStream::connect(story.listen()).await.unwrap();
        // A connection that gives way at once is as good as one that stays.
        drop(
            stream
                .write_all(SILENCES[number % SILENCES.len()].as_bytes())
                .await,
        );
        silent.push(stream);
    }
    for path in ["healthz", "readyz"] {
        let answer = http().get(story.url.join(path).unwrap()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
    let flow = within("a flow beside silent connections", story.run()).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));

    let gone = silent.iter().filter(|stream| has_ended(stream)).count();
    assert!(gone > SILENT - 500, "{gone} of {SILENT} have given way");
    let mut last = silent.pop().unwrap();
    drop(last.write_all(b"}").await);
    drop(silent);
    drop(last.read(&mut [0]).await);
    story.still_works().await;
}

fn has_ended(stream: &TcpStream) -> bool {
    match stream.try_read(&mut [0; 1024]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
