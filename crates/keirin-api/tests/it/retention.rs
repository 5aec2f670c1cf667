//! How long things are kept, as people say it and are told of it.

use axum::http::{Method, StatusCode};
use keirin_model::access::Role;
use keirin_model::retention::{KeepFor, RetentionLevel};
use keirin_wire::api::{Flow, FlowSummary, Page, ProjectRetention, ServerRetention};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_project_says_how_long_it_keeps_what_and_inherits_the_rest() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (project, _) = world.project("shop", false).await;
    let maintainer = world.token(&admin, Role::Maintainer, Some("shop")).await;
    let developer = world.token(&admin, Role::Developer, Some("shop")).await;
    let path = "/api/v1/projects/shop/retention";

    let server = json!({"ci": {"logs": "12w"}});
    let refused = world
        .call(&maintainer, Method::PUT, "/api/v1/retention", server.clone())
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let server = world.call(&admin, Method::PUT, "/api/v1/retention", server).await;
    let server: ServerRetention = server.json();
    assert_eq!(server.effective.ci.logs.keep, KeepFor::Days(84));
    assert_eq!(server.inherited.ci.logs.keep, KeepFor::Forever);

    let rules = json!({"rules": {"ci": {"flows": "180d"}},
        "branches": [{"kind": "tag", "pattern": "v*", "rules": {"ci": {"flows": "forever"}}}]});
    let refused = world.call(&developer, Method::PUT, path, rules.clone()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let set: ProjectRetention = world.call(&maintainer, Method::PUT, path, rules).await.json();
    assert_eq!(world.get(&developer, path).await.json::<ProjectRetention>(), set);
    let (flows, logs) = (set.effective.ci.flows, set.effective.ci.logs);
    assert_eq!(
        (flows.keep, flows.from),
        (KeepFor::Days(180), RetentionLevel::Project)
    );
    assert_eq!(
        (logs.keep, logs.from),
        (KeepFor::Days(84), RetentionLevel::Server)
    );
    assert_eq!(set.branches[0].ci.flows.keep, KeepFor::Forever);

    for (rules, message) in [
        (json!({"rules": {"ci": {"flows": "soon"}}}), "90d, 12w or 2y"),
        (json!({"rules": {"ci": {"flow": "1d"}}}), "unknown field `flow`"),
        (
            json!({"branches": [{"kind": "branch", "pattern": "a["}]}),
            "`a[` is not a glob",
        ),
    ] {
        let refused = world.call(&maintainer, Method::PUT, path, rules).await.problem();
        assert_eq!(refused.status, 422);
        assert!(
            refused.detail.as_deref().unwrap_or_default().contains(message),
            "{refused:?}"
        );
    }
    assert_eq!(world.store.project_retention(project).await.unwrap(), set.rules);
}

#[tokio::test]
async fn a_flow_is_pinned_and_says_so() {
    let world = World::new().await;
    let admin = world.admin().await;
    let branch = world.project("shop", false).await;
    let (flow, ..) = world.flow(branch, 1).await;
    let viewer = world.token(&admin, Role::Viewer, None).await;
    let pin = format!("/api/v1/flows/{}/pin", flow.id);
    let is_pinned = async || {
        let list: Page<FlowSummary> = world.get(&viewer, "/api/v1/flows").await.json();
        let flow: Flow = world
            .get(&viewer, &format!("/api/v1/flows/{}", flow.id))
            .await
            .json();
        assert_eq!(list.items[0].pinned, flow.retention.pinned);
        flow.retention.pinned
    };
    let refused = world.call(&viewer, Method::PUT, &pin, json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for (method, pinned) in [(Method::PUT, true), (Method::PUT, true), (Method::DELETE, false)] {
        let changed = world.call(&admin, method, &pin, json!({})).await;
        assert_eq!(
            (changed.status, is_pinned().await),
            (StatusCode::NO_CONTENT, pinned)
        );
    }
}
