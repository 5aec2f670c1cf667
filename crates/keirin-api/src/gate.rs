//! The one layer that every call passes: who calls, what the route needs, whether they may.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::str::FromStr;
use std::sync::Arc;

use axum::RequestPartsExt;
use axum::extract::{ConnectInfo, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use axum_extra::headers::authorization::Basic;
use axum_extra::headers::{Authorization, HeaderMapExt as _};
use futures::FutureExt as _;
use keirin_model::access::Role;
use keirin_model::{AgentId, AttemptId, FlowId, JobId, RunId};
use keirin_store::views::{ProjectRef, VisibleProjects};

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::{Caller, LiveAttempt, RequestProject, Who};
use crate::connections::AddressPrefix;
use crate::error::ApiError;
use crate::permission::{Need, Noun};
use crate::route_table::{Route, RouteEffect, route_table};
use crate::work::WorkError;
use crate::{origin, secret};

/// Lets a call in or answers why not.
pub(crate) async fn gate(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let note = match admit(&app, &mut parts).await {
        Ok(Some(route)) if route.effect == RouteEffect::Changes => {
            match AuditNote::of(&app, &mut parts, route).await {
                Ok(note) => Some(note),
                Err(error) => return error.into_response(),
            }
        }
        Ok(Some(route)) if route.effect == RouteEffect::Receives => None,
        Ok(_) => return next.run(Request::from_parts(parts, body)).await,
        Err(error) => return error.into_response(),
    };
    if let Some(note) = &note {
        parts.extensions.insert(note.clone());
    }
    let call = next.run(Request::from_parts(parts, body));
    let with = Arc::clone(&app);
    let call = async move {
        match note {
            Some(note) => written_down(&with, &note, call).await,
            None => call.await,
        }
    };
    app.changing_calls.finish(call).await
}

/// A call that changes something, with its entry in the audit log before it and what became of it after it.
async fn written_down(app: &App, note: &AuditNote, call: impl Future<Output = Response>) -> Response {
    if note.is_known()
        && let Err(error) = note.write_down(app).await
    {
        return error.into_response();
    }
    // A handler that panics has failed, which the entry says too.
    let answered = AssertUnwindSafe(call).catch_unwind().await;
    let status = answered.as_ref().map(Response::status);
    note.end(app, status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .await;
    answered.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Lets a call in; gives its route. What no route matches is the page's files, which are for everybody.
async fn admit(app: &App, parts: &mut Parts) -> Result<Option<&'static Route>, ApiError> {
    let Some(path) = parts.extensions.get::<MatchedPath>().cloned() else {
        return Ok(None);
    };
    let (table, path) = (route_table(), path.as_str());
    let route = match table.find(parts.method.as_str(), path) {
        Some(route) => route,
        None if table.knows(path) => return Err(wrong_method(parts)),
        None => return Err(ApiError::internal(format!("no need is declared for {path}"))),
    };
    let need = route.need;
    let caller = identify_counted(app, parts, need).await?;
    if let Who::Session { .. } = caller.who {
        origin::must_be_ours(parts, &app.settings)?;
    } else {
        origin::must_not_be_foreign(parts, &app.settings)?;
    }
    authorise(app, parts, need, &caller).await?;
    parts.extensions.insert(caller);
    Ok(Some(route))
}

fn wrong_method(parts: &Parts) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong-method",
        format!("This address does not take {}.", parts.method),
    )
    .fix("`/api/docs` says what it takes.")
}

/// Finds out who calls, and counts the call. Whoever is not known yet is counted by their address before that, so that
/// guessing costs the database little; whoever turns out to be known is not.
async fn identify_counted(app: &App, parts: &Parts, need: Need) -> Result<Caller, ApiError> {
    let now = app.outside.now();
    let address = AddressPrefix::of(address(parts, &app.settings.trusted_proxies));
    if matches!(parts.uri.path(), "/healthz" | "/readyz") {
        // Whoever watches the server is heard whatever else comes from the same address.
        app.limits.health_check(address, now)?;
        return Ok(Caller::new(Who::Nobody));
    }
    let credential = match need {
        Need::Open => None,
        _ => credential(app, &parts.headers).map(|secret| secret::hash(&secret)),
    };
    let was_known = credential
        .as_ref()
        .is_some_and(|hash| app.credentials.contains(hash));
    if !was_known {
        app.limits.stranger(address, now)?;
    }
    let identified = identify(app, parts, need).await;
    let is_known = identified
        .as_ref()
        .is_ok_and(|caller| !matches!(caller.who, Who::Nobody));
    match credential {
        Some(hash) if is_known && !was_known => {
            app.limits.no_stranger(address);
            app.credentials.put(hash);
        }
        Some(hash) if was_known && !is_known => app.credentials.forget(&hash),
        _ => {}
    }
    let caller = identified?;
    // Agents and jobs are bounded by what they have been given to do.
    if let Who::Session { user, .. } | Who::Token { user, .. } = &caller.who {
        app.limits.call(&format!("user {}", user.id), now)?;
    }
    Ok(caller)
}

/// The secret that a call brings along, by whichever way.
fn credential(app: &App, headers: &HeaderMap) -> Option<String> {
    let by_header = bearer(headers).map(str::to_owned);
    by_header.or_else(|| basic_password(headers)).or_else(|| {
        let jar = CookieJar::from_headers(headers);
        jar.get(&app.settings.cookie())
            .map(|cookie| cookie.value().to_owned())
    })
}

/// Finds out who calls. A cookie that does not hold is nobody's; a token that does not hold is refused, since whoever
/// sends one means to be somebody.
async fn identify(app: &App, parts: &Parts, need: Need) -> Result<Caller, ApiError> {
    match need {
        Need::Open => Ok(Caller::new(Who::Nobody)),
        Need::Agent => {
            let secret = bearer(&parts.headers).ok_or_else(|| not_accepted("an agent's secret"))?;
            Ok(Caller::new(Who::Agent(agent_with(app, secret).await?)))
        }
        Need::JobToken | Need::LiveJob | Need::Mirror => {
            let basic = basic_password(&parts.headers);
            let token = bearer(&parts.headers)
                .or(basic.as_deref())
                .ok_or_else(|| ask_for_password(need, "a job's token"))?;
            let attempt = match app.keys.attempt_of(token) {
                None if need == Need::Mirror => app.keys.attempt_of_fetch(token),
                attempt => attempt,
            };
            let attempt = attempt.ok_or_else(|| ask_for_password(need, "the token of a job"))?;
            Ok(Caller::new(Who::Job(attempt)))
        }
        _ => {
            let basic = basic_password(&parts.headers);
            match bearer(&parts.headers).or(basic.as_deref()) {
                Some(token) => by_token(app, token).await,
                None => by_cookie(app, &parts.headers).await,
            }
        }
    }
}

async fn agent_with(app: &App, secret: &str) -> Result<AgentId, ApiError> {
    let now = app.outside.now();
    let secret_hash = secret::hash(secret);
    if let Some(agent) = app.agents.get(&secret_hash, now) {
        return Ok(agent);
    }
    let agent = app.store.agent_by_secret(&secret_hash).await?;
    let agent = agent.ok_or_else(|| not_accepted("the secret of an agent"))?.id;
    app.agents.put(secret_hash, agent, now);
    Ok(agent)
}

async fn by_token(app: &App, token: &str) -> Result<Caller, ApiError> {
    let now = app.outside.now();
    match app.store.api_token(&secret::hash(token), now).await? {
        Some(token) => Ok(Caller::with_token(token)),
        None => Err(ApiError::not_accepted(
            "The token is not known, has expired, or its owner may not sign in.",
        )
        .fix("Make a new one with `keirin token create`, or run `keirin login`.")),
    }
}

async fn by_cookie(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(&app.settings.cookie()) else {
        return Ok(Caller::new(Who::Nobody));
    };
    let now = app.outside.now();
    let secret_hash = secret::hash(cookie.value());
    let idle_since = now - app.settings.session_idle;
    match app.store.session(&secret_hash, now, idle_since).await? {
        Some(session) => Ok(Caller::with_session(session, secret_hash)),
        None => Ok(Caller::new(Who::Nobody)),
    }
}

/// A token as most programs send it, or as those do that write to an InfluxDB.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let known = ["bearer", "token"];
    let known = known.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    known.then(|| token.trim())
}

fn basic_password(headers: &HeaderMap) -> Option<String> {
    let sent: Authorization<Basic> = headers.typed_get()?;
    Some(sent.password().to_owned())
}

fn not_accepted(what: &str) -> ApiError {
    ApiError::not_accepted(format!("This needs {what}, which the call has not sent."))
}

/// git asks for a password only when it is told that one by name and password would do.
fn ask_for_password(need: Need, what: &str) -> ApiError {
    let error = not_accepted(what);
    if need == Need::Mirror {
        error.challenge("Basic realm=\"Keirin\"")
    } else {
        error
    }
}

async fn authorise(app: &App, parts: &mut Parts, need: Need, caller: &Caller) -> Result<(), ApiError> {
    match need {
        Need::Open | Need::Anyone | Need::Agent => Ok(()),
        Need::Visible => require_sight(app, caller).await,
        Need::SignedIn => caller.person().map(|_| ()),
        Need::Server(role) => caller.require_on_server(role),
        Need::On(noun, role) => {
            let place = place(app, parts, noun).await?;
            admit_to(parts, caller, place, role)
        }
        Need::Named(role) => admit_to_named(app, parts, caller, role).await,
        Need::Dashboard(role) => match (owner_of_dashboard(app, parts).await?, role) {
            (Some(Some(place)), _) => admit_to(parts, caller, Some(place), role),
            (_, Role::Viewer) => require_sight(app, caller).await,
            (Some(None), _) => caller.require_on_server(role),
            (None, _) => admit_to_named(app, parts, caller, role).await,
        },
        Need::LogSearch => match place_of_search(app, parts).await? {
            Some(place) => admit_to(parts, caller, place, Role::Viewer),
            None => caller.require_on_server(Role::Admin),
        },
        Need::JobToken => own_attempt(parts, caller).await.map(|_| ()),
        Need::LiveJob => {
            let attempt = own_attempt(parts, caller).await?;
            live(app, parts, attempt).await
        }
        Need::Mirror => {
            let Who::Job(attempt) = caller.who else {
                return Err(not_accepted("a job's token"));
            };
            live(app, parts, attempt).await?;
            let found = place(app, parts, Noun::Project).await?;
            let of_job = parts
                .extensions
                .get::<LiveAttempt>()
                .map(|live| live.place.project);
            match found {
                Some(found) if of_job == Some(found.project) => {
                    parts.extensions.insert(RequestProject(found));
                    Ok(())
                }
                _ => Err(ApiError::not_found("repository")),
            }
        }
    }
}

/// Lets nobody on who may not see anything.
async fn require_sight(app: &App, caller: &Caller) -> Result<(), ApiError> {
    match (caller.user(), caller.sight(&app.store).await?) {
        (None, VisibleProjects::Only(projects)) if projects.is_empty() => Err(ApiError::sign_in_needed()),
        _ => Ok(()),
    }
}

/// Lets the caller into the project that is named, or do something in all of them.
async fn admit_to_named(app: &App, parts: &mut Parts, caller: &Caller, role: Role) -> Result<(), ApiError> {
    match named_place(app, parts, caller).await? {
        Some(place) => admit_to(parts, caller, place, role),
        None => caller.require_on_server(role),
    }
}

/// Lets the caller into a project. Somebody who may not know of it hears the same as when there is none.
fn admit_to(
    parts: &mut Parts,
    caller: &Caller,
    place: Option<ProjectRef>,
    role: Role,
) -> Result<(), ApiError> {
    let Some(place) = place else {
        caller.person()?;
        return Err(ApiError::nothing_to_see());
    };
    caller.require(&place, role)?;
    parts.extensions.insert(RequestProject(place));
    Ok(())
}

/// The project that the path belongs to; `None` where there is no such thing.
async fn place(app: &App, parts: &mut Parts, noun: Noun) -> Result<Option<ProjectRef>, ApiError> {
    let store = &app.store;
    let found = match noun {
        Noun::Project => match param(parts, "project").await? {
            Some(name) => store.place_named(&name).await?,
            None => None,
        },
        Noun::Flow => match id::<FlowId>(parts, "flow").await? {
            Some(flow) => store.place_of_flow(flow).await?,
            None => None,
        },
        Noun::Run => match id::<RunId>(parts, "run").await? {
            Some(run) => store.place_of_run(run).await?,
            None => None,
        },
        Noun::Job => match id::<JobId>(parts, "job").await? {
            Some(job) => store.place_of_job(job).await?,
            None => None,
        },
        Noun::Artifact => match id::<keirin_model::ArtifactId>(parts, "artifact").await? {
            Some(artifact) => store.place_of_artifact(artifact).await?,
            None => None,
        },
    };
    Ok(found)
}

/// The value of a parameter of the address.
fn query_param(parts: &Parts, name: &str) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Whose the dashboard in the path is: a project's or the server's; `None` where it is not there.
async fn owner_of_dashboard(app: &App, parts: &mut Parts) -> Result<Option<Option<ProjectRef>>, ApiError> {
    match param(parts, "dashboard").await? {
        Some(uid) => Ok(app.store.owner_of_dashboard(&uid).await?),
        None => Ok(None),
    }
}

/// The project that a call is for: the one that is named, or the only one that the token opens; `Ok(None)` for none.
async fn named_place(
    app: &App,
    parts: &Parts,
    caller: &Caller,
) -> Result<Option<Option<ProjectRef>>, ApiError> {
    if let Some(name) = query_param(parts, "project") {
        return Ok(Some(app.store.place_named(&name).await?));
    }
    match caller.who {
        Who::Token {
            project: Some(project),
            ..
        } => Ok(Some(app.store.place_of_project(project).await?)),
        _ => Ok(None),
    }
}

/// The project whose logs a search names; `Ok(None)` for logs that belong to none.
async fn place_of_search(app: &App, parts: &Parts) -> Result<Option<Option<ProjectRef>>, ApiError> {
    if let Some(flow) = query_param(parts, "flow") {
        return Ok(Some(match FlowId::from_str(&flow) {
            Ok(flow) => app.store.place_of_flow(flow).await?,
            Err(_) => None,
        }));
    }
    if let Some(run) = query_param(parts, "run") {
        return Ok(Some(match RunId::from_str(&run) {
            Ok(run) => app.store.place_of_run(run).await?,
            Err(_) => None,
        }));
    }
    if let Some(job) = query_param(parts, "job") {
        return Ok(Some(match JobId::from_str(&job) {
            Ok(job) => app.store.place_of_job(job).await?,
            Err(_) => None,
        }));
    }
    Ok(None)
}

async fn param(parts: &mut Parts, name: &str) -> Result<Option<String>, ApiError> {
    let params: RawPathParams = parts
        .extract()
        .await
        .map_err(|_| ApiError::not_found("such address"))?;
    let found = params.iter().find(|(key, _)| *key == name);
    Ok(found.map(|(_, value)| value.to_owned()))
}

async fn id<Id: FromStr>(parts: &mut Parts, name: &str) -> Result<Option<Id>, ApiError> {
    Ok(param(parts, name)
        .await?
        .and_then(|text| Id::from_str(&text).ok()))
}

async fn own_attempt(parts: &mut Parts, caller: &Caller) -> Result<AttemptId, ApiError> {
    let wanted = id::<AttemptId>(parts, "attempt").await?;
    match caller.who {
        Who::Job(attempt) if wanted == Some(attempt) => Ok(attempt),
        _ => Err(ApiError::forbidden("The token is another job's.")),
    }
}

async fn live(app: &App, parts: &mut Parts, attempt: AttemptId) -> Result<(), ApiError> {
    let place = app
        .work
        .live_attempt(attempt)
        .await?
        .ok_or(WorkError::LeaseLost)?;
    parts.extensions.insert(LiveAttempt { id: attempt, place });
    Ok(())
}

/// The address of the caller: what the last proxy that is not ours says, and what is at the other end else.
pub(crate) fn address(parts: &Parts, trusted_proxies: &[IpAddr]) -> IpAddr {
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip());
    let mut address = peer;
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().rev();
    let said = forwarded
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.rsplit(','))
        .filter_map(|value| value.trim().parse::<IpAddr>().ok());
    for next in said {
        if !trusted_proxies.contains(&address) {
            break;
        }
        address = next;
    }
    address
}
