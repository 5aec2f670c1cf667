//! Connections that are silent, slow or too many, beside those of people who want something.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use futures::StreamExt as _;
use keirin_api::{ConnectionLimits, EventEnvelope, HttpSettings};
use keirin_model::access::Role;
use keirin_wire::api::{Event, EventKind, Problem};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::world::{ADDRESS, By, World};

const LIMITS: ConnectionLimits = ConnectionLimits {
    total: 12,
    per_address: 8,
};

/// How a connection is silent.
const SILENCES: [&str; 4] = [
    "",
    "GET /healthz HTTP/1.1\r\nHost: keirin.test\r\nX-Half: a",
    "GET /healthz HTTP/1.1\r\nHost: keirin.test\r\n\r\n",
    "POST /api/v1/sign-in HTTP/1.1\r\nHost: keirin.test\r\nContent-Type: application/json\r\n\
     Content-Length: 100\r\n\r\n{",
];

struct Listening {
    address: String,
}

impl Listening {
    async fn begin(world: &World, limits: ConnectionLimits) -> Self {
        let url = world.listen_with(limits).await;
        let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        Self { address }
    }

    async fn connect(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Begins to follow what changes.
    async fn follow(&self, by: &By) -> TcpStream {
        let (stream, status) = self.ask_to_follow(by).await;
        assert_eq!(status, 200);
        stream
    }

    /// Asks to follow what changes; gives the status of the answer, and what is left of it to be read.
    async fn ask_to_follow(&self, by: &By) -> (TcpStream, u16) {
        let who = match by {
            By::Nobody => String::new(),
            By::Browser(cookie) => format!("Cookie: {cookie}\r\n"),
            By::Token(token) => format!("Authorization: Bearer {token}\r\n"),
        };
        let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: keirin.test\r\n{who}\r\n");
        let mut stream = self.connect(&request).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        let answer = std::str::from_utf8(&answer).unwrap();
        let status = answer.strip_prefix("HTTP/1.1 ").unwrap();
        (stream, status.parse().unwrap())
    }

    /// Asks on a connection of its own; gives the status line and the rest.
    async fn ask(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: keirin.test\r\nConnection: close\r\n\r\n");
        let mut stream = self.connect(&request).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let world = World::new().await;
    let server = Listening::begin(&world, LIMITS).await;
    let mut silent = Vec::new();
    for number in 0..200 {
        silent.push(server.connect(SILENCES[number % SILENCES.len()]).await);
        if number % 20 == 19 {
            let answer = server.ask("/healthz").await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{number}: {answer}");
        }
    }
    assert!(server.ask("/api/v1/me").await.starts_with("HTTP/1.1 200 OK\r\n"));
    // The first gave way long ago.
    let mut rest = Vec::new();
    let ended = silent[0].read_to_end(&mut rest).await;
    assert!(ended.is_err() || rest.is_empty(), "{ended:?}");
}

#[tokio::test]
async fn where_the_server_works_for_every_connection_health_checks_pass_and_others_are_told() {
    let world = World::new().await;
    let server = Listening::begin(&world, LIMITS).await;
    let mut busy = Vec::new();
    for number in 0..LIMITS.per_address {
        let user = world.user(&format!("user{number}"), Some(Role::Viewer)).await;
        busy.push(server.follow(&world.browser(user).await).await);
    }
    for number in 0..100 {
        // What is silent here keeps nobody out either.
        busy.push(server.connect(SILENCES[number % 2]).await);
    }
    for path in ["/healthz", "/readyz"] {
        assert!(
            server.ask(path).await.starts_with("HTTP/1.1 200 OK\r\n"),
            "{path}"
        );
    }
    let told = server.ask("/api/v1/me").await.to_lowercase();
    assert!(told.starts_with("http/1.1 503 "), "{told}");
    assert!(
        told.contains("content-type: application/problem+json\r\n"),
        "{told}"
    );
    assert!(told.contains("retry-after: 5\r\n"), "{told}");
    drop(busy);
    let mut answers = 0;
    while !server.ask("/api/v1/me").await.starts_with("HTTP/1.1 200 OK\r\n") {
        answers += 1;
        assert!(answers < 1000, "room comes back when connections end");
    }
}

#[tokio::test]
async fn streams_of_those_who_have_not_signed_in_leave_room_for_others() {
    let world = World::new().await;
    world.project("open", true).await;
    let admin = world.admin().await;
    let server = Listening::begin(&world, LIMITS).await;
    let known = server.follow(&admin).await;
    let mut streams = VecDeque::new();
    for number in 0..30 {
        streams.push_back(server.follow(&By::Nobody).await);
        let answer = server.ask("/api/v1/me").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{number}: {answer}");
    }
    // The oldest have given way, whole: a browser asks again by itself.
    let newest = streams.split_off(30 - LIMITS.per_address / 2);
    for mut stream in streams {
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        assert!(rest.ends_with("\r\n0\r\n\r\n"), "{rest}");
    }
    world.work.tell(EventEnvelope {
        position: "1-1".to_owned(),
        event: Event::new(EventKind::Reset, world.clock.now()),
    });
    for stream in newest.into_iter().chain([known]) {
        let mut lines = BufReader::new(stream).lines();
        while lines.next_line().await.unwrap().expect("it goes on") != "event: reset" {}
    }
}

#[tokio::test]
async fn streams_of_one_account_leave_room_for_others_at_its_address() {
    let world = World::new().await;
    let limits = ConnectionLimits {
        total: 40,
        per_address: 16,
    };
    let server = Listening::begin(&world, limits).await;
    let admin = world.admin().await;
    let token = world.token(&admin, Role::Viewer, None).await;
    let (mut followed, mut refused) = (Vec::new(), Vec::new());
    for by in [&token, &admin] {
        for _ in 0..2 * limits.per_address {
            let (stream, status) = server.ask_to_follow(by).await;
            match status {
                200 => followed.push(stream),
                _ => refused.push((stream, status)),
            }
        }
    }
    // A token has a quarter of what an address may have, and its owner a third.
    assert_eq!(followed.len(), 5);
    assert!(refused.iter().all(|(_, status)| *status == 429));
    for (who, most, number) in [("This token", 4, 0), ("Your account", 5, 40)] {
        let stream = &mut refused[number].0;
        let told = answer_of(stream).await;
        assert!(told.contains("retry-after: 30\r\n"), "{told}");
        let told = told.split_once("\r\n\r\n").unwrap().1;
        let told: Problem = serde_json::from_str(told).unwrap();
        let detail =
            format!("{who} may follow {most} streams of events and logs at once, and does so already.");
        assert_eq!((told.kind, told.detail), ("too-many".to_owned(), Some(detail)));
    }
    drop(refused);
    let other = world.user("other", Some(Role::Viewer)).await;
    server.follow(&world.browser(other).await).await;
    assert!(server.ask("/api/v1/me").await.starts_with("HTTP/1.1 200 OK\r\n"));
    // Those that it has go on, and when one ends there is room again.
    drop(followed.pop());
    let mut refusals = 0;
    while server.ask_to_follow(&admin).await.1 != 200 {
        refusals += 1;
        assert!(refusals < 1000, "room comes back when a stream ends");
    }
    world.work.tell(EventEnvelope {
        position: "1-1".to_owned(),
        event: Event::new(EventKind::Reset, world.clock.now()),
    });
    for stream in followed {
        let mut lines = BufReader::new(stream).lines();
        while lines.next_line().await.unwrap().expect("it goes on") != "event: reset" {}
    }
}

#[tokio::test]
async fn a_silent_connection_ends_by_itself() {
    let world = World::new().await;
    let server = Listening::begin(&world, LIMITS).await;
    for silence in SILENCES {
        let mut stream = server.connect(silence).await;
        let mut answer = [0; 12];
        if silence.ends_with("\r\n\r\n") && !silence.starts_with("POST") {
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200");
        }
        // From here on nothing happens but time.
        tokio::time::pause();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(90), stream.read_to_end(&mut rest)).await;
        tokio::time::resume();
        assert!(ended.is_ok(), "it is still open after 90 s: {silence:?}");
    }
}

#[tokio::test]
async fn an_answer_is_heard_by_who_is_still_sending() {
    let world = World::new().await;
    let server = Listening::begin(&world, LIMITS).await;
    let head = "POST /api/v1/sign-in HTTP/1.1\r\nHost: keirin.test\r\nContent-Type: application/json\r\n\
        Content-Length: 100000000\r\n\r\n";
    let mut stream = server.connect(head).await;
    let block = vec![b' '; 64 * 1024];
    let (mut reading, mut writing) = stream.split();
    let send = async {
        for _ in 0..160 {
            // It may be refused at any time.
            if writing.write_all(&block).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let hear = async {
        let mut answer = [0; 12];
        reading.read_exact(&mut answer).await.map(|_| answer)
    };
    let answer = tokio::select! { answer = hear => answer, () = send => unreachable!("it never ends") };
    assert_eq!(&answer.unwrap(), b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_connection_can_be_used_again_after_a_refusal_that_came_before_the_body() {
    let mut settings = HttpSettings::at(ADDRESS.parse().unwrap());
    settings.calls_per_minute = 2;
    let world = World::with(settings).await;
    let server = Listening::begin(&world, LIMITS).await;
    let mut stream = server.connect("").await;
    let body = "x".repeat(100_000);
    let post = format!(
        "POST /api/v1/workflows/check HTTP/1.1\r\nHost: keirin.test\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for refusal in ["401", "429", "429"] {
        stream.write_all(post.as_bytes()).await.unwrap();
        let answer = answer_of(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {refusal} ")), "{answer}");
    }
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: keirin.test\r\n\r\n")
        .await
        .unwrap();
    let answer = answer_of(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");

    // Where too much is under way, the client is told that the connection ends.
    let much = post.replace("Content-Length: 100000", "Content-Length: 100000000");
    stream.write_all(much.as_bytes()).await.unwrap();
    let answer = answer_of(&mut stream).await.to_lowercase();
    assert!(
        answer.starts_with("http/1.1 429 ") && answer.contains("connection: close"),
        "{answer}"
    );
}

/// One answer whose head says how long its body is.
async fn answer_of(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap_or("0").parse().unwrap() {
                return text;
            }
        }
        let mut some = [0; 4096];
        let read = stream.read(&mut some).await.unwrap();
        assert!(read > 0, "the connection ended after {text:?}");
        answer.extend(&some[..read]);
    }
}

#[tokio::test]
async fn a_body_that_comes_by_the_byte_is_given_up() {
    let world = World::new().await;
    let drips = futures::stream::repeat(()).then(async |()| {
        tokio::time::sleep(Duration::from_secs(10)).await;
        Ok::<_, std::io::Error>(" ")
    });
    // From here on nothing happens but time.
    tokio::time::pause();
    let body = Body::from_stream(drips);
    let answer = world
        .begin(&By::Nobody, Method::POST, "/api/v1/sign-in", body)
        .await;
    tokio::time::resume();
    let answer = Answer::read(answer).await;
    assert_eq!(answer.problem().kind, "body-too-slow");
    assert_eq!(
        (answer.status.as_u16(), answer.header("connection")),
        (408, "close")
    );
}
