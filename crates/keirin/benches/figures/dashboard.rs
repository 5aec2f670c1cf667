//! Twelve panels of a dashboard over 90 days of this repository's own history, asked as a browser does.

use std::path::Path;
use std::time::Instant;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::SignedDuration;
use keirin_client::QueryTime;
use keirin_model::Timestamp;
use serde_json::Value;

use crate::server::Server;
use crate::{at_most, history, percentile};

const DASHBOARD: &str = include_str!("../../../../deploy/grafana/dashboards/repository.json");
const PANELS: usize = 12;
/// What a browser asks one server at once.
const AT_ONCE: usize = 6;
const LOADS: usize = 21;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Loads the dashboard again and again.
pub async fn loads() {
    let folder = crate::server::folder();
    let server = Server::start(folder.path(), &["--local-slots", "0"]).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    history::import(folder.path(), &root);
    history::until_series(&server).await;
    let queries = queries();
    let mut took: Vec<f64> = Vec::with_capacity(LOADS);
    for _ in 0..LOADS {
        let began = Instant::now();
        futures::stream::iter(&queries)
            .map(|(query, time)| server.client.query(query, *time, None))
            .buffer_unordered(AT_ONCE)
            .try_for_each(async |_| Ok(()))
            .await
            .unwrap();
        took.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    at_most(
        "twelve panels over 90 days of this repository, median",
        percentile(&mut took, 0.5),
        "ms",
        300.0,
    );
    server.stop().await;
}

/// What the first panels ask, as the page fills it in.
fn queries() -> Vec<(String, QueryTime)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let until = Timestamp::now();
    let from = until - DAY * 90;
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let panels = panels.filter(|panel| panel["type"] != "row" && panel["targets"].is_array());
    let mut queries = Vec::new();
    for panel in panels.take(PANELS) {
        let width = panel["interval"].as_str().unwrap_or("1d");
        let time = match panel["type"].as_str() {
            Some("stat") => QueryTime::At(until),
            _ => QueryTime::Over {
                from,
                until,
                step_ms: if width == "7d" { 7 } else { 1 } * 86_400_000,
            },
        };
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let query = query
                .replace("$repository", history::REPOSITORY)
                .replace("$__range", "90d")
                .replace("$__interval", width);
            queries.push((query, time));
        }
    }
    queries
}
