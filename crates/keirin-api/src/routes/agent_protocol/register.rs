//! How an agent makes itself known and asks for work.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use keirin_model::agent::GROUP_ALL;
use keirin_model::plan::{StepPlan, Tool};
use keirin_store::agents::NewAgent;
use keirin_wire::agent::{Assignment, Claim, Claimed, PROTOCOL, Register, Registered, Repository};

use crate::app::App;
use crate::caller::{Caller, Who};
use crate::error::ApiError;
use crate::extract::Json;
use crate::secret::{self, AGENT_SECRET};

/// The most attempts that an agent can hold, and the most jobs that it can ask for.
const MOST_JOBS: usize = 1000;

/// The most groups, labels and words about its host that an agent may give.
const MOST_WORDS: usize = 100;

/// Register an agent
///
/// With a join token it is let in at once; without one a person has to authorise it.
#[utoipa::path(post, path = "/agent/v1/register", tag = "agent protocol", request_body = Register, responses((status = 200, body = Registered)))]
pub(crate) async fn register(
    State(app): State<Arc<App>>,
    Json(said): Json<Register>,
) -> Result<Json<Registered>, ApiError> {
    check(&said)?;
    let now = app.outside.now();
    let known = match said.secret.as_deref() {
        Some(secret) => app.store.agent_by_secret(&secret::hash(secret)).await?,
        None => None,
    };
    let authorised = known.as_ref().is_some_and(|agent| agent.authorised);
    let let_in = match said.join_token.as_deref() {
        // An agent that is in already needs no token, so it does not use one up.
        Some(token) if !authorised => {
            let token = app.store.use_join_token(&secret::hash(token), now).await?;
            let token = token.ok_or_else(|| {
                ApiError::not_accepted("The join token is not known, has expired or is used up.")
                    .fix("Make another with `keirin token create --kind join`.")
            })?;
            check_groups(&said.groups, &token.groups)?;
            true
        }
        _ => false,
    };
    let secret = match (said.secret.as_ref(), known) {
        (Some(secret), Some(_)) => secret.clone(),
        _ => secret::draw(AGENT_SECRET, &app.outside),
    };
    let new = NewAgent {
        name: &said.name,
        secret_hash: &secret::hash(&secret),
        groups: &said.groups,
        labels: &said.labels,
        executors: &said.executors,
        slots: said.slots,
        authorised: let_in,
        host: &said.host,
        version: &said.version,
    };
    let agent = app.store.register_agent(&new, now).await?;
    app.work.agent_changed(agent.id).await?;
    Ok(Json(Registered {
        agent: agent.id,
        secret,
        authorised: agent.authorised,
    }))
}

/// Ask for work
///
/// Answers when there is something to say, at the latest after 20 s.
#[utoipa::path(post, path = "/agent/v1/claim", tag = "agent protocol", request_body = Claim, responses((status = 200, body = Claimed)))]
pub(crate) async fn claim(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(claim): Json<Claim>,
) -> Result<Json<Claimed>, ApiError> {
    let Who::Agent(agent) = caller.who else {
        return Err(ApiError::internal("a claim without an agent"));
    };
    if claim.holding.len() > MOST_JOBS || claim.free as usize > MOST_JOBS {
        return Err(ApiError::invalid(
            format!("An agent holds and asks for at most {MOST_JOBS} jobs."),
            "Start the agent with fewer slots.",
        ));
    }
    let mut claimed = app.work.claim(agent, claim).await?;
    for assignment in &mut claimed.assignments {
        assignment.token = app.keys.job_token(assignment.attempt);
        fill_in_repository(&app, assignment).await?;
    }
    Ok(Json(claimed))
}

/// Gives the steps of a job that checks the flow's own repository out what they may fetch more of it with.
async fn fill_in_repository(app: &App, assignment: &mut Assignment) -> Result<(), ApiError> {
    let own = |step: &StepPlan| match &step.tool {
        Tool::Git {
            repository,
            submodules,
            ..
        } if repository == "." => Some(*submodules),
        _ => None,
    };
    let checkouts: Vec<bool> = assignment.job.steps.iter().filter_map(own).collect();
    let Some(Repository::Mirror {
        upstream,
        fetch_token,
        ..
    }) = &mut assignment.repository
    else {
        return Ok(());
    };
    if checkouts.is_empty() {
        return Ok(());
    }
    let token = app.keys.fetch_token(assignment.attempt);
    assignment.masks.push(token.clone());
    *fetch_token = Some(token);
    if checkouts.contains(&true)
        && let Some(project) = app.store.place_named(&assignment.origin.project).await?
    {
        *upstream = Some(app.store.project(project.project).await?.repository);
    }
    Ok(())
}

fn check(said: &Register) -> Result<(), ApiError> {
    if said.protocol != PROTOCOL && said.protocol + 1 != PROTOCOL {
        return Err(ApiError::invalid(
            format!(
                "The agent speaks protocol {}, the server {PROTOCOL}.",
                said.protocol
            ),
            "Update whichever is older: they may differ by one version.",
        ));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if said.name.is_empty() || said.name.len() > 100 || !said.name.chars().all(good) {
        return Err(ApiError::invalid(
            "This cannot be an agent's name.",
            "Use 1 to 100 letters, digits, `.`, `_` and `-`.",
        ));
    }
    let words = said.groups.iter().chain(&said.labels).chain(said.host.keys());
    let values = said.host.values();
    let too_long = words.chain(values).any(|word| word.len() > 200);
    let too_many = said.groups.len().max(said.labels.len()).max(said.host.len()) > MOST_WORDS;
    if too_long || too_many || said.slots as usize > MOST_JOBS || said.version.len() > 100 {
        return Err(ApiError::invalid(
            "The agent says more of itself than the server keeps.",
            "Give it fewer or shorter groups, labels and slots.",
        ));
    }
    Ok(())
}

fn check_groups(wanted: &BTreeSet<String>, allowed: &BTreeSet<String>) -> Result<(), ApiError> {
    let outside = wanted
        .iter()
        .find(|group| *group != GROUP_ALL && !allowed.is_empty() && !allowed.contains(*group));
    match outside {
        None => Ok(()),
        Some(group) => Err(ApiError::forbidden(format!(
            "The join token lets no agent into the group `{group}`."
        ))
        .fix("Leave the group out, or make a join token with it.")),
    }
}
