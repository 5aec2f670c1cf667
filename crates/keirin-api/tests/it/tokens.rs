//! Tokens: what they open, how far, and for how long.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use keirin_model::access::Role;
use keirin_wire::api::{CreatedToken, Me, Page, Token};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::world::{By, World};

#[tokio::test]
async fn a_token_is_shown_once_and_known_by_how_it_begins() {
    let world = World::new().await;
    let admin = world.admin().await;
    let made: CreatedToken = make(&world, &admin, json!({"kind": "api", "name": "ci"}))
        .await
        .json();
    assert!(made.token.starts_with("keirin_api_"));
    let listed = world.get(&admin, "/api/v1/tokens").await;
    assert!(!listed.text().contains(&made.token));
    let tokens: Page<Token> = listed.json();
    assert!(made.token.starts_with(&tokens.items[0].prefix));
    assert_eq!(
        tokens.items[0].role,
        Some(Role::Viewer),
        "a token may little unless somebody says so"
    );
}

#[tokio::test]
async fn a_token_ends_by_time_or_when_it_is_revoked() {
    let world = World::new().await;
    let admin = world.admin().await;
    let short = json!({"kind": "api", "expires_in_seconds": 60});
    let short: CreatedToken = make(&world, &admin, short).await.json();
    let long: CreatedToken = make(&world, &admin, json!({"kind": "api"})).await.json();
    let (short, long, id) = (By::Token(short.token), By::Token(long.token), long.id);
    assert_eq!(world.get(&short, "/api/v1/agents").await.status, StatusCode::OK);
    world.pass(SignedDuration::from_secs(60));
    assert_eq!(
        world.get(&short, "/api/v1/agents").await.problem().kind,
        "not-accepted"
    );
    assert_eq!(world.get(&long, "/api/v1/agents").await.status, StatusCode::OK);

    let path = format!("/api/v1/tokens/{id}");
    let other = world.user("other", Some(Role::Developer)).await;
    let other = world.browser(other).await;
    assert_eq!(
        world.call(&other, Method::DELETE, &path, json!({})).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        world.call(&admin, Method::DELETE, &path, json!({})).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        world.get(&long, "/api/v1/agents").await.problem().kind,
        "not-accepted"
    );
}

#[tokio::test]
async fn a_token_never_may_more_than_its_owner() {
    let world = World::new().await;
    world.project("here", false).await;
    let user = world.user("mika", Some(Role::Viewer)).await;
    let browser = world.browser(user).await;
    let token = world.token(&browser, Role::Admin, None).await;
    let me: Me = world.get(&token, "/api/v1/me").await.json();
    assert_eq!(me.role, Some(Role::Viewer), "its owner's role bounds it");
    let answer = make(
        &world,
        &browser,
        json!({"kind": "api", "role": "admin", "project": "here"}),
    )
    .await;
    assert_eq!(answer.problem().kind, "role-needed");
    let answer = make(&world, &browser, json!({"kind": "join"})).await;
    assert_eq!(answer.problem().kind, "role-needed");
}

#[tokio::test]
async fn a_token_cannot_make_itself_a_stronger_one() {
    let world = World::new().await;
    let admin = world.admin().await;
    world.project("here", false).await;
    let weak = world.token(&admin, Role::Developer, None).await;
    let answer = make(&world, &weak, json!({"kind": "api", "role": "admin"})).await;
    assert_eq!(answer.problem().kind, "role-needed");
    let narrow = world.token(&admin, Role::Maintainer, Some("here")).await;
    let answer = make(&world, &narrow, json!({"kind": "api", "role": "viewer"})).await;
    assert_eq!(answer.problem().kind, "forbidden");
}

#[tokio::test]
async fn what_contradicts_itself_is_refused() {
    let world = World::new().await;
    let admin = world.admin().await;
    for wrong in [
        json!({"kind": "api", "groups": ["fast"]}),
        json!({"kind": "api", "uses": 1}),
        json!({"kind": "join", "role": "viewer"}),
        json!({"kind": "join", "uses": 0}),
        json!({"kind": "api", "expires_in_seconds": 0}),
        json!({"kind": "api", "name": " "}),
        json!({"kind": "other"}),
    ] {
        let answer = make(&world, &admin, wrong.clone()).await;
        assert_eq!(answer.problem().kind, "invalid", "{wrong}");
    }
}

#[tokio::test]
async fn the_command_line_on_the_server_has_one_token_at_a_time() {
    let world = World::new().await;
    let first = By::Token(world.app.local_token().await.unwrap());
    assert_eq!(world.get(&first, "/api/v1/users").await.status, StatusCode::OK);
    let second = By::Token(world.app.local_token().await.unwrap());
    assert_eq!(world.get(&second, "/api/v1/users").await.status, StatusCode::OK);
    assert_eq!(
        world.get(&first, "/api/v1/users").await.status,
        StatusCode::UNAUTHORIZED
    );
}

async fn make(world: &World, by: &By, wanted: Value) -> Answer {
    world.post(by, "/api/v1/tokens", wanted).await
}
