//! The audit log: who has changed what, when and from where.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use keirin_api::permission::Need;
use keirin_api::route_table::{RouteEffect, route_table};
use keirin_model::access::{ChangeOutcome, PrincipalKind, Role};
use keirin_wire::agent::{PROTOCOL, Registered};
use keirin_wire::api::{AuditEntry, CreatedToken, Page, User};
use serde_json::json;

use crate::world::{ADDRESS, By, World};

const LOG: &str = "/api/v1/audit-log";

async fn log(world: &World, by: &By, query: &str) -> Vec<AuditEntry> {
    let page: Page<AuditEntry> = world.get(by, &format!("{LOG}?{query}")).await.json();
    page.items
}

fn details(entry: &AuditEntry) -> BTreeMap<&str, &str> {
    let details = entry.details.iter();
    details
        .map(|(what, value)| (what.as_str(), value.as_str()))
        .collect()
}

#[test]
fn every_change_is_an_operation_that_people_can_read() {
    for route in route_table().all() {
        if route.effect == RouteEffect::Changes {
            assert!(route.summary.is_some() && route.operation.is_some(), "{route:?}");
        }
    }
}

/// Where anybody may call, it is for the handler to write the change down; each has a test below.
#[test]
fn these_changes_are_written_down_by_their_handlers() {
    let open = route_table().all().into_iter();
    let open = open.filter(|route| route.effect == RouteEffect::Changes && route.need == Need::Open);
    let operations: Vec<_> = open.filter_map(|route| route.operation.as_deref()).collect();
    assert_eq!(
        operations,
        ["agent_protocol_register", "sign_in_sign_in", "sign_in_by_link"]
    );
}

#[tokio::test]
async fn what_a_person_changes_is_kept_with_who_they_are_and_what_it_was() {
    let world = World::new().await;
    let admin = world.admin().await;
    let user: User = world
        .post(
            &admin,
            "/api/v1/users",
            json!({"name": "eva", "role": "viewer", "password": "long enough a secret"}),
        )
        .await
        .json();
    world.pass(SignedDuration::from_hours(1));
    let path = format!("/api/v1/users/{}", user.id);
    let change = json!({"role": "maintainer", "password": "another long secret"});
    world.call(&admin, Method::PATCH, &path, change).await;
    let entries = log(&world, &admin, "limit=2").await;
    let [changed, created] = entries.as_slice() else {
        panic!("{entries:?}");
    };
    assert_eq!(
        (
            changed.operation.as_str(),
            changed.summary.as_str(),
            changed.outcome,
            changed.status
        ),
        ("users_change", "Change a user", ChangeOutcome::Made, Some(200))
    );
    assert_eq!(
        (
            changed.by.kind,
            changed.by.name.as_deref(),
            changed.address.as_deref()
        ),
        (Some(PrincipalKind::Person), Some("admin"), Some("192.0.2.1"))
    );
    assert_eq!((changed.at - created.at).get_seconds(), 3600);
    assert_eq!(changed.request.len(), 16);
    assert_eq!(
        details(changed),
        BTreeMap::from([
            ("name", "eva"),
            ("password", "set"),
            ("role", "maintainer"),
            ("user", user.id.to_string().as_str())
        ])
    );
    assert_eq!(
        details(created),
        BTreeMap::from([("name", "eva"), ("password", "set"), ("role", "viewer")])
    );
    let text = world.get(&admin, LOG).await.text();
    assert!(!text.contains("secret"), "{text}");
    let metrics = world.get(&admin, "/metrics").await.text();
    assert!(
        metrics.contains("keirin_changes_total{operation=\"users_change\",outcome=\"made\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_token_is_told_from_its_owner_and_a_refusal_from_a_change() {
    let world = World::new().await;
    let admin = world.admin().await;
    let made: CreatedToken = world
        .post(
            &admin,
            "/api/v1/tokens",
            json!({"kind": "api", "name": "ci", "role": "maintainer"}),
        )
        .await
        .json();
    let token = By::Token(made.token.clone());
    world.project("shop", false).await;
    let refused = world
        .call(
            &token,
            Method::PATCH,
            "/api/v1/projects/shop",
            json!({"workflow_file": "../../etc/passwd"}),
        )
        .await;
    assert!(refused.status.is_client_error());
    // What is turned away at the door is no change that anybody made.
    let turned_away = world.post(&token, "/api/v1/users", json!({"name": "eva"})).await;
    assert_eq!(turned_away.status, StatusCode::FORBIDDEN);

    let entries = log(&world, &admin, "limit=2").await;
    let [refused, created] = entries.as_slice() else {
        panic!("{entries:?}");
    };
    assert_eq!(
        (refused.outcome, refused.project.as_deref()),
        (ChangeOutcome::Refused, Some("shop"))
    );
    assert_eq!(
        (refused.by.kind, refused.by.id.clone(), refused.by.name.as_deref()),
        (
            Some(PrincipalKind::Token),
            Some(made.id.to_string()),
            Some("admin")
        )
    );
    let token = made.id.to_string();
    for (what, value) in [
        ("kind", "API"),
        ("name", "ci"),
        ("role", "maintainer"),
        ("token", &token),
    ] {
        assert_eq!(created.details[what], value);
    }
    assert_eq!(
        created.details["expires_at"],
        made.expires_at.unwrap().to_string()
    );
    // What is no id may be anything.
    let secret = format!("/api/v1/tokens/{}", made.token);
    world.call(&admin, Method::DELETE, &secret, json!({})).await;
    assert_eq!(
        details(&log(&world, &admin, "operation=tokens_revoke").await[0]),
        BTreeMap::new()
    );
    let revoked = format!("/api/v1/tokens/{token}");
    world.call(&admin, Method::DELETE, &revoked, json!({})).await;
    assert_eq!(
        details(&log(&world, &admin, "operation=tokens_revoke").await[0]),
        BTreeMap::from([("name", "ci"), ("owner", "admin"), ("token", token.as_str())])
    );
    let text = world.get(&admin, LOG).await.text();
    assert!(!text.contains(&made.token), "{text}");
}

#[tokio::test]
async fn signing_in_is_kept_whether_it_went_well_and_no_secret_with_it() {
    let world = World::new().await;
    let admin = world.admin().await;
    let password = "long enough a secret";
    world
        .post(
            &admin,
            "/api/v1/users",
            json!({"name": "eva", "role": "viewer", "password": password}),
        )
        .await;
    for (name, said) in [
        ("eva", "wrong"),
        ("my-password-in-the-wrong-field", "x"),
        ("eva", password),
    ] {
        world
            .post(
                &By::Nobody,
                "/api/v1/sign-in",
                json!({"name": name, "password": said}),
            )
            .await;
    }
    let entries = log(&world, &admin, "operation=sign_in_sign_in").await;
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| (entry.outcome, entry.by.name.as_deref(), details(entry)))
        .collect();
    let eva = BTreeMap::from([("name", "eva")]);
    assert_eq!(
        seen,
        [
            (ChangeOutcome::Made, Some("eva"), eva.clone()),
            (ChangeOutcome::Refused, None, BTreeMap::new()),
            (ChangeOutcome::Refused, None, eva),
        ]
    );
    // The path of a link is the secret itself; one that is over or made up changes nothing.
    let link = world.app.sign_in_link(None).await.unwrap();
    let path = link.url.strip_prefix(ADDRESS).unwrap();
    for path in [path, path, "/sign-in/made-up"] {
        world.click(path).await;
    }
    let entries = log(&world, &admin, "operation=sign_in_by_link").await;
    // The first is how the admin came in.
    assert_eq!(entries.len(), 2);
    assert_eq!(
        (entries[0].by.name.as_deref(), details(&entries[0])),
        (Some("admin"), BTreeMap::from([("name", "admin")]))
    );
    // Who was not signed in signs nobody out.
    world.post(&By::Nobody, "/api/v1/sign-out", json!({})).await;
    assert_eq!(log(&world, &admin, "operation=sign_in_sign_out").await, []);
    let text = world.get(&admin, LOG).await.text();
    for secret in [path.strip_prefix("/sign-in/").unwrap(), password, "wrong-field"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn an_agent_is_kept_when_it_joins_and_not_each_time_that_it_comes_back() {
    let world = World::new().await;
    let admin = world.admin().await;
    let made: CreatedToken = world
        .post(&admin, "/api/v1/tokens", json!({"kind": "join", "uses": 1}))
        .await
        .json();
    let mut said = json!({
        "protocol": PROTOCOL, "name": "builder", "host": {}, "version": "1", "slots": 1, "groups": [],
        "labels": [], "executors": ["bare"], "join_token": made.token,
    });
    let registered: Registered = world
        .post(&By::Nobody, "/agent/v1/register", said.clone())
        .await
        .json();
    said["secret"] = registered.secret.clone().into();
    let again = world.post(&By::Nobody, "/agent/v1/register", said).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    let text = world.get(&admin, LOG).await.text();
    assert!(
        !text.contains(&made.token) && !text.contains(&registered.secret),
        "{text}"
    );
    let entries: Vec<_> = log(&world, &admin, "by=builder").await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0].by.kind, Some(PrincipalKind::Agent));
    assert_eq!(entries[0].details["join_token"], made.id.to_string());
}

#[tokio::test]
async fn the_log_is_read_by_the_page_and_by_whom_what_and_when() {
    let world = World::new().await;
    let admin = world.admin().await;
    for name in ["a", "b", "c"] {
        world.post(&admin, "/api/v1/users", json!({"name": name})).await;
        world.pass(SignedDuration::from_mins(1));
    }
    world.project("shop", false).await;
    let change = json!({"public": true});
    world
        .call(&admin, Method::PATCH, "/api/v1/projects/shop", change)
        .await;
    let names = |entries: &[AuditEntry]| -> Vec<String> {
        let named = entries.iter().map(|entry| entry.details.get("name").cloned());
        named.map(Option::unwrap_or_default).collect()
    };
    let users = format!("{LOG}?operation=users_create&by=admin&outcome=made&limit=2");
    let first: Page<AuditEntry> = world.get(&admin, &users).await.json();
    assert_eq!(names(&first.items), ["c", "b"]);
    let cursor = first.next_cursor.unwrap();
    let rest: Page<AuditEntry> = world
        .get(&admin, &format!("{users}&cursor={cursor}"))
        .await
        .json();
    assert_eq!(
        (names(&rest.items), rest.next_cursor),
        (vec!["a".to_owned()], None)
    );
    let (since, until) = (first.items[1].at, first.items[0].at);
    assert_eq!(
        names(&log(&world, &admin, &format!("since={since}&until={until}")).await),
        ["b"]
    );
    let of_shop = log(&world, &admin, "project=shop").await;
    assert_eq!(of_shop.len(), 1);
    assert_eq!(of_shop[0].details["public"], "true");
    assert_eq!(log(&world, &admin, "by=nobody").await, []);
    assert_eq!(log(&world, &admin, "outcome=open").await, []);

    let maintainer = world.user("maintainer", Some(Role::Maintainer)).await;
    let maintainer = world.browser(maintainer).await;
    assert_eq!(world.get(&maintainer, LOG).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_gone_is_named_and_what_is_new_is_found_under_its_project() {
    let world = World::new().await;
    let admin = world.admin().await;
    let agent = world.agent("builder", "secret").await;
    let eva = world.user("eva", None).await;
    let made = json!({"name": "shop", "repository": "https://forge.example/shop.git"});
    let made = world.post(&admin, "/api/v1/projects", made).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let token = json!({"kind": "api", "project": "shop"});
    world.post(&admin, "/api/v1/tokens", token).await;
    let member = format!("/api/v1/projects/shop/members/{eva}");
    world
        .call(&admin, Method::PUT, &member, json!({"role": "viewer"}))
        .await;
    world.call(&admin, Method::DELETE, &member, json!({})).await;
    let agent = format!("/api/v1/agents/{agent}");
    world.call(&admin, Method::DELETE, &agent, json!({})).await;
    let of_shop = log(&world, &admin, "project=SHOP").await;
    let operations: Vec<&str> = of_shop.iter().map(|entry| entry.operation.as_str()).collect();
    assert_eq!(
        operations,
        [
            "members_remove",
            "members_set",
            "tokens_create",
            "projects_create"
        ]
    );
    assert_eq!(of_shop[0].details["name"], "eva");
    let removed = log(&world, &admin, "operation=agents_remove").await;
    assert_eq!(removed[0].details["name"], "builder");
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_done() {
    let world = World::new().await;
    let admin = world.admin().await;
    let database = &world.database;
    database
        .execute("alter table audit_log rename to elsewhere")
        .await;
    let refused = world.post(&admin, "/api/v1/users", json!({"name": "eva"})).await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
    database
        .execute("alter table elsewhere rename to audit_log")
        .await;
    let users: Page<User> = world.get(&admin, "/api/v1/users").await.json();
    assert!(users.items.iter().all(|user| user.name != "eva"));
}

#[tokio::test]
async fn an_agent_that_nobody_sees_any_more_is_removed_by_its_name() {
    let world = World::new().await;
    let admin = world.admin().await;
    let token = world.token(&admin, Role::Admin, None).await;
    let said = json!({
        "protocol": PROTOCOL, "name": "silent", "host": {}, "version": "1", "slots": 1, "groups": [],
        "labels": [], "executors": ["bare"],
    });
    let registered: Registered = world.post(&By::Nobody, "/agent/v1/register", said).await.json();
    world.pass(SignedDuration::from_hours(25));
    let path = format!("/api/v1/agents/{}", registered.agent);
    let removed = world.call(&token, Method::DELETE, &path, json!({})).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.text());
    let entry = &log(&world, &token, "operation=agents_remove").await[0];
    assert_eq!(entry.details["name"], "silent");
}
