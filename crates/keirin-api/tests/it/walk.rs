//! Every route with every kind of caller: who is let in is what the table says, and nothing else.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use keirin_api::permission::Need;
use keirin_api::route_table::{Route, RouteEffect, route_table};
use keirin_model::AttemptId;
use keirin_model::access::Role;
use keirin_store::dashboards::NewDashboard;
use keirin_wire::agent::PROTOCOL;

use crate::answer::Answer;
use crate::world::{By, Running, World};

/// Routes that are not safe by their method and yet are in no audit log, each with what it does instead.
const NO_CHANGES: &[(&str, &str, RouteEffect)] = &[
    (
        "POST",
        "/agent/v1/attempts/{attempt}/events",
        RouteEffect::Receives,
    ),
    ("POST", "/agent/v1/attempts/{attempt}/log", RouteEffect::Receives),
    (
        "POST",
        "/agent/v1/attempts/{attempt}/test-results",
        RouteEffect::Receives,
    ),
    ("POST", "/agent/v1/claim", RouteEffect::HandsOut),
    ("POST", "/api/v1/dashboards/check", RouteEffect::Reads),
    (
        "POST",
        "/api/v1/repositories/{repository}/history",
        RouteEffect::Receives,
    ),
    ("POST", "/api/v1/sql", RouteEffect::Reads),
    ("POST", "/api/v1/workflows/check", RouteEffect::Reads),
    ("POST", "/git/{project}/git-upload-pack", RouteEffect::Reads),
    ("POST", "/metrics/{*group}", RouteEffect::Receives),
    ("POST", "/prometheus/api/v1/format_query", RouteEffect::Reads),
    ("POST", "/prometheus/api/v1/labels", RouteEffect::Reads),
    ("POST", "/prometheus/api/v1/parse_query", RouteEffect::Reads),
    ("POST", "/prometheus/api/v1/query", RouteEffect::Reads),
    ("POST", "/prometheus/api/v1/query_range", RouteEffect::Reads),
    ("POST", "/prometheus/api/v1/series", RouteEffect::Reads),
    ("POST", "/prometheus/api/v1/write", RouteEffect::Receives),
    ("POST", "/write", RouteEffect::Receives),
    (
        "PUT",
        "/agent/v1/attempts/{attempt}/artifacts",
        RouteEffect::Receives,
    ),
    ("PUT", "/metrics/{*group}", RouteEffect::Receives),
    ("DELETE", "/metrics/{*group}", RouteEffect::Receives),
];

#[test]
fn what_is_no_change_is_on_a_list() {
    let mut others: Vec<_> = route_table()
        .all()
        .into_iter()
        .filter(|route| route.method != "GET" && route.effect != RouteEffect::Changes)
        .map(|route| (route.method, route.path.as_str(), route.effect))
        .collect();
    let mut listed = NO_CHANGES.to_vec();
    for list in [&mut others, &mut listed] {
        list.sort_by_key(|(method, path, _)| (*path, *method));
    }
    assert_eq!(others, listed);
}

#[test]
fn each_route_is_declared_once_and_what_is_safe_changes_nothing() {
    let mut seen = BTreeSet::new();
    for Route {
        method, path, effect, ..
    } in route_table().all()
    {
        assert!(seen.insert((method, path)), "{method} {path} is declared twice");
        assert!(
            *method != "GET" || *effect == RouteEffect::Reads,
            "{method} {path}"
        );
    }
}

/// A caller, and what the table should make of them.
struct Caller {
    name: &'static str,
    by: By,
    signed_in: bool,
    /// In all projects.
    server: Option<Role>,
    /// In the project that the walk goes through.
    project: Option<Role>,
    /// In some project.
    sees_anything: bool,
    is_agent: bool,
    /// The attempt whose token it sends.
    attempt: Option<Held>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// The one in the path, live and of the project in the path.
    This,
    /// Another one.
    Other,
    /// The one in the path, after its lease was lost.
    Late,
}

impl Caller {
    fn person(name: &'static str, by: By, server: Option<Role>, project: Option<Role>) -> Self {
        Self {
            name,
            by,
            signed_in: true,
            server,
            project,
            sees_anything: true,
            is_agent: false,
            attempt: None,
        }
    }

    fn program(name: &'static str, by: By) -> Self {
        Self {
            name,
            by,
            signed_in: false,
            server: None,
            project: None,
            sees_anything: false,
            is_agent: false,
            attempt: None,
        }
    }

    fn may(&self, need: Need) -> bool {
        let foreign = self.is_agent || self.attempt.is_some();
        match need {
            Need::Open => true,
            // Whoever sends something that is no API token is refused rather than taken for nobody.
            Need::Anyone => !foreign,
            Need::Visible => self.signed_in && self.sees_anything,
            Need::SignedIn => self.signed_in,
            Need::Server(role) => self.server >= Some(role),
            Need::On(_, role) => self.project >= Some(role),
            // The walk names the project.
            Need::Named(role) => self.project >= Some(role),
            Need::Dashboard(role) => self.project >= Some(role),
            Need::LogSearch => self.project >= Some(Role::Viewer),
            Need::Agent => self.is_agent,
            // Those who run the work refuse a late word themselves.
            Need::JobToken | Need::LiveJob | Need::Mirror => self.attempt == Some(Held::This),
        }
    }
}

#[tokio::test]
async fn every_route_lets_in_whom_the_table_says() {
    let world = World::new().await;
    let running = seed(&world).await;
    for caller in callers(&world, &running).await {
        if caller.attempt == Some(Held::Late) {
            world.work.set_live(running.attempt.id, None);
        }
        for Route {
            method, path, need, ..
        } in route_table().all()
        {
            let answer = ask(&world, &running, &caller, method, path).await;
            let refused = is_refusal(&answer);
            assert_eq!(
                !refused,
                caller.may(*need),
                "{} asks for {method} {path} and gets {}: {}",
                caller.name,
                answer.status,
                answer.text(),
            );
        }
    }
}

/// A project with a running flow, so that nothing in it can be removed by the walk.
async fn seed(world: &World) -> Running {
    let branch = world.project("walked", false).await;
    let agent = world.agent("walker", "keirin_agent_walker").await;
    let running = world.running(branch, agent).await;
    world.work.start_gives(running.flow.id);
    running
}

async fn callers(world: &World, running: &Running) -> Vec<Caller> {
    use Role::{Admin, Developer, Maintainer, Viewer};

    let place = world.store.place_named("walked").await.unwrap().unwrap().project;
    let admin = world.admin().await;
    let mut callers = vec![Caller::program("nobody", By::Nobody)];
    for (name, role) in [
        ("a viewer", Viewer),
        ("a developer", Developer),
        ("a maintainer", Maintainer),
        ("an admin", Admin),
    ] {
        let user = world.user(&name.replace(' ', "-"), Some(role)).await;
        let by = world.browser(user).await;
        callers.push(Caller::person(name, by, Some(role), Some(role)));
    }
    for (name, role) in [
        ("a member who is viewer", Viewer),
        ("a member who is developer", Developer),
        ("a member who is maintainer", Maintainer),
        ("a member who is admin", Admin),
    ] {
        let user = world.user(&name.replace(' ', "-"), None).await;
        world.store.set_project_role(user, place, role).await.unwrap();
        let by = world.browser(user).await;
        callers.push(Caller::person(name, by, None, Some(role)));
    }
    let other = world.project("other", false).await.0;
    let stranger = world.user("stranger", None).await;
    world
        .store
        .set_project_role(stranger, other, Admin)
        .await
        .unwrap();
    let by = world.browser(stranger).await;
    callers.push(Caller::person("a member of another project", by, None, None));

    let by = world.maker(&admin, Developer, None).await;
    callers.push(Caller::person(
        "an admin's token for a developer",
        by,
        Some(Developer),
        Some(Developer),
    ));
    let by = world.maker(&admin, Maintainer, Some("walked")).await;
    callers.push(Caller::person(
        "an admin's token for the project",
        by,
        None,
        Some(Maintainer),
    ));
    let by = world.maker(&admin, Admin, Some("other")).await;
    callers.push(Caller::person(
        "an admin's token for another project",
        by,
        None,
        None,
    ));

    let mut agent = Caller::program("an agent", By::Token("keirin_agent_walker".to_owned()));
    agent.is_agent = true;
    callers.push(agent);
    let token = world.keys.job_token(running.attempt.id);
    let another = world.keys.job_token(AttemptId(running.attempt.id.0 + 1_000));
    let mut job = Caller::program("a job", By::Token(token.clone()));
    job.attempt = Some(Held::This);
    callers.push(job);
    let mut job = Caller::program("another job", By::Token(another));
    job.attempt = Some(Held::Other);
    callers.push(job);
    // The last one, because from then on the attempt is not live.
    let mut job = Caller::program("a job that has lost its lease", By::Token(token));
    job.attempt = Some(Held::Late);
    callers.push(job);
    callers
}

async fn ask(world: &World, running: &Running, caller: &Caller, method: &str, path: &str) -> Answer {
    let mut address = path
        .replace("{project}", "walked")
        .replace("{flow}", &running.flow.id.to_string())
        .replace("{run}", &running.run.id.to_string())
        .replace("{job}", &running.job().to_string())
        .replace("{attempt}", &running.attempt.id.to_string())
        .replace("{agent}", &running.agent.to_string())
        .replace("{number}", &running.flow.number.to_string())
        .replace("{user}", "1")
        .replace("{*group}", "job/walk")
        // Not there, so that nobody's token is revoked.
        .replace("{token}", "999999");
    if path.contains("{artifact}") {
        address = address.replace("{artifact}", &artifact(world, running).await);
    }
    if path.contains("{dashboard}") {
        address = address.replace("{dashboard}", dashboard(world).await);
    }
    if path == "/api/v1/logs/search" {
        address = format!("{address}?regex=x&job={}", running.job());
    }
    if route_table()
        .find(method, path)
        .map(|route| route.need)
        .is_some_and(|need| matches!(need, Need::Named(_) | Need::Dashboard(_)))
    {
        address.push_str("?project=walked");
    }
    if path == "/git/{project}/info/refs" {
        address.push_str("?service=git-upload-pack");
    }
    let body = match path {
        "/agent/v1/register" => serde_json::json!({
            "protocol": PROTOCOL, "version": "0.1.0", "name": "new", "executors": ["bare"], "slots": 1,
        }),
        "/agent/v1/claim" => serde_json::json!({"session": 1, "sequence": 1, "free": 0, "holding": []}),
        "/agent/v1/attempts/{attempt}/events" => serde_json::json!({"events": []}),
        _ => serde_json::json!({}),
    };
    let by = match path {
        // Who signs out is signed out, so that takes a session of its own.
        "/api/v1/sign-out" => match &caller.by {
            By::Browser(_) => world.admin().await,
            by => by.clone(),
        },
        _ => caller.by.clone(),
    };
    let method: Method = method.parse().unwrap();
    let response = world
        .begin(&by, method, &address, Body::from(body.to_string()))
        .await;
    let is_stream = response
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind == "text/event-stream");
    if is_stream {
        // It has no end to wait for.
        let (parts, _) = response.into_parts();
        return Answer {
            status: parts.status,
            headers: parts.headers,
            body: Default::default(),
        };
    }
    Answer::read(response).await
}

/// A dashboard of the project, whoever has removed it before.
async fn dashboard(world: &World) -> &'static str {
    let project = world.store.place_named("walked").await.unwrap().unwrap().project;
    let uid = "walked";
    let dashboard = NewDashboard {
        uid,
        project: Some(project),
        title: "Walked",
        content: &serde_json::json!({ "title": "Walked" }),
        now: world.clock.now(),
        by: "somebody",
    };
    world.store.keep_dashboard(dashboard, true).await.unwrap();
    uid
}

/// An artifact of the running attempt, while there can be one.
async fn artifact(world: &World, running: &Running) -> String {
    let new = keirin_store::artifacts::NewArtifact {
        attempt: running.attempt.id,
        path: "walked.txt",
        size: 0,
        sha256: [0; 32],
        executable: false,
        object: "artifacts/walked",
    };
    let kept = world.store.keep_artifact(&new, world.clock.now()).await.unwrap();
    kept.unwrap().to_string()
}

/// Whether the gate has said no; what handlers say no to is another matter.
fn is_refusal(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => true,
        StatusCode::NOT_FOUND | StatusCode::CONFLICT => {
            let problem = answer.problem();
            problem.kind == "lease-lost"
                || problem.detail.as_deref() == Some("There is no such thing that you may see.")
                || problem.detail.as_deref() == Some("There is no repository that you may see.")
        }
        _ => false,
    }
}

#[tokio::test]
async fn in_a_public_project_everybody_may_look_and_nobody_may_touch() {
    let world = World::new().await;
    let branch = world.project("walked", true).await;
    let agent = world.agent("walker", "keirin_agent_walker").await;
    let running = world.running(branch, agent).await;
    let nobody = Caller::program("nobody", By::Nobody);
    for Route {
        method, path, need, ..
    } in route_table().all()
    {
        let Need::On(noun, role) = need else { continue };
        let answer = ask(&world, &running, &nobody, method, path).await;
        if *role == Role::Viewer {
            assert!(!is_refusal(&answer), "{method} {path}: {}", answer.text());
        } else {
            assert_eq!(
                answer.status,
                StatusCode::UNAUTHORIZED,
                "{method} {path} of {noun:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_one_may_not_see_look_the_same() {
    let world = World::new().await;
    let branch = world.project("hidden", false).await;
    let (flow, ..) = world.flow(branch, 1).await;
    let stranger = world.user("stranger", None).await;
    let by = world.browser(stranger).await;
    for (there, not_there) in [
        (
            "/api/v1/projects/hidden".to_owned(),
            "/api/v1/projects/nothing".to_owned(),
        ),
        (
            format!("/api/v1/flows/{}", flow.id),
            "/api/v1/flows/999999".to_owned(),
        ),
    ] {
        let hidden = world.get(&by, &there).await;
        let missing = world.get(&by, &not_there).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND);
        assert_eq!(hidden.text(), missing.text());
        let nobody = (
            world.get(&By::Nobody, &there).await,
            world.get(&By::Nobody, &not_there).await,
        );
        assert_eq!(nobody.0.status, StatusCode::UNAUTHORIZED);
        assert_eq!(nobody.0.text(), nobody.1.text());
    }
}
