//! What Grafana and others ask a Prometheus about itself.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;

use super::answer::Success;
use crate::app::App;

/// The version of PromQL that is spoken, as Prometheus numbers it: clients choose by it what they may ask.
const SPEAKS: &str = "3.0.0";

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
