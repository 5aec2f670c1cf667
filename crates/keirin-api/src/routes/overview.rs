//! The first screen.

use std::sync::Arc;

use axum::extract::State as AppState;
use keirin_model::State;
use keirin_store::views::FlowFilter;
use keirin_wire::api::{FlowSummary, Overview, RunningFlow};

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::log_lines;

/// How many flows under way it shows.
const RUNNING: u32 = 20;

/// How many finished flows it shows.
const RECENT: u32 = 10;

/// The first screen
///
/// What runs now with the last line of its log, what ended last, counts, and figures of the last 30 days.
#[utoipa::path(get, path = "/api/v1/overview", tag = "overview", responses((status = 200, body = Overview)))]
pub(crate) async fn overview(
    AppState(app): AppState<Arc<App>>,
    caller: Caller,
) -> Result<Json<Overview>, ApiError> {
    let now = app.outside.now();
    let sight = caller.sight(&app.store).await?;
    let in_state = |state| FlowFilter {
        state: Some(state),
        ..FlowFilter::default()
    };
    let mut under_way = Vec::new();
    for state in [State::Running, State::Waiting] {
        let page = app.store.flow_list(&sight, &in_state(state), RUNNING).await?;
        under_way.extend(page.items);
    }
    under_way.truncate(RUNNING as usize);
    let mut running = Vec::with_capacity(under_way.len());
    for flow in under_way {
        running.push(with_last_line(&app, flow).await?);
    }
    let recent = app
        .store
        .flow_list(&sight, &in_state(State::Finished), RECENT)
        .await?;
    Ok(Json(Overview {
        running,
        recent: recent.items,
        totals: app.store.totals(&sight, now).await?,
        figures: app.store.figures(&sight, now).await?,
        freshness: app.store.freshness(&sight, now).await?,
    }))
}

async fn with_last_line(app: &App, flow: FlowSummary) -> Result<RunningFlow, ApiError> {
    let writer = app.store.last_writer(flow.id).await?;
    let last_line = match &writer {
        Some((job, _)) => log_lines::last(app, *job).await?,
        None => None,
    };
    let (job, job_name) = writer.unzip();
    Ok(RunningFlow {
        flow,
        job,
        job_name,
        last_line,
    })
}
