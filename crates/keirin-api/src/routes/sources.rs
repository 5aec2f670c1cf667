//! Other servers that answer queries, and what is scraped.

use std::sync::Arc;

use axum::extract::State;
use keirin_exchange::exchange::OWN_SOURCE;
use keirin_exchange::scrape::{Health, TargetStatus};
use keirin_wire::api::{Page, Source, SourceKind, SourceState, Target, TargetState};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Json;

/// List sources
///
/// The servers that a query may name, this one first. Each of the others is asked whether it answers.
#[utoipa::path(get, path = "/api/v1/sources", tag = "measure", responses((status = 200, body = Page<Source>)))]
pub(crate) async fn sources(State(app): State<Arc<App>>) -> Result<Json<Page<Source>>, ApiError> {
    let own = Source {
        name: OWN_SOURCE.to_owned(),
        kind: SourceKind::Keirin,
        url: None,
        state: SourceState::Ok,
        error: None,
    };
    let now_ms = app.outside.now().as_millisecond();
    let others = app.exchange.sources().map(async |source| {
        let error = source.query("1", now_ms).await.err();
        Source {
            name: source.name().to_owned(),
            kind: SourceKind::Prometheus,
            url: Some(source.address().to_owned()),
            state: match error {
                None => SourceState::Ok,
                Some(_) => SourceState::Failed,
            },
            error: error.map(|error| error.to_string()),
        }
    });
    let mut sources = vec![own];
    sources.extend(futures::future::join_all(others).await);
    Ok(Json(Page::all(sources)))
}

/// List targets
///
/// What is scraped, and how the last scrape went.
#[utoipa::path(get, path = "/api/v1/targets", tag = "measure", responses((status = 200, body = Page<Target>)))]
pub(crate) async fn targets(State(app): State<Arc<App>>) -> Json<Page<Target>> {
    let targets = app.exchange.collectors().targets().await;
    Json(Page::all(targets.into_iter().map(target).collect()))
}

fn target(status: TargetStatus) -> Target {
    let scraped = status.last_scrape.is_some();
    Target {
        name: status.name,
        url: status.url,
        state: match status.health {
            Health::Unknown => TargetState::Unknown,
            Health::Up => TargetState::Up,
            Health::Down => TargetState::Down,
        },
        labels: status
            .labels
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        interval_seconds: status.interval.as_secs_f64(),
        last_scrape_at: status.last_scrape,
        duration_seconds: scraped.then_some(status.last_duration.as_secs_f64()),
        samples: scraped.then_some(status.samples as u64),
        error: status.last_error,
    }
}
