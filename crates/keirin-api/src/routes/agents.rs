//! Agents: list, show, authorise, take out of service, remove.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use keirin_model::AgentId;
use keirin_wire::api::{Agent, ChangeAgent, Page};

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::extract::{At, Json};

/// The most slots that an agent may have.
const SLOTS: u32 = 1000;

/// List agents
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", responses((status = 200, body = Page<Agent>)))]
pub(crate) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Page<Agent>>, ApiError> {
    let sight = caller.sight(&app.store).await?;
    let agents = app.store.agent_views(&sight, None, app.outside.now()).await?;
    Ok(Json(Page::all(agents)))
}

/// Show an agent
#[utoipa::path(get, path = "/api/v1/agents/{agent}", tag = "agents", params(("agent" = String, Path)), responses((status = 200, body = Agent)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(agent): At<AgentId>,
) -> Result<Json<Agent>, ApiError> {
    Ok(Json(view(&app, &caller, agent).await?))
}

/// Change an agent
///
/// Authorises it, takes it out of service or back, sets its slots and groups.
#[utoipa::path(patch, path = "/api/v1/agents/{agent}", tag = "agents", params(("agent" = String, Path)), request_body = ChangeAgent, responses((status = 200, body = Agent)))]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(agent): At<AgentId>,
    Json(change): Json<ChangeAgent>,
) -> Result<Json<Agent>, ApiError> {
    if change.slots.is_some_and(|slots| slots > SLOTS) {
        return Err(ApiError::invalid(
            format!("An agent has at most {SLOTS} slots."),
            "Give a smaller number.",
        ));
    }
    match change.authorised {
        Some(true) => app.store.authorise_agent(agent).await?,
        Some(false) => {
            return Err(ApiError::invalid(
                "An agent that has been let in cannot be put before the door again.",
                "Disable it, or remove it.",
            ));
        }
        None => {}
    }
    if let Some(groups) = &change.groups {
        app.store.set_agent_groups(agent, groups).await?;
    }
    if let Some(slots) = change.slots {
        app.store.set_agent_slots(agent, Some(slots)).await?;
    }
    if let Some(disabled) = change.disabled {
        app.store.set_agent_disabled(agent, disabled).await?;
    }
    app.work.agent_changed(agent).await?;
    Ok(Json(view(&app, &caller, agent).await?))
}

/// Remove an agent
///
/// Once it runs nothing. It may register again, and has to be authorised again.
#[utoipa::path(delete, path = "/api/v1/agents/{agent}", tag = "agents", params(("agent" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    At(agent): At<AgentId>,
) -> Result<StatusCode, ApiError> {
    app.store.delete_agent(agent).await?;
    app.agents.forget();
    app.work.agent_changed(agent).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn view(app: &App, caller: &Caller, agent: AgentId) -> Result<Agent, ApiError> {
    let sight = caller.sight(&app.store).await?;
    let now = app.outside.now();
    let mut agents = app.store.agent_views(&sight, Some(agent), now).await?;
    agents
        .pop()
        .ok_or_else(|| ApiError::not_found(format!("agent {agent}")))
}
