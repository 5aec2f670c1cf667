//! Signing in by password or one-time link, and out.

use std::sync::Arc;

use axum::extract::{FromRequest as _, Request, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY, SET_COOKIE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use keirin_model::UserId;
use keirin_wire::api::{Me, SignIn};

use super::me::describe;
use crate::app::App;
use crate::caller::{Caller, Who};
use crate::error::ApiError;
use crate::extract::{At, Json};
use crate::gate::address;
use crate::{password, secret};

/// Sign in by password
#[utoipa::path(post, path = "/api/v1/sign-in", tag = "sign-in", request_body = SignIn, responses((status = 200, body = Me)))]
pub(crate) async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let from = address(&parts, &app.settings.trusted_proxies);
    let request = Request::from_parts(parts, body);
    let Json(said) = Json::<SignIn>::from_request(request, &app).await?;
    let keys = [
        format!(
            "name {}",
            said.name.to_lowercase().chars().take(64).collect::<String>()
        ),
        format!("address {from}"),
    ];
    app.limits.sign_in(&keys, app.outside.now())?;
    let user = app.store.user_by_name(&said.name).await?;
    let hash = user
        .as_ref()
        .filter(|user| !user.disabled)
        .and_then(|user| user.password_hash.as_deref());
    let right = password::verify(&said.password, hash).await?;
    let user = user.filter(|_| right).ok_or_else(|| {
        ApiError::not_accepted("There is no such name with this password.")
            .fix("Check both, or ask an admin for a one-time link.")
    })?;
    app.limits.signed_in(&keys);
    let (cookie, caller) = open_session(&app, user.id).await?;
    Ok(([(SET_COOKIE, cookie)], Json(describe(&app, &caller))).into_response())
}

/// Sign in by a one-time link
///
/// Works once. Goes on to the first page.
#[utoipa::path(get, path = "/sign-in/{token}", tag = "sign-in", params(("token" = String, Path)), responses((status = 303)))]
pub(crate) async fn by_link(
    State(app): State<Arc<App>>,
    method: Method,
    At(token): At<String>,
) -> Result<Response, ApiError> {
    if method == Method::HEAD {
        // Whoever only looks whether the link leads anywhere must not use it up.
        return Ok(StatusCode::OK.into_response());
    }
    let now = app.outside.now();
    let user = app.store.take_sign_in_link(&secret::hash(&token), now).await?;
    let Some(user) = user else {
        // People see this, so it is a page and no document for programs.
        let page = format!("{}/sign-in?link=used", app.settings.base());
        return Ok(go_to(&page).into_response());
    };
    let (cookie, _) = open_session(&app, user).await?;
    let mut response = go_to(&format!("{}/", app.settings.base())).into_response();
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

/// Sign out
#[utoipa::path(post, path = "/api/v1/sign-out", tag = "sign-in", responses((status = 204)))]
pub(crate) async fn sign_out(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, ApiError> {
    if let Who::Session { secret_hash, .. } = &caller.who {
        app.store.end_session(secret_hash).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie(&app, "", 0)?)]).into_response())
}

async fn open_session(app: &App, user: UserId) -> Result<(HeaderValue, Caller), ApiError> {
    let now = app.outside.now();
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
    let caller = Caller::with_session(&app.store, session, secret_hash).await?;
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
