//! Signing in by password or one-time link, and out.

use std::sync::Arc;

use axum::extract::{FromRequest as _, Request, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use keirin_model::UserId;
use keirin_model::access::PrincipalKind;
use keirin_wire::api::{Me, SignIn};

use super::me::describe;
use super::users::is_name;
use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::{Caller, Who};
use crate::connections::AddressPrefix;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::gate::address;
use crate::limits::SignInAttempt;
use crate::{password, secret};

/// The page behind a one-time link.
const LINK_PAGE: &str = include_str!("../pages/sign_in_link.html");

/// Stands for every name that nobody can have.
const NO_NAME: &str = "";

/// Sign in by password
#[utoipa::path(post, path = "/api/v1/sign-in", tag = "sign-in", request_body = SignIn, responses((status = 200, body = Me)))]
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    note: AuditNote,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let from = AddressPrefix::of(address(&parts, &app.settings.trusted_proxies));
    let request = Request::from_parts(parts, body);
    let Json(said) = Json::<SignIn>::from_request(request, &app).await?;
    // A name that nobody can have is asked for as one that nobody has.
    let name = if is_name(&said.name) { &said.name } else { NO_NAME };
    let attempt = SignInAttempt::new(name, from);
    let is_familiar = app.store.is_familiar_address(name, &from.to_string()).await?;
    app.limits.sign_in(&attempt, is_familiar, app.outside.now())?;
    let user = app.store.user_by_name(name).await?;
    // What is no user's name may be a password in the wrong place.
    note.detail_of("name", user.as_ref().map(|user| user.name.as_str()));
    note.write_down(&app).await?;
    let hash = user
        .as_ref()
        .filter(|user| !user.disabled)
        .and_then(|user| user.password_hash.as_deref());
    let right = password::verify(&said.password, hash, is_familiar).await?;
    let user = user.filter(|_| right).ok_or_else(|| {
        ApiError::not_accepted("There is no such name with this password.")
            .fix("Check both, or ask an admin for a one-time link.")
    })?;
    app.limits.signed_in(&attempt, is_familiar);
    let (cookie, caller) = open_session(&app, &note, user.id, from).await?;
    Ok(([(SET_COOKIE, cookie)], Json(describe(&app, &caller))).into_response())
}

/// Show what a one-time link does
///
/// A page with a button. It uses nothing up, and an image or a link on another server's page signs nobody in.
#[utoipa::path(get, path = "/sign-in/{token}", tag = "sign-in", params(("token" = String, Path)), responses((status = 200, body = String, content_type = "text/html"), (status = 303)))]
pub(crate) async fn link_page(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let now = app.outside.now();
    let Some(name) = app.store.sign_in_link_name(&secret::hash(&token), now).await? else {
        return Ok(link_is_over(&app));
    };
    // Neither holds a character that means something in HTML: names have few, and a link that holds is of our making.
    let page = LINK_PAGE
        .replace("{name}", &name)
        .replace("{base}", app.settings.base())
        .replace("{action}", &format!("{}/sign-in/{token}", app.settings.base()));
    let headers = [(CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "same-origin")];
    Ok((headers, Html(page)).into_response())
}

/// Sign in by a one-time link
///
/// Works once. Goes on to the first page.
#[utoipa::path(post, path = "/sign-in/{token}", tag = "sign-in", params(("token" = String, Path)), responses((status = 303)))]
pub(crate) async fn by_link(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    note: AuditNote,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let from = AddressPrefix::of(address(&parts, &app.settings.trusted_proxies));
    let now = app.outside.now();
    let hash = secret::hash(&token);
    let Some(name) = app.store.sign_in_link_name(&hash, now).await? else {
        return Ok(link_is_over(&app));
    };
    note.detail("name", name);
    note.write_down(&app).await?;
    let Some(user) = app.store.take_sign_in_link(&hash, now).await? else {
        // Somebody else was quicker.
        note.no_change();
        return Ok(link_is_over(&app));
    };
    let (cookie, _) = open_session(&app, &note, user, from).await?;
    let mut response = go_to(&format!("{}/", app.settings.base())).into_response();
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

/// People see this, so it is a page and no document for programs.
fn link_is_over(app: &App) -> Response {
    go_to(&format!("{}/sign-in?link=used", app.settings.base())).into_response()
}

/// Sign out
#[utoipa::path(post, path = "/api/v1/sign-out", tag = "sign-in", responses((status = 204)))]
pub(crate) async fn sign_out(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, ApiError> {
    if let Who::Session { secret_hash, .. } = &caller.who {
        app.store.end_session(secret_hash).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie(&app, "", 0)?)]).into_response())
}

async fn open_session(
    app: &App,
    note: &AuditNote,
    user: UserId,
    from: AddressPrefix,
) -> Result<(HeaderValue, Caller), ApiError> {
    let now = app.outside.now();
    app.store.remember_address(user, &from.to_string(), now).await?;
    let secret = secret::draw("", &app.outside);
    let secret_hash = secret::hash(&secret);
    let longest = app.settings.session_longest;
    app.store
        .open_session(&secret_hash, user, now, now + longest)
        .await?;
    let idle_since = now - app.settings.session_idle;
    let session = app.store.session(&secret_hash, now, idle_since).await?;
    let session =
        session.ok_or_else(|| ApiError::not_accepted("This user may not sign in at the moment."))?;
    note.by(PrincipalKind::Person, user.0, &session.user.name);
    let caller = Caller::with_session(session, secret_hash);
    Ok((cookie(app, &secret, longest.as_secs())?, caller))
}

fn cookie(app: &App, secret: &str, seconds: i64) -> Result<HeaderValue, ApiError> {
    let path = match app.settings.base() {
        "" => "/",
        base => base,
    };
    let secure = if app.settings.external_url.scheme() == "https" {
        "; Secure"
    } else {
        ""
    };
    let name = app.settings.cookie();
    let text = format!("{name}={secret}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).map_err(ApiError::internal)
}

fn go_to(address: &str) -> impl IntoResponse {
    (
        StatusCode::SEE_OTHER,
        [
            (LOCATION, address.to_owned()),
            (CACHE_CONTROL, "no-store".to_owned()),
            // The address that one comes from holds a secret.
            (REFERRER_POLICY, "no-referrer".to_owned()),
        ],
    )
}
