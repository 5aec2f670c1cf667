//! Dashboards as people bring them along: what the page draws can be kept, and nothing in one refuses the others.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::World;

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
