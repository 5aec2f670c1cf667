//! Dashboards as people bring them along: what the page draws can be kept, and nothing in one refuses the others.

use axum::http::{Method, StatusCode};
use keirin_model::access::Role;
use keirin_wire::api::{Dashboard, DashboardSummary, Page};
use serde_json::{Value, json};

use crate::world::{By, World};

#[tokio::test]
async fn a_dashboard_of_the_old_form_and_odd_ones_can_be_kept() {
    let world = World::new().await;
    let by = world.admin().await;
    let old = json!({
        "title": "Old rows",
        "schemaVersion": 14,
        "rows": [{ "title": "R", "panels": [{ "type": "graph", "span": 6, "targets": [{ "expr": "up" }] }] }],
    });
    let odd = json!({
        "title": "Odd\u{0}",
        "uid": "not a uid",
        "tags": [null, "odd", 7],
        "panels": [{ "type": "status-history", "targets": [{ "expr": "up" }] }, {}],
        "templating": { "list": [{ "name": "x", "type": "adhoc" }, {}, null] },
    });
    for dashboard in [old, odd] {
        let sent = json!({ "dashboard": dashboard });
        let kept = world.call(&by, Method::POST, "/api/v1/dashboards", sent).await;
        assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text());
    }
    let list: Value = world.get(&by, "/api/v1/dashboards").await.json();
    let own: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|dashboard| dashboard["provided"] == false)
        .map(|dashboard| (dashboard["title"].as_str().unwrap(), dashboard["tags"].clone()))
        .collect();
    assert_eq!(
        own,
        [("Odd\u{fffd}", json!(["odd", "7"])), ("Old rows", json!([]))]
    );
}

/// Those that were made, with whose they are: what this caller finds in the list.
async fn listed(world: &World, by: &By) -> Vec<(String, Option<String>)> {
    let list: Page<DashboardSummary> = world.get(by, "/api/v1/dashboards").await.json();
    let made = list.items.into_iter().filter(|dashboard| !dashboard.provided);
    made.map(|dashboard| (dashboard.uid, dashboard.project)).collect()
}

#[tokio::test]
async fn a_dashboard_of_a_project_is_seen_and_changed_by_its_people_alone() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (ours, _) = world.project("ours", false).await;
    let (theirs, _) = world.project("theirs", false).await;
    let member = async |name: &str, project, role| {
        let user = world.user(name, None).await;
        world.store.set_project_role(user, project, role).await.unwrap();
        world.browser(user).await
    };
    let developer = member("developer", ours, Role::Developer).await;
    let viewer = member("viewer", ours, Role::Viewer).await;
    let stranger = member("stranger", theirs, Role::Admin).await;

    let sent = |uid: &str| json!({ "dashboard": { "uid": uid, "title": uid } });
    let import = async |by: &By, place: &str, uid: &str| {
        let address = format!("/api/v1/dashboards{place}");
        world.call(by, Method::POST, &address, sent(uid)).await.status
    };
    assert_eq!(import(&admin, "", "all").await, StatusCode::CREATED);
    assert_eq!(
        import(&developer, "?project=ours", "own").await,
        StatusCode::CREATED
    );
    // Neither for all, nor for a project of others, nor as one who only looks.
    assert_eq!(import(&developer, "", "x").await, StatusCode::FORBIDDEN);
    assert_eq!(
        import(&developer, "?project=theirs", "x").await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(import(&viewer, "?project=ours", "x").await, StatusCode::FORBIDDEN);
    // A uid is one dashboard's, whosever it is.
    assert_eq!(
        import(&stranger, "?project=theirs", "own").await,
        StatusCode::CONFLICT
    );

    let of_server = ("all".to_owned(), None);
    let own = ("own".to_owned(), Some("ours".to_owned()));
    assert_eq!(listed(&world, &admin).await, [of_server.clone(), own.clone()]);
    assert_eq!(listed(&world, &viewer).await, [of_server.clone(), own]);
    assert_eq!(listed(&world, &stranger).await, [of_server]);
    let nobody = world.get(&By::Nobody, "/api/v1/dashboards").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);

    let at = "/api/v1/dashboards/own";
    let shown: Dashboard = world.get(&viewer, at).await.json();
    assert_eq!(shown.project.as_deref(), Some("ours"));
    assert_eq!(world.get(&stranger, at).await.status, StatusCode::NOT_FOUND);
    for (method, body) in [(Method::PUT, sent("own")), (Method::DELETE, Value::Null)] {
        let answer = async |by: &By, at: &str| world.call(by, method.clone(), at, body.clone()).await.status;
        assert_eq!(answer(&viewer, at).await, StatusCode::FORBIDDEN);
        assert_eq!(answer(&stranger, at).await, StatusCode::NOT_FOUND);
        assert_eq!(
            answer(&stranger, "/api/v1/dashboards/own?project=theirs").await,
            StatusCode::NOT_FOUND
        );
        // What is the server's is not a member's, whatever project they name.
        let of_server = "/api/v1/dashboards/all?project=ours";
        assert_eq!(answer(&developer, of_server).await, StatusCode::FORBIDDEN);
        assert!(answer(&developer, at).await.is_success());
    }

    // It goes with its project; what is the server's stays.
    assert_eq!(
        import(&developer, "?project=ours", "own").await,
        StatusCode::CREATED
    );
    world.store.delete_project(ours).await.unwrap();
    assert_eq!(listed(&world, &admin).await, [("all".to_owned(), None)]);
}
