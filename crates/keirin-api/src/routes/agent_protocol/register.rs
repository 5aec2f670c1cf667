//! How an agent makes itself known and asks for work.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use keirin_model::access::PrincipalKind;
use keirin_model::agent::GROUP_ALL;
use keirin_model::plan::{StepPlan, Tool};
use keirin_store::agents::NewAgent;
use keirin_wire::agent::{Assignment, CheckoutRepository, Claim, Claimed, PROTOCOL, Register, Registered};

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::{Caller, Who};
use crate::connections::AddressPrefix;
use crate::error::ApiError;
use crate::extract::Json;
use crate::gate::address;
use crate::repository::local_folders;
use crate::secret::{self, AGENT_SECRET};

/// The most attempts that an agent can hold, and the most jobs that it can ask for.
const MOST_JOBS: usize = 1000;

/// The most groups, labels and words about its host that an agent may give.
const MOST_WORDS: usize = 100;

/// The most bytes that an agent without a join token may say of itself.
const MOST_STRANGER_BYTES: usize = 8 * 1024;

/// How many agents may wait to be let in.
const MOST_WAITING: i64 = 100;

/// How many of them may have made themselves known from one address.
const MOST_WAITING_PER_ADDRESS: i64 = 20;

/// Register an agent
///
/// With a join token it is let in at once; without one a person has to authorise it. So many wait at the most, and one that
/// waits is forgotten a day after it was last heard of.
#[utoipa::path(post, path = "/agent/v1/register", tag = "agent protocol", request_body = Register, responses((status = 200, body = Registered)))]
pub(crate) async fn register(
    State(app): State<Arc<App>>,
    note: AuditNote,
    request: Request,
) -> Result<Json<Registered>, ApiError> {
    let (parts, body) = request.into_parts();
    let from = AddressPrefix::of(address(&parts, &app.settings.trusted_proxies));
    let request = Request::from_parts(parts, body);
    let Json(said) = Json::<Register>::from_request(request, &app).await?;
    check(&said)?;
    let now = app.outside.now();
    // One that it has drawn is known already where it never heard the answer.
    let mut known = None;
    for secret in [&said.secret, &said.proposed_secret].into_iter().flatten() {
        if known.is_none() {
            let agent = app.store.agent_by_secret(&secret::hash(secret)).await?;
            known = agent.map(|agent| (agent, secret.clone()));
        }
    }
    let is_known = known.is_some();
    let authorised = known.as_ref().is_some_and(|(agent, _)| agent.authorised);
    if !authorised && said.join_token.is_none() {
        check_size(&said)?;
        if !is_known {
            app.limits.registration(from, now)?;
        }
    }
    let join_token = match said.join_token.as_deref() {
        // An agent that is in already needs no token, so it does not use one up.
        Some(token) if !authorised => {
            let token = app.store.join_token(&secret::hash(token), now).await?;
            let token = token.ok_or_else(used_up)?;
            check_groups(&said.groups, &token.groups)?;
            Some(token.id)
        }
        _ => None,
    };
    note.detail_of("join_token", join_token);
    let let_in = join_token.is_some();
    let secret = match (known, &said.proposed_secret) {
        (Some((_, secret)), _) => secret,
        (None, Some(secret)) if secret::has_form(secret, AGENT_SECRET) => secret.clone(),
        // One that is not known any more is that of an agent which was deleted, and it stays so.
        (None, _) => secret::draw(AGENT_SECRET, &app.outside),
    };
    let secret_hash = secret::hash(&secret);
    let address_text = from.to_string();
    let is_stranger = !is_known && !let_in;
    let _turn = match is_stranger {
        true => Some(app.strangers_register.lock().await),
        false => None,
    };
    // One that comes back changes nothing but what it says of itself.
    if let_in || is_stranger {
        note.detail("name", &said.name);
        note.write_down(&app).await?;
    }
    if let_in {
        // What waits under this name has never been let in, so it cannot keep the name.
        if let Some(other) = app
            .store
            .remove_waiting_namesake(&said.name, &secret_hash)
            .await?
        {
            app.work.agent_changed(other).await?;
        }
    } else if is_stranger {
        make_room(&app, from).await?;
    }
    let new = NewAgent {
        name: &said.name,
        secret_hash: &secret_hash,
        groups: &said.groups,
        labels: &said.labels,
        executors: &said.executors,
        slots: said.slots,
        authorised: let_in,
        host: &said.host,
        version: &said.version,
        registered_from: Some(&address_text),
    };
    let agent = match join_token {
        None => app.store.register_agent(&new, now).await?,
        Some(token) => match app.store.register_approved_agent(&new, token, now).await? {
            Some(agent) => agent,
            // An earlier call of the same agent, whose answer it did not wait for, has used it up meanwhile.
            None => match app.store.agent_by_secret(&secret_hash).await? {
                Some(agent) if agent.authorised => agent,
                _ => return Err(used_up()),
            },
        },
    };
    app.work.agent_changed(agent.id).await?;
    note.by(PrincipalKind::Agent, agent.id.0, &said.name);
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
    claimed.now = Some(app.outside.now());
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
    let Some(CheckoutRepository::Mirror {
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
        let repository = app.store.project(project.project).await?.repository;
        assignment.masks.extend(local_folders(&repository));
        *upstream = Some(repository);
    }
    Ok(())
}

fn used_up() -> ApiError {
    ApiError::not_accepted("The join token is not known, has expired or is used up.")
        .fix("Make another with `keirin token create --kind join`.")
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
    let host = said.host.keys().chain(said.host.values());
    let words: Vec<&String> = said.groups.iter().chain(&said.labels).chain(host).collect();
    let mut shown = words.iter().copied().chain([&said.version]);
    if shown.any(|word| word.contains(changes_what_is_shown)) {
        return Err(ApiError::invalid(
            "What the agent says of itself holds characters that cannot be seen.",
            "Leave control characters and marks of direction out of groups, labels, host and version.",
        ));
    }
    let too_long = words.iter().any(|word| word.len() > 200);
    let too_many = said.groups.len().max(said.labels.len()).max(said.host.len()) > MOST_WORDS;
    if too_long || too_many || said.slots as usize > MOST_JOBS || said.version.len() > 100 {
        return Err(ApiError::invalid(
            "The agent says more of itself than the server keeps.",
            "Give it fewer or shorter groups, labels and slots.",
        ));
    }
    Ok(())
}

/// Characters that change how a terminal or a page shows what stands around them.
fn changes_what_is_shown(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether one more may wait to be let in.
async fn make_room(app: &App, from: AddressPrefix) -> Result<(), ApiError> {
    app.forget_silent_agents().await?;
    let waiting = app.store.waiting_agents(&from.to_string()).await?;
    if waiting.all < MOST_WAITING && waiting.from_address < MOST_WAITING_PER_ADDRESS {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-agents-wait",
        format!(
            "{} agents wait to be let in already, {} of them from this address.",
            waiting.all, waiting.from_address
        ),
    )
    .fix(
        "Let them in (`keirin agent authorise`) or remove them (`keirin agent delete --unauthorised`), or give this \
         agent a join token (`keirin token create --kind join`).",
    ))
}

/// Of an agent that nobody has vouched for, little is kept.
fn check_size(said: &Register) -> Result<(), ApiError> {
    let words = said.groups.iter().chain(&said.labels);
    let host = said.host.iter().flat_map(|(name, value)| [name, value]);
    let bytes: usize = words.chain(host).map(String::len).sum();
    if bytes > MOST_STRANGER_BYTES {
        return Err(ApiError::invalid(
            format!(
                "The agent says {bytes} bytes of itself; without a join token it may say {MOST_STRANGER_BYTES}."
            ),
            "Give it a join token, or fewer and shorter groups and labels.",
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
