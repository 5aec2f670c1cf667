//! Agents: list, show, authorise, take out of service, remove.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use keirin_model::AgentId;
use keirin_store::views::AgentFilter;
use keirin_wire::api::{Agent, AgentState, ChangeAgent, Page, RemovedAgents};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::paging::{self, PageQuery};

/// The most slots that an agent may have.
const SLOTS: u32 = 1000;

/// List agents
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", params(PageQuery), responses((status = 200, body = Page<Agent>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Agent>>, ApiError> {
    let sight = caller.sight(&app.store).await?;
    let after = query.after_name();
    let which = AgentFilter::Page {
        after: after.as_deref(),
        limit: query.limit() + 1,
    };
    let agents = app.store.agent_views(&sight, which, app.outside.now()).await?;
    let cursor = |agent: &Agent| agent.name.clone();
    Ok(Json(paging::page(agents, query.limit(), cursor, |agent| agent)))
}

/// Which agents are to be removed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemoveAgentsQuery {
    /// `unauthorised`: those that wait to be let in.
    state: AgentState,
}

/// Remove all agents that wait to be let in
///
/// Those that are still there make themselves known again when they are started again.
#[utoipa::path(delete, path = "/api/v1/agents", tag = "agents", params(RemoveAgentsQuery), responses((status = 200, body = RemovedAgents)))]
pub(crate) async fn remove_waiting(
    State(app): State<Arc<App>>,
    Query(query): Query<RemoveAgentsQuery>,
    note: AuditNote,
) -> Result<Json<RemovedAgents>, ApiError> {
    if query.state != AgentState::Unauthorised {
        return Err(ApiError::invalid(
            "Only agents that wait to be let in can be removed all at once.",
            "Send `?state=unauthorised`, or remove one agent by its id.",
        ));
    }
    let removed = app.remove_waiting_agents(None).await?;
    note.detail("removed", removed);
    Ok(Json(RemovedAgents { removed }))
}

/// Show an agent
#[utoipa::path(get, path = "/api/v1/agents/{agent}", tag = "agents", params(("agent" = String, Path)), responses((status = 200, body = Agent)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(agent): Path<AgentId>,
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
    Path(agent): Path<AgentId>,
    note: AuditNote,
    Json(change): Json<ChangeAgent>,
) -> Result<Json<Agent>, ApiError> {
    if change.slots.is_some_and(|slots| slots > SLOTS) {
        return Err(ApiError::invalid(
            format!("An agent has at most {SLOTS} slots."),
            "Give a smaller number.",
        ));
    }
    note.detail("name", app.store.agent(agent).await?.name);
    if change.authorised == Some(true) {
        note.detail("authorised", true);
    }
    note.detail_of("disabled", change.disabled);
    note.detail_of("slots", change.slots);
    if let Some(groups) = &change.groups {
        note.list("groups", groups);
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
    Path(agent): Path<AgentId>,
    note: AuditNote,
) -> Result<StatusCode, ApiError> {
    note.detail("name", app.store.agent(agent).await?.name);
    app.store.delete_agent(agent).await?;
    app.agents.forget();
    app.work.agent_changed(agent).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn view(app: &App, caller: &Caller, agent: AgentId) -> Result<Agent, ApiError> {
    let sight = caller.sight(&app.store).await?;
    let now = app.outside.now();
    let mut agents = app
        .store
        .agent_views(&sight, AgentFilter::One(agent), now)
        .await?;
    agents
        .pop()
        .ok_or_else(|| ApiError::not_found(format!("agent {agent}")))
}
