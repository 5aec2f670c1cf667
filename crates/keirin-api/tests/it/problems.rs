//! What goes wrong is a problem document that says what to do, and nothing that it should not.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use keirin_api::HttpSettings;
use keirin_model::access::Role;
use serde_json::json;

use crate::answer::Answer;
use crate::world::{ADDRESS, By, World};

#[tokio::test]
async fn every_wrong_call_gets_a_document() {
    let world = World::new().await;
    let admin = world.admin().await;
    for (method, path, status, kind) in [
        (Method::GET, "/api/v1/nothing", StatusCode::NOT_FOUND, "not-found"),
        (
            Method::PUT,
            "/api/v1/projects",
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong-method",
        ),
        (
            Method::POST,
            "/projects/page",
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong-method",
        ),
        (
            Method::GET,
            "/api/v1/flows?cursor=x",
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
        ),
        (
            Method::GET,
            "/api/v1/flows?state=done",
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
        ),
        (Method::GET, "/api/v1/flows/0", StatusCode::NOT_FOUND, "not-found"),
        (Method::GET, "/api/v1/flows/x", StatusCode::NOT_FOUND, "not-found"),
        (
            Method::GET,
            "/api/v1/agents/x",
            StatusCode::NOT_FOUND,
            "not-found",
        ),
        (
            Method::GET,
            "/api/v1/events?after=%0A",
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
        ),
        (
            Method::GET,
            "/assets/missing.js",
            StatusCode::NOT_FOUND,
            "not-found",
        ),
    ] {
        let answer = world.call(&admin, method.clone(), path, json!({})).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert_eq!(answer.problem().kind, kind, "{method} {path}");
        assert_eq!(answer.header("x-request-id").len(), 16);
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_named() {
    let world = World::new().await;
    let admin = world.admin().await;
    let answer = world.post(&admin, "/api/v1/projects", json!({"name": 3})).await;
    let problem = answer.problem();
    assert_eq!(problem.kind, "invalid");
    assert!(problem.detail.unwrap().contains("name"), "{}", answer.text());

    let By::Browser(cookie) = &admin else {
        panic!("a browser")
    };
    let request = Request::post("/api/v1/projects")
        .header("cookie", cookie)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "text/plain")
        .body(Body::from("{}"))
        .unwrap();
    let answer = Answer::read(world.send(request).await).await;
    assert_eq!(answer.problem().kind, "not-json");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let world = World::new().await;
    let admin = world.admin().await;
    let text = "x".repeat(2 * 1024 * 1024);
    let answer = world
        .post(&admin, "/api/v1/workflows/check", json!({"text": text}))
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.problem().kind, "too-large");
}

#[tokio::test]
async fn a_caller_who_asks_all_the_time_has_to_wait() {
    let settings = HttpSettings {
        calls_per_minute: 10,
        ..HttpSettings::at(ADDRESS.parse().unwrap())
    };
    let world = World::with(settings).await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(world.get(&By::Nobody, "/healthz").await.status);
    }
    assert_eq!(answers[4], StatusCode::OK);
    assert_eq!(answers[5], StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_faulty_workflow_comes_with_its_faults() {
    let world = World::new().await;
    let admin = world.admin().await;
    world.project("here", false).await;
    let answer = world.post(&admin, "/api/v1/projects/here/flows", json!({})).await;
    let problem = answer.problem();
    assert_eq!(problem.kind, "invalid");
    assert_eq!(
        (problem.diagnostics[0].line, problem.diagnostics[0].column),
        (3, 1)
    );
    assert!(problem.fix.is_some());
}

#[tokio::test]
async fn a_workflow_text_is_checked_without_a_repository() {
    let world = World::new().await;
    let user = world.user("mika", Some(Role::Viewer)).await;
    let viewer = world.browser(user).await;
    let good =
        "keirin: 1\nstages:\n  build:\n    jobs:\n      test:\n        steps:\n          - run: make\n";
    let answer = world
        .post(&viewer, "/api/v1/workflows/check", json!({"text": good}))
        .await;
    let check: keirin_wire::api::WorkflowCheck = answer.json();
    assert_eq!(check.diagnostics, []);
    assert_eq!(check.plan.unwrap().stages[0].jobs[0].name, "test");
    let bad = good.replace("steps", "stepps");
    let answer = world
        .post(
            &viewer,
            "/api/v1/workflows/check",
            json!({"text": bad, "file": "ci.yaml"}),
        )
        .await;
    let check: keirin_wire::api::WorkflowCheck = answer.json();
    assert_eq!(check.plan, None);
    let places = check
        .diagnostics
        .iter()
        .map(|fault| (fault.file.as_str(), fault.line));
    assert_eq!(places.collect::<Vec<_>>(), [("ci.yaml", 5), ("ci.yaml", 6)]);
}

#[tokio::test]
async fn a_standby_says_that_it_is_not_ready() {
    let world = World::new().await;
    assert_eq!(world.get(&By::Nobody, "/readyz").await.status, StatusCode::OK);
    world.work.stand_by();
    assert_eq!(
        world.get(&By::Nobody, "/readyz").await.problem().kind,
        "unavailable"
    );
    assert_eq!(world.get(&By::Nobody, "/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn calls_are_counted_by_route_and_by_methods_that_there_are() {
    let world = World::new().await;
    let admin = world.admin().await;
    let project = world.project("shop", false).await.0;
    for path in ["/api/v1/projects/shop", "/api/v1/projects/none", "/projects"] {
        world.get(&admin, path).await;
    }
    let invented = Method::from_bytes(b"INVENTED").unwrap();
    world
        .call(&admin, invented, "/api/v1/projects/shop", json!({}))
        .await;
    let metrics = world.get(&admin, "/metrics").await.text();
    let route = "route=\"/api/v1/projects/{project}\"";
    for line in [
        format!("keirin_http_requests_total{{method=\"GET\",{route},status=\"200\"}} 1"),
        format!("keirin_http_requests_total{{method=\"GET\",{route},status=\"404\"}} 1"),
        format!("keirin_http_requests_total{{method=\"other\",{route},status=\"405\"}} 1"),
        format!("keirin_http_request_duration_seconds_count{{method=\"GET\",{route}}} 2"),
        "keirin_http_requests_total{method=\"GET\",route=\"page\",".to_owned(),
        "keirin_transaction_begin_duration_seconds_bucket{le=\"+Inf\"}".to_owned(),
        "keirin_database_connections{state=\"idle\"}".to_owned(),
        "keirin_engine_step_duration_seconds_count 0".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    assert!(
        !metrics.contains("INVENTED") && !metrics.contains("shop"),
        "{project} is in {metrics}"
    );
}
