//! What Grafana and others ask a Prometheus about itself.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Redirect;
use serde_json::{Value, json};

use super::answer::Success;
use crate::app::App;

/// The version of PromQL that is spoken, as Prometheus numbers it: clients choose by it what they may ask.
const SPEAKS: &str = "3.0.0";

/// Where people ask
///
/// Programs look here whether there is a Prometheus; its page for people is ours.
#[utoipa::path(get, path = "/prometheus/", tag = "prometheus", responses((status = 303, description = "The page to explore series.")))]
pub(crate) async fn root(State(app): State<Arc<App>>) -> Redirect {
    Redirect::to(&format!("{}/explore", app.settings.base()))
}

/// Which version this is
#[utoipa::path(get, path = "/prometheus/api/v1/status/buildinfo", tag = "prometheus", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn build(State(app): State<Arc<App>>) -> Success {
    Success::of(&json!({
        "version": SPEAKS,
        "revision": app.settings.version,
        "branch": "keirin",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
}

/// List rules
///
/// There are none yet.
#[utoipa::path(get, path = "/prometheus/api/v1/rules", tag = "prometheus", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn rules() -> Success {
    Success::of(&json!({ "groups": [] }))
}

/// List alerts
///
/// There are none yet.
#[utoipa::path(get, path = "/prometheus/api/v1/alerts", tag = "prometheus", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn alerts() -> Success {
    Success::of(&json!({ "alerts": [] }))
}

/// List targets
///
/// As Prometheus does; `/api/v1/targets` says the same in Keirin's words.
#[utoipa::path(get, path = "/prometheus/api/v1/targets", tag = "prometheus", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn targets(State(app): State<Arc<App>>) -> Success {
    let targets = app.exchange.collectors().targets().await;
    let active: Vec<Value> = targets
        .into_iter()
        .map(|target| {
            json!({
                "discoveredLabels": {},
                "labels": target.labels,
                "scrapePool": target.name,
                "scrapeUrl": target.url,
                "globalUrl": target.url,
                "lastError": target.last_error.unwrap_or_default(),
                "lastScrape": target.last_scrape.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_string()),
                "lastScrapeDuration": target.last_duration.as_secs_f64(),
                "health": target.health.into_str(),
                "scrapeInterval": format!("{}s", target.interval.as_secs_f64()),
                "scrapeTimeout": format!("{}s", target.timeout.as_secs_f64()),
            })
        })
        .collect();
    Success::of(&json!({ "activeTargets": active, "droppedTargets": [], "droppedTargetCounts": {} }))
}
