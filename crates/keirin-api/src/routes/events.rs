//! What changes, as it changes: server-sent events.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::response::sse::Event as Sent;
use futures::StreamExt;
use keirin_store::views::VisibleProjects;
use keirin_wire::api::{Event, EventKind};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::extract::Query;
use crate::streams::{self, StreamEnd};
use crate::work::EventEnvelope;

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct From {
    /// The `id` of the last event that was received, for those who cannot set `Last-Event-ID`.
    after: Option<String>,
}

/// Follow what changes
///
/// Server-sent events: each has the kind as `event`, a position to go on from as `id`, and an `Event` in JSON as `data`.
/// Without `Last-Event-ID` it begins now. It ends after an hour at the latest; a browser goes on by itself.
/// An account, and each of its tokens, follows so many streams at once, of logs too; one more is answered by 429.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(From), responses((status = 200, body = Event, content_type = "text/event-stream")))]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    end: StreamEnd,
    headers: HeaderMap,
    Query(from): Query<From>,
) -> Result<Response, ApiError> {
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let after = last.or(from.after);
    if after.as_deref().is_some_and(|position| !is_position(position)) {
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "The position is none that an event has given.",
        )
        .fix("Begin without one."));
    }
    let sight = caller.sight(&app.store).await?;
    let events = app.work.events(after).await?;
    let seen = events.filter_map(move |told| {
        let sent = in_sight(&sight, &told.event).then(|| send(&told));
        std::future::ready(sent)
    });
    Ok(streams::sse(seen, end))
}

fn is_position(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// What belongs to no project is for everybody who may listen, since it names nothing but an agent's id and state.
fn in_sight(sight: &VisibleProjects, event: &Event) -> bool {
    match event.project_id {
        Some(project) => sight.sees(project),
        None => {
            event.kind == EventKind::Reset
                || matches!(sight, VisibleProjects::All)
                || event.kind == EventKind::Agent
        }
    }
}

fn send(told: &EventEnvelope) -> Sent {
    let event = Sent::default()
        .id(&told.position)
        .event(told.event.kind.into_str());
    // An event holds nothing that JSON cannot.
    event
        .json_data(&told.event)
        .unwrap_or_else(|_| Sent::default().comment("an event that cannot be told"))
}
