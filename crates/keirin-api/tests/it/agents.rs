//! The agent protocol: the door, the work, what a job leaves, and who is too late.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use jiff::SignedDuration;
use keirin_model::AttemptId;
use keirin_wire::agent::{Assignment, Claimed, Kept, Origin, PROTOCOL, Registered, Reported};
use keirin_wire::api::{Agent, AgentState, Artifact, CreatedToken, Page, RemovedAgents, TestResults};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::world::{By, Running, World};

#[tokio::test]
async fn an_agent_knocks_and_a_person_lets_it_in() {
    let world = World::new().await;
    let admin = world.admin().await;
    let registered: Registered = register(&world, json!({})).await.json();
    assert!(!registered.authorised);
    let path = format!("/api/v1/agents/{}", registered.agent);
    let agent: Agent = world.get(&admin, &path).await.json();
    assert_eq!(agent.state, AgentState::Unauthorised);

    let change = json!({"authorised": true, "slots": 1, "groups": ["fast"]});
    let agent: Agent = world.call(&admin, Method::PATCH, &path, change).await.json();
    assert_eq!((agent.state, agent.slots), (AgentState::Online, 1));
    assert!(agent.groups.contains("fast"));
    let again: Registered = register(&world, json!({"secret": registered.secret}))
        .await
        .json();
    assert_eq!((again.agent, again.authorised), (registered.agent, true));
    let agent: Agent = world
        .call(&admin, Method::PATCH, &path, json!({"disabled": true}))
        .await
        .json();
    assert_eq!(agent.state, AgentState::Disabled);
    world
        .call(&admin, Method::PATCH, &path, json!({"disabled": false}))
        .await;
    world.pass(SignedDuration::from_secs(60));
    let agent: Agent = world.get(&admin, &path).await.json();
    assert_eq!(agent.state, AgentState::Offline);
    let gone = world.call(&admin, Method::DELETE, &path, json!(null)).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let claim = claim(&world, &registered.secret).await;
    assert_eq!(claim.problem().kind, "not-accepted");
}

#[tokio::test]
async fn a_join_token_lets_in_as_many_as_it_says_and_into_its_groups_only() {
    let world = World::new().await;
    let admin = world.admin().await;
    let wanted = json!({"kind": "join", "groups": ["fast"], "uses": 1});
    let token: CreatedToken = world.post(&admin, "/api/v1/tokens", wanted).await.json();
    let outside = register(&world, json!({"join_token": token.token, "groups": ["secret"]})).await;
    assert_eq!(outside.problem().kind, "forbidden");
    // Who is refused has used nothing up.
    let within = json!({"join_token": token.token, "groups": ["fast"]});
    let registered: Registered = register(&world, within.clone()).await.json();
    assert!(registered.authorised);
    let mut again = within.clone();
    again["secret"] = json!(registered.secret);
    assert!(
        register(&world, again).await.json::<Registered>().authorised,
        "it is in already"
    );
    let mut another = within;
    another["name"] = json!("another");
    assert_eq!(register(&world, another).await.problem().kind, "not-accepted");
}

#[tokio::test]
async fn a_change_comes_to_its_end_though_its_caller_hangs_up() {
    let world = World::new().await;
    let admin = world.admin().await;
    let registered: Registered = register(&world, json!({})).await.json();
    let path = format!("/api/v1/agents/{}", registered.agent);
    world.work.hold(true);
    let before = world.work.asked().len();
    tokio::select! {
        _ = world.call(&admin, Method::PATCH, &path, json!({"authorised": true})) => panic!("it waits"),
        () = world.work.entered() => {}
    }
    world.work.hold(false);
    world.app.changes_made().await;
    assert_eq!(
        world.work.asked()[before..],
        [format!("agent {} changed", registered.agent)]
    );
    let agent: Agent = world.get(&admin, &path).await.json();
    assert_eq!(agent.state, AgentState::Online);
}

/// The answer may be lost after all was done: the agent has its secret from itself, and needs no token a second time.
#[tokio::test]
async fn an_agent_that_never_heard_the_answer_is_known_when_it_asks_again() {
    let world = World::new().await;
    let admin = world.admin().await;
    let wanted = json!({"kind": "join", "uses": 1});
    let token: CreatedToken = world.post(&admin, "/api/v1/tokens", wanted).await.json();
    let secret = format!("keirin_agent_{}", "7".repeat(64));
    let said = json!({"join_token": token.token, "proposed_secret": secret});
    let first: Registered = register(&world, said.clone()).await.json();
    let again: Registered = register(&world, said).await.json();
    assert_eq!((again.agent, again.authorised), (first.agent, true));
    assert_eq!((&first.secret, &again.secret), (&secret, &secret));
    // What could be guessed is not taken.
    let weak = json!({"name": "weak", "proposed_secret": "keirin_agent_1"});
    let drawn: Registered = register(&world, weak).await.json();
    assert!(drawn.secret.len() > 43, "{}", drawn.secret);
    // The secret of an agent that was deleted opens nothing any more, though it has the right form.
    let path = format!("/api/v1/agents/{}", first.agent);
    world.call(&admin, Method::DELETE, &path, json!(null)).await;
    let back: Registered = register(&world, json!({"secret": secret})).await.json();
    assert_ne!(back.secret, secret);
    assert!(!back.authorised);
}

#[tokio::test]
async fn nobody_takes_the_name_of_another_agent() {
    let world = World::new().await;
    let first: Registered = register(&world, json!({})).await.json();
    let second = register(&world, json!({"secret": "guessed"})).await;
    assert_eq!(second.problem().kind, "conflict");
    assert!(!second.text().contains(&first.secret));
}

/// Makes an agent known from an address.
/// Nobody who is not let in writes to the terminal of whoever lists the agents.
#[tokio::test]
async fn what_an_agent_says_of_itself_changes_no_terminal() {
    let world = World::new().await;
    for besides in [
        json!({"labels": ["\u{1b}[2Jgone"]}),
        json!({"groups": ["two\nlines"]}),
        json!({"host": {"os": "\u{202e}xunil"}}),
        json!({"host": {"\0": "x"}}),
        json!({"version": "1\r0"}),
    ] {
        let answer = register(&world, besides.clone()).await;
        assert_eq!(answer.problem().kind, "invalid", "{besides}");
    }
}

async fn register_from(world: &World, from: IpAddr, name: &str, besides: Value) -> Answer {
    let request = Request::post("/agent/v1/register")
        .header("content-type", "application/json")
        .body(Body::from(registration(with_name(besides, name)).to_string()));
    Answer::read(world.send_from(from, request.unwrap()).await).await
}

fn with_name(mut besides: Value, name: &str) -> Value {
    besides["name"] = json!(name);
    besides
}

/// An address of a network of its own.
fn from(number: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, number])
}

#[tokio::test]
async fn nobody_fills_the_list_of_agents() {
    let world = World::new().await;
    let admin = world.admin().await;
    let mut kinds = BTreeMap::new();
    for number in 0..150 {
        let answer = register_from(&world, from(1), &format!("flood{number}"), json!({})).await;
        let kind = if answer.status.is_success() {
            "registered".to_owned()
        } else {
            answer.problem().kind
        };
        *kinds.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(
        kinds,
        [("registered".to_owned(), 10), ("too-many".to_owned(), 140)].into()
    );
    world.pass(SignedDuration::from_hours(1));
    for number in 0..15 {
        register_from(&world, from(1), &format!("later{number}"), json!({})).await;
    }
    let full = register_from(&world, from(1), "one-more", json!({})).await;
    assert_eq!(full.problem().kind, "too-many");
    world.pass(SignedDuration::from_hours(1));
    let full = register_from(&world, from(1), "one-more", json!({})).await;
    assert_eq!(full.problem().kind, "too-many-agents-wait", "{}", full.text());
    for network in 2..20 {
        for number in 0..10 {
            register_from(
                &world,
                from(network),
                &format!("flood{network}-{number}"),
                json!({}),
            )
            .await;
        }
    }
    let waiting = all_agents(&world, &admin).await;
    assert_eq!(waiting.len(), 100);
    let stranger = register_from(&world, from(99), "stranger", json!({})).await;
    assert_eq!(stranger.problem().kind, "too-many-agents-wait");

    // Whom somebody vouches for comes in, also by a name that a stranger has taken.
    let token: CreatedToken = world
        .post(&admin, "/api/v1/tokens", json!({"kind": "join"}))
        .await
        .json();
    let joined = register_from(&world, from(1), "flood0", json!({"join_token": token.token})).await;
    assert!(joined.json::<Registered>().authorised);

    let kept = world
        .call(&admin, Method::DELETE, "/api/v1/agents", json!({}))
        .await;
    assert_eq!(kept.problem().kind, "invalid");
    let path = "/api/v1/agents?state=unauthorised";
    let removed: RemovedAgents = world.call(&admin, Method::DELETE, path, json!({})).await.json();
    assert_eq!(removed.removed, 99);
    let left = all_agents(&world, &admin).await;
    assert_eq!(
        left.iter().map(|agent| agent.name.as_str()).collect::<Vec<_>>(),
        ["flood0"]
    );
}

#[tokio::test]
async fn who_is_not_let_in_within_a_day_is_forgotten() {
    let world = World::new().await;
    let admin = world.admin().await;
    let gone: Registered = register(&world, json!({"name": "gone"})).await.json();
    world.agent("worker", "keirin_agent_worker").await;
    world.pass(SignedDuration::from_hours(24));
    let admin_again = world.admin().await;
    let left = all_agents(&world, &admin_again).await;
    assert_eq!(
        left.iter().map(|agent| agent.name.as_str()).collect::<Vec<_>>(),
        ["worker"]
    );
    // Whoever comes next finds room, before the server looks for such agents by itself.
    register(&world, json!({"name": "next"})).await;
    let path = format!("/api/v1/agents/{}", gone.agent);
    assert_eq!(world.get(&admin, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(claim(&world, &gone.secret).await.problem().kind, "not-accepted");
}

#[tokio::test]
async fn what_nobody_has_vouched_for_says_little_of_itself() {
    let world = World::new().await;
    let labels: Vec<String> = (0..90).map(|number| format!("{number:0>150}")).collect();
    let answer = register(&world, json!({"labels": labels})).await;
    assert_eq!(answer.problem().kind, "invalid");
}

#[tokio::test]
async fn agents_come_by_the_page() {
    let world = World::new().await;
    let admin = world.admin().await;
    for number in 0..7 {
        world
            .agent(&format!("worker{number}"), &format!("keirin_agent_{number}"))
            .await;
    }
    let mut names = Vec::new();
    let mut path = "/api/v1/agents?limit=3".to_owned();
    loop {
        let page: Page<Agent> = world.get(&admin, &path).await.json();
        assert!(page.items.len() <= 3);
        names.extend(page.items.into_iter().map(|agent| agent.name));
        let Some(cursor) = page.next_cursor else { break };
        path = format!("/api/v1/agents?limit=3&cursor={cursor}");
    }
    let wanted: Vec<String> = (0..7).map(|number| format!("worker{number}")).collect();
    assert_eq!(names, wanted);
}

async fn all_agents(world: &World, by: &By) -> Vec<Agent> {
    let page: Page<Agent> = world.get(by, "/api/v1/agents?limit=200").await.json();
    assert_eq!(page.next_cursor, None);
    page.items
}

#[tokio::test]
async fn an_agent_of_a_strange_version_or_with_a_strange_name_is_told_so() {
    let world = World::new().await;
    for wrong in [
        json!({"protocol": PROTOCOL + 1}),
        json!({"name": ""}),
        json!({"name": "a/b"}),
        json!({"slots": 1_000_000}),
        json!({"labels": ["x".repeat(300)]}),
    ] {
        let answer = register(&world, wrong.clone()).await;
        assert_eq!(answer.problem().kind, "invalid", "{wrong}");
    }
}

#[tokio::test]
async fn a_claimed_job_comes_with_the_token_that_speaks_for_it() {
    let (world, running) = running().await;
    world.work.assign(assignment(&running));
    let claimed: Claimed = claim(&world, "keirin_agent_worker").await.json();
    let token = &claimed.assignments[0].token;
    assert_eq!(world.keys.attempt_of(token), Some(running.attempt.id));
    let report = report(&world, token, running.attempt.id).await;
    let reported: Reported = report.json();
    assert_eq!(reported.acknowledged, 1);
    // Agents set the times of their logs by it.
    assert_eq!(
        (claimed.now, reported.now),
        (Some(world.clock.now()), Some(world.clock.now()))
    );
    let other = AttemptId(running.attempt.id.0 + 1);
    assert_eq!(
        self::report(&world, token, other).await.problem().kind,
        "forbidden"
    );
}

#[tokio::test]
async fn files_are_kept_with_the_flow_and_brought_back() {
    let (world, running) = running().await;
    let admin = world.admin().await;
    let token = By::Token(world.keys.job_token(running.attempt.id));
    let base = format!("/agent/v1/attempts/{}/artifacts", running.attempt.id);
    for (content, executable) in [("first", "false"), ("second", "true")] {
        let path = format!("{base}?path=dist/app%20%C3%BC.txt&executable={executable}");
        let answer = world.begin(&token, Method::PUT, &path, Body::from(content)).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    for bad in ["../x", "/etc/passwd", "a/../../b", ""] {
        let answer = world
            .call(&token, Method::PUT, &format!("{base}?path={bad}"), json!("x"))
            .await;
        assert_eq!(answer.problem().kind, "invalid", "{bad}");
    }
    let kept: Vec<Kept> = world.get(&token, &base).await.json();
    let [file] = &kept[..] else {
        panic!("one file: {kept:?}")
    };
    assert_eq!((file.path.as_str(), file.size), ("dist/app ü.txt", 6));
    assert_eq!((file.executable, file.job.as_str()), (true, "job 0"));
    assert_eq!(
        world.get(&token, &format!("{base}/{}", file.id)).await.text(),
        "second"
    );

    let listed = format!("/api/v1/flows/{}/artifacts", running.flow.id);
    let artifacts: Page<Artifact> = world.get(&admin, &listed).await.json();
    assert_eq!(artifacts.items[0].job_name, "job 0");
    assert!(artifacts.items[0].executable);
    let answer = world.get(&admin, &format!("/api/v1/artifacts/{}", file.id)).await;
    assert_eq!(answer.text(), "second");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename*=UTF-8''app%20%C3%BC.txt"
    );
    assert!(answer.header("content-security-policy").starts_with("sandbox"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_job_cannot_read_the_files_of_another_flow() {
    let (world, running) = running().await;
    let token = By::Token(world.keys.job_token(running.attempt.id));
    let base = format!("/agent/v1/attempts/{}/artifacts", running.attempt.id);
    world
        .begin(&token, Method::PUT, &format!("{base}?path=x"), Body::from("hush"))
        .await;
    let kept: Vec<Kept> = world.get(&token, &base).await.json();

    let elsewhere = world.project("elsewhere", false).await;
    let other = world.running(elsewhere, running.agent).await;
    let token = By::Token(world.keys.job_token(other.attempt.id));
    let path = format!("/agent/v1/attempts/{}/artifacts/{}", other.attempt.id, kept[0].id);
    assert_eq!(world.get(&token, &path).await.status, StatusCode::NOT_FOUND);
    let refs = world
        .get(&token, "/git/here/info/refs?service=git-upload-pack")
        .await;
    assert_eq!(refs.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn test_results_are_kept_and_counted() {
    let (world, running) = running().await;
    let admin = world.admin().await;
    let token = By::Token(world.keys.job_token(running.attempt.id));
    let path = format!("/agent/v1/attempts/{}/test-results", running.attempt.id);
    let result = |name: &str, status: &str| json!({"suite": "suite", "name": name, "status": status, "duration_seconds": 0.5, "message": null});
    let results = [
        result("a", "passed"),
        result("b", "failed"),
        result("c", "skipped"),
    ];
    let sent = world
        .post(&token, &path, json!({"step": 1, "results": results}))
        .await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT);
    for path in [
        format!("/api/v1/flows/{}/test-results", running.flow.id),
        format!("/api/v1/runs/{}/test-results", running.run.id),
        format!("/api/v1/jobs/{}/test-results", running.job()),
    ] {
        let page: TestResults = world.get(&admin, &format!("{path}?limit=2")).await.json();
        assert_eq!(
            (page.counts.passed, page.counts.failed, page.counts.skipped),
            (1, 1, 1)
        );
        assert_eq!(page.items[0].result.name, "b", "what failed comes first");
        let next = page.next_cursor.unwrap();
        let rest: TestResults = world
            .get(&admin, &format!("{path}?limit=2&cursor={next}"))
            .await
            .json();
        assert_eq!((rest.items.len(), rest.next_cursor), (1, None));
        let failed: TestResults = world.get(&admin, &format!("{path}?status=failed")).await.json();
        assert_eq!(failed.items.len(), 1);
        let found: TestResults = world
            .get(&admin, &format!("{path}?search=SUITE%20c"))
            .await
            .json();
        assert_eq!(found.items[0].result.name, "c");
    }
    let flow = format!("/api/v1/flows/{}", running.flow.id);
    let flow: keirin_wire::api::Flow = world.get(&admin, &flow).await.json();
    assert_eq!(flow.runs[0].tests.unwrap().failed, 1);
    assert_eq!(flow.runs[0].jobs[1].tests, None, "none collected is not zero");
}

#[tokio::test]
async fn who_has_lost_the_lease_is_told_to_stop() {
    let (world, running) = running().await;
    world.work.set_live(running.attempt.id, None);
    let token = By::Token(world.keys.job_token(running.attempt.id));
    let base = format!("/agent/v1/attempts/{}", running.attempt.id);
    for (method, path, body) in [
        (Method::POST, format!("{base}/events"), json!({"events": []})),
        (Method::POST, format!("{base}/log?first_line=0"), json!("x")),
        (
            Method::POST,
            format!("{base}/test-results"),
            json!({"step": 0, "results": []}),
        ),
        (Method::PUT, format!("{base}/artifacts?path=x"), json!("x")),
        (
            Method::GET,
            "/git/here/info/refs?service=git-upload-pack".to_owned(),
            json!(null),
        ),
    ] {
        let answer = world.call(&token, method, &path, body).await;
        assert_eq!(
            (answer.status, answer.problem().kind.as_str()),
            (StatusCode::CONFLICT, "lease-lost"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_mirror_is_for_reading_and_asks_git_for_a_password() {
    let (world, running) = running().await;
    let nobody = world
        .get(&By::Nobody, "/git/here/info/refs?service=git-upload-pack")
        .await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert!(nobody.header("www-authenticate").starts_with("Basic"));
    let token = By::Token(world.keys.job_token(running.attempt.id));
    let push = world
        .get(&token, "/git/here/info/refs?service=git-receive-pack")
        .await;
    assert_eq!(push.problem().kind, "forbidden");
    let unfetched = world
        .get(&token, "/git/here/info/refs?service=git-upload-pack")
        .await;
    assert_eq!(unfetched.status, StatusCode::NOT_FOUND);
}

async fn running() -> (World, Running) {
    let world = World::new().await;
    let branch = world.project("here", false).await;
    let agent = world.agent("worker", "keirin_agent_worker").await;
    let running = world.running(branch, agent).await;
    (world, running)
}

async fn register(world: &World, over: Value) -> Answer {
    world
        .post(&By::Nobody, "/agent/v1/register", registration(over))
        .await
}

/// What an agent says of itself.
fn registration(over: Value) -> Value {
    let mut said = json!({
        "protocol": PROTOCOL, "version": "0.1.0", "name": "new", "executors": ["bare"], "slots": 4,
    });
    for (key, value) in over.as_object().unwrap() {
        said[key] = value.clone();
    }
    said
}

async fn claim(world: &World, secret: &str) -> Answer {
    let by = By::Token(secret.to_owned());
    let said = json!({"session": 1, "sequence": 1, "free": 1, "holding": []});
    world.post(&by, "/agent/v1/claim", said).await
}

async fn report(world: &World, token: &str, attempt: AttemptId) -> Answer {
    let by = By::Token(token.to_owned());
    let said = json!({"events": [{"sequence": 1, "event": {"kind": "started"}}]});
    world
        .post(&by, &format!("/agent/v1/attempts/{attempt}/events"), said)
        .await
}

fn assignment(running: &Running) -> Assignment {
    let flow = &running.flow;
    Assignment {
        attempt: running.attempt.id,
        number: 1,
        token: String::new(),
        job: flow.job(&running.run, &running.jobs[0]).clone(),
        origin: Origin {
            project: "here".to_owned(),
            branch: "main".to_owned(),
            flow: flow.id.to_string(),
            flow_number: flow.number,
            flow_kind: flow.kind,
            stage: "stage 0".to_owned(),
            job: running.job().to_string(),
            change: None,
            server: None,
        },
        repository: None,
        exclusive: false,
        masks: Vec::new(),
    }
}
