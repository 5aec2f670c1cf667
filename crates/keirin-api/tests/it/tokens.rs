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
async fn a_token_makes_others_only_where_it_was_given_the_right() {
    let world = World::new().await;
    let admin = world.admin().await;
    let plain = world.token(&admin, Role::Admin, None).await;
    for kind in ["api", "join"] {
        let answer = make(&world, &plain, json!({"kind": kind})).await;
        assert_eq!(answer.problem().kind, "forbidden", "{kind}");
    }
    let maker = maker(&world, &admin, json!({})).await.1;
    for kind in ["api", "join"] {
        let answer = make(&world, &maker, json!({"kind": kind})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{kind}");
    }
}

/// A session or a password knows nothing of the token that made it, and outlives it.
#[tokio::test]
async fn no_token_makes_sign_in_links_or_passwords() {
    let world = World::new().await;
    let admin = world.admin().await;
    let user = world.user("mika", Some(Role::Viewer)).await;
    let link = format!("/api/v1/users/{user}/sign-in-link");
    let path = format!("/api/v1/users/{user}");
    let plain = world.token(&admin, Role::Admin, None).await;
    let maker = maker(&world, &admin, json!({})).await.1;
    for token in [&plain, &maker] {
        let answer = world.post(token, &link, json!({})).await;
        assert_eq!(answer.problem().kind, "forbidden");
        let new = json!({"name": "new", "password": "a long password"});
        let answer = world.post(token, "/api/v1/users", new).await;
        assert_eq!(answer.problem().kind, "forbidden");
        let password = json!({"password": "a long password"});
        let answer = world.call(token, Method::PATCH, &path, password).await;
        assert_eq!(answer.problem().kind, "forbidden");
    }
    let local = world.app.local_token().await.unwrap();
    for who in [&admin, &By::Token(local)] {
        let answer = world.post(who, &link, json!({})).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn what_a_token_makes_may_no_more_than_it_and_ends_with_it() {
    let world = World::new().await;
    world.project("here", false).await;
    let admin = world.admin().await;
    let weak = maker(&world, &admin, json!({"role": "developer"})).await.1;
    let answer = make(&world, &weak, json!({"kind": "api", "role": "admin"})).await;
    assert_eq!(answer.problem().kind, "role-needed");
    let answer = make(&world, &weak, json!({"kind": "join"})).await;
    assert_eq!(answer.problem().kind, "role-needed");
    let narrow = json!({"role": "maintainer", "project": "here"});
    let narrow = maker(&world, &admin, narrow).await.1;
    let answer = make(&world, &narrow, json!({"kind": "api", "role": "viewer"})).await;
    assert_eq!(answer.problem().kind, "forbidden");

    let (short, by_short) = maker(&world, &admin, json!({"expires_in_seconds": 60})).await;
    let longer = json!({"kind": "api", "expires_in_seconds": 61});
    assert_eq!(make(&world, &by_short, longer).await.problem().kind, "invalid");
    let (child, by_child) = maker(&world, &by_short, json!({})).await;
    assert_eq!(
        child.expires_at, short.expires_at,
        "it ends with the one that made it"
    );
    let grandchild = world.token(&by_child, Role::Viewer, None).await;
    let listed: Page<Token> = world.get(&admin, "/api/v1/tokens").await.json();
    let listed = listed.items.iter().find(|token| token.id == child.id).unwrap();
    assert_eq!((listed.parent, listed.can_create_tokens), (Some(short.id), true));

    assert_eq!(
        world.get(&grandchild, "/api/v1/agents").await.status,
        StatusCode::OK
    );
    let path = format!("/api/v1/tokens/{}", short.id);
    let answer = world.call(&admin, Method::DELETE, &path, json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    for by in [&by_short, &by_child, &grandchild] {
        assert_eq!(
            world.get(by, "/api/v1/agents").await.problem().kind,
            "not-accepted"
        );
    }
}

#[tokio::test]
async fn a_token_for_one_project_makes_tokens_for_that_one_alone() {
    let world = World::new().await;
    world.project("here", false).await;
    world.project("open", true).await;
    world.project("closed", false).await;
    let admin = world.admin().await;
    let (made, narrow) = maker(&world, &admin, json!({"role": "admin", "project": "here"})).await;
    for (project, refusal) in [
        (json!("open"), "forbidden"),
        (json!("closed"), "not-found"),
        (json!("absent"), "not-found"),
        (json!(null), "forbidden"),
    ] {
        let wanted = json!({"kind": "api", "role": "viewer", "project": project});
        let answer = make(&world, &narrow, wanted).await;
        assert_eq!(answer.problem().kind, refusal, "{project}");
    }
    let (child, by_child) = maker(&world, &narrow, json!({"role": "developer", "project": "here"})).await;
    let wanted = json!({"kind": "api", "role": "viewer", "project": "open"});
    assert_eq!(make(&world, &by_child, wanted).await.problem().kind, "forbidden");
    let listed: Page<Token> = world.get(&admin, "/api/v1/tokens").await.json();
    let mut listed = listed.items.iter().filter(|token| token.id == child.id);
    assert_eq!(listed.next().unwrap().parent, Some(made.id));

    // Nor has it any other right beside its project, whoever's it is.
    for (path, body) in [
        (
            "/api/v1/projects",
            json!({"name": "new", "repository": "https://example.org/r.git"}),
        ),
        ("/api/v1/users", json!({"name": "new"})),
        ("/api/v1/tokens", json!({"kind": "join"})),
    ] {
        let answer = world.post(&narrow, path, body).await;
        assert_eq!(answer.problem().kind, "role-needed", "{path}");
    }
}

#[tokio::test]
async fn a_token_that_is_no_admins_revokes_itself_and_what_it_made_alone() {
    let world = World::new().await;
    let local = By::Token(world.app.local_token().await.unwrap());
    let admin = world.admin().await;
    let (viewer, by_viewer) = maker(&world, &admin, json!({"role": "viewer"})).await;
    let (child, _) = maker(&world, &by_viewer, json!({"role": "viewer"})).await;
    let (other, by_other) = maker(&world, &admin, json!({"role": "viewer"})).await;
    let listed: Page<Token> = world.get(&admin, "/api/v1/tokens").await.json();
    let of_server = listed
        .items
        .iter()
        .find(|token| token.expires_at.is_none())
        .unwrap();

    let revoke = async |by: &By, id| {
        let path = format!("/api/v1/tokens/{id}");
        world.call(by, Method::DELETE, &path, json!({})).await.status
    };
    assert_eq!(revoke(&by_viewer, other.id).await, StatusCode::NOT_FOUND);
    for by in [&by_viewer, &admin, &local] {
        assert_eq!(
            revoke(by, of_server.id).await,
            StatusCode::NOT_FOUND,
            "the server's own"
        );
    }
    assert_eq!(world.get(&local, "/api/v1/users").await.status, StatusCode::OK);
    assert_eq!(revoke(&by_viewer, child.id).await, StatusCode::NO_CONTENT);
    assert_eq!(revoke(&by_viewer, viewer.id).await, StatusCode::NO_CONTENT);
    assert_eq!(revoke(&admin, other.id).await, StatusCode::NO_CONTENT);
    for by in [&by_viewer, &by_other] {
        assert_eq!(
            world.get(by, "/api/v1/agents").await.problem().kind,
            "not-accepted"
        );
    }
}

#[tokio::test]
async fn what_was_made_on_the_servers_machine_outlives_the_servers_own_token() {
    let world = World::new().await;
    let local = By::Token(world.app.local_token().await.unwrap());
    let made = world.token(&local, Role::Viewer, None).await;
    world.app.local_token().await.unwrap();
    assert_eq!(world.get(&made, "/api/v1/agents").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_new_password_ends_tokens_where_that_is_asked_for() {
    let world = World::new().await;
    let admin = world.admin().await;
    let user = world.user("mika", Some(Role::Developer)).await;
    let path = format!("/api/v1/users/{user}");
    let local = By::Token(world.app.local_token().await.unwrap());
    for (asked, status) in [(false, StatusCode::OK), (true, StatusCode::UNAUTHORIZED)] {
        let token = world.token(&world.browser(user).await, Role::Viewer, None).await;
        let change = json!({"password": "a long password", "revoke_tokens": asked});
        world.call(&admin, Method::PATCH, &path, change).await;
        assert_eq!(world.get(&token, "/api/v1/agents").await.status, status);

        let browser = world.browser(user).await;
        let token = world.token(&browser, Role::Viewer, None).await;
        let own = json!({"current": "a long password", "new": "a long password", "revoke_tokens": asked});
        let answer = world
            .call(&browser, Method::PUT, "/api/v1/me/password", own)
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(world.get(&token, "/api/v1/agents").await.status, status);
    }
    assert_eq!(world.get(&local, "/api/v1/users").await.status, StatusCode::OK);
}

/// A token that may make others, made by this caller.
async fn maker(world: &World, by: &By, besides: Value) -> (CreatedToken, By) {
    let mut wanted = json!({"kind": "api", "role": "admin", "can_create_tokens": true});
    for (name, value) in besides.as_object().unwrap() {
        wanted[name] = value.clone();
    }
    if let (By::Token(_), None) = (by, besides.get("role")) {
        wanted["role"] = json!("viewer");
    }
    let made: CreatedToken = make(world, by, wanted).await.json();
    let token = By::Token(made.token.clone());
    (made, token)
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
        json!({"kind": "join", "can_create_tokens": true}),
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
