//! The page's files, headers, compression, and a sub-path.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use keirin_api::HttpSettings;
use keirin_wire::api::Me;

use crate::answer::Answer;
use crate::world::{By, World};

#[tokio::test]
async fn every_answer_is_guarded_against_being_framed_sniffed_or_scripted() {
    let world = World::new().await;
    for path in [
        "/",
        "/projects/keirin",
        "/api/v1/me",
        "/api/v1/nothing",
        "/api/docs",
        "/healthz",
    ] {
        let answer = world.get(&By::Nobody, path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'self'"), "{path}: {policy}");
        let scripts = policy
            .split(';')
            .find(|part| part.trim().starts_with("script-src"));
        assert!(
            !scripts.unwrap_or_default().contains("unsafe"),
            "{path}: {policy}"
        );
    }
}

#[tokio::test]
async fn the_document_is_served_and_shown_without_help_from_elsewhere() {
    let world = World::new().await;
    let document = world.get(&By::Nobody, "/api/v1/openapi.json").await;
    assert_eq!(document.json::<serde_json::Value>()["info"]["title"], "Keirin");
    let page = world.get(&By::Nobody, "/api/docs").await;
    assert!(page.header("content-type").starts_with("text/html"));
    let html = page.text();
    assert!(html.contains("/api/v1/projects/{project}/flows"));
    assert!(
        !html.contains("<script") && !html.contains("//cdn"),
        "nothing comes from elsewhere"
    );
    let schema = world.get(&By::Nobody, "/api/v1/workflow-schema.json").await;
    assert_eq!(schema.json::<serde_json::Value>()["title"], "Keirin workflow");
}

#[tokio::test]
async fn everything_works_below_a_sub_path_whether_the_proxy_takes_it_off_or_not() {
    let world = World::with(HttpSettings::at("http://ci.test/keirin/".parse().unwrap())).await;
    for path in ["/keirin/api/v1/me", "/api/v1/me"] {
        assert_eq!(world.get(&By::Nobody, path).await.json::<Me>().user, None);
    }
    assert_eq!(
        world.get(&By::Nobody, "/keirin/healthz").await.status,
        StatusCode::OK
    );
    let beside = world.get(&By::Nobody, "/keirinx/healthz").await;
    assert!(!beside.text().contains("alive"));
    let docs = world.get(&By::Nobody, "/keirin/api/docs").await;
    assert!(docs.text().contains("href=\"/keirin/api/docs/style.css\""));
}

#[tokio::test]
async fn the_page_knows_the_sub_path_that_it_lies_under() {
    let world = World::with(HttpSettings::at("http://ci.test/keirin/".parse().unwrap())).await;
    let page = world.get(&By::Nobody, "/keirin/projects/some").await;
    if page.status == StatusCode::NOT_FOUND {
        println!("skipped: the_page_knows_the_sub_path_that_it_lies_under: the web page has not been built");
        return;
    }
    assert!(
        page.text().contains("<base href=\"/keirin/\" />"),
        "{}",
        page.text()
    );
    assert_eq!(page.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn json_is_compressed_and_events_are_not() {
    let world = World::new().await;
    let By::Browser(cookie) = world.admin().await else {
        panic!("a browser")
    };
    for (path, expected) in [("/api/v1/openapi.json", "gzip"), ("/api/v1/events", "")] {
        let request = Request::get(path)
            .header("cookie", &cookie)
            .header("accept-encoding", "gzip")
            .body(Body::empty())
            .unwrap();
        let response = world.send(request).await;
        let encoding = response.headers().get("content-encoding");
        let encoding = encoding.and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!(
            (response.status(), encoding),
            (StatusCode::OK, expected),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_head_request_is_a_get_without_its_body() {
    let world = World::new().await;
    let request = Request::head("/healthz").body(Body::empty()).unwrap();
    let answer = Answer::read(world.send(request).await).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn an_address_that_is_no_page_is_not_found() {
    let world = World::new().await;
    for path in [
        "/query",
        "/nothing/like/this",
        "/index.php",
        "/assets/nothing.js",
        "/projects/a/b/c",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = world.call(&By::Nobody, method, path, serde_json::json!({})).await;
            assert_eq!(answer.problem().kind, "not-found", "{path}");
        }
        // A person gets the page, which says so.
        let request = Request::get(path).header("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        let answer = Answer::read(world.send(request.body(Body::empty()).unwrap()).await).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        let is_html = answer.header("content-type").starts_with("text/html");
        assert_eq!(is_html, !path.starts_with("/assets/"), "{path}");
    }
}

#[tokio::test]
async fn an_influxdb_client_finds_that_the_server_is_there() {
    let world = World::new().await;
    let answer = world.get(&By::Nobody, "/ping").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    assert!(!answer.header("x-influxdb-version").is_empty());
    let head = Request::head("/ping").body(Body::empty()).unwrap();
    assert_eq!(world.send(head).await.status(), StatusCode::NO_CONTENT);
}
