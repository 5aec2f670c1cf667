//! Tokens: list, make, revoke.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use keirin_model::TokenId;
use keirin_model::access::Role;
use keirin_store::access::{NewToken, Opens, Revocable, TokenFilter};
use keirin_wire::api::{CreateToken, CreatedToken, Page, Token, TokenKind};

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::{Caller, Who};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::paging::{self, PageQuery};
use crate::secret::{self, API_TOKEN, JOIN_TOKEN};

/// How long an API token works where nobody says.
const API_LASTS: SignedDuration = SignedDuration::from_hours(24 * 90);

/// How long a join token works where nobody says.
const JOIN_LASTS: SignedDuration = SignedDuration::from_hours(24);

/// The longest that a token may work.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 3660);

/// List tokens
///
/// One's own; everybody's for an admin; with a token for one project those for that project. The secrets are not in it.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", params(PageQuery), responses((status = 200, body = Page<Token>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Token>>, ApiError> {
    let owner = match caller.server_role() {
        Some(Role::Admin) => None,
        _ => Some(caller.person()?.id),
    };
    let project = match &caller.who {
        Who::Token { project, .. } => *project,
        _ => None,
    };
    let filter = TokenFilter {
        owner,
        project,
        before: query.after()?,
        limit: query.limit() + 1,
    };
    let tokens = app.store.tokens(filter).await?;
    let cursor = |token: &Token| token.id.to_string();
    Ok(Json(paging::page(tokens, query.limit(), cursor, |token| token)))
}

/// Make a token
///
/// The secret is shown this once. An API token may do what its owner may, up to its role; a join token takes an admin. A
/// token makes others only where it was given that right. They may do no more than it, and end with it.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = CreateToken, responses((status = 201, body = CreatedToken)))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    note: AuditNote,
    Json(wanted): Json<CreateToken>,
) -> Result<(StatusCode, Json<CreatedToken>), ApiError> {
    let kind = match wanted.kind {
        TokenKind::Api => "API",
        TokenKind::Join => "join",
    };
    note.detail("kind", kind);
    note.detail_of("name", wanted.name.as_deref());
    note.detail_of("role", wanted.role);
    note.detail_of("uses", wanted.uses);
    if !wanted.groups.is_empty() {
        note.list("groups", &wanted.groups);
    }
    if wanted.can_create_tokens {
        note.detail("can_create_tokens", true);
    }
    let now = app.outside.now();
    caller.require_making_tokens()?;
    let (parent, expires_at) = bounds(&caller, &wanted, now)?;
    let owner = caller.person()?.id;
    let (prefix, name, opens) = match wanted.kind {
        TokenKind::Api => (API_TOKEN, "API token", api(&app, &caller, &wanted).await?),
        TokenKind::Join => (JOIN_TOKEN, "Join token", join(&caller, &wanted)?),
    };
    note.detail("expires_at", expires_at);
    if let (
        Opens::Api {
            project: Some(id), ..
        },
        Some(name),
    ) = (&opens, &wanted.project)
    {
        note.project(*id, name);
    }
    let secret = secret::draw(prefix, &app.outside);
    let token = NewToken {
        name: name_of(&wanted, name)?,
        opens,
        secret_hash: secret::hash(&secret),
        prefix: secret::shown(&secret, prefix),
        owner,
        expires_at: Some(expires_at),
        parent,
        can_create_tokens: wanted.can_create_tokens,
        is_local: false,
    };
    let id = app.store.create_token(token, now).await?;
    note.detail("token", id);
    let created = CreatedToken {
        id,
        token: secret,
        expires_at: Some(expires_at),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revoke a token
///
/// One's own; anybody's for an admin. A token that is no admin's revokes itself and those that were made with it. What was
/// made with a token ends with it. The server's own tokens stay.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "tokens", params(("token" = String, Path)), responses((status = 204)))]
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(token): Path<TokenId>,
    note: AuditNote,
) -> Result<StatusCode, ApiError> {
    if let Some(named) = app.store.token(token).await? {
        note.detail("name", named.name);
        note.detail("owner", named.owner);
    }
    let which = match (caller.server_role(), &caller.who) {
        (Some(Role::Admin), _) => Revocable::All,
        (_, Who::Token { id, .. }) => Revocable::MadeWith(*id),
        _ => Revocable::OfOwner(caller.person()?.id),
    };
    if app.store.revoke_token(token, which).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found(format!("token {token}"))
            .fix("Look for it with `keirin token list`. The server's own tokens are replaced when it starts again."))
    }
}

fn lasts(wanted: &CreateToken) -> Result<SignedDuration, ApiError> {
    let usual = match wanted.kind {
        TokenKind::Api => API_LASTS,
        TokenKind::Join => JOIN_LASTS,
    };
    let lasts = wanted.expires_in_seconds.map_or(usual, SignedDuration::from_secs);
    if lasts.is_positive() && lasts <= LONGEST {
        Ok(lasts)
    } else {
        Err(ApiError::invalid(
            "A token works for one second at least and ten years at the most.",
            "Give another `expires_in_seconds`.",
        ))
    }
}

/// The token that ends the new one with itself, and when the new one ends.
fn bounds(
    caller: &Caller,
    wanted: &CreateToken,
    now: Timestamp,
) -> Result<(Option<TokenId>, Timestamp), ApiError> {
    let until = now + lasts(wanted)?;
    match &caller.who {
        // It is replaced at each start of the server, and whoever has it could make another.
        Who::Token { is_local: true, .. } => Ok((None, until)),
        Who::Token { id, expires_at, .. } => match expires_at {
            Some(end) if until > *end && wanted.expires_in_seconds.is_some() => Err(ApiError::invalid(
                format!("A token cannot work longer than the one that makes it, which ends at {end}."),
                "Give a smaller `expires_in_seconds`, or leave it out.",
            )),
            Some(end) => Ok((Some(*id), until.min(*end))),
            None => Ok((Some(*id), until)),
        },
        _ => Ok((None, until)),
    }
}

fn name_of(wanted: &CreateToken, usual: &str) -> Result<String, ApiError> {
    let name = wanted.name.as_deref().map_or(usual, str::trim);
    if name.is_empty() || name.len() > 200 {
        return Err(ApiError::invalid(
            "A token's name has 1 to 200 characters.",
            "Say in a few words what it is for.",
        ));
    }
    Ok(name.to_owned())
}

/// Nobody can make a token that may more than they do.
async fn api(app: &App, caller: &Caller, wanted: &CreateToken) -> Result<Opens, ApiError> {
    let role = wanted.role.unwrap_or(Role::Viewer);
    if !wanted.groups.is_empty() || wanted.uses.is_some() {
        return Err(ApiError::invalid(
            "Groups and uses belong to join tokens.",
            "Leave `groups` and `uses` out, or make a token of kind `join`.",
        ));
    }
    if let Who::Token { most, .. } = &caller.who
        && role > *most
    {
        return Err(ApiError::role_needed(role, "of the token that makes another"));
    }
    let project = match &wanted.project {
        Some(name) => {
            let place = app.store.place_named(name).await?;
            let place = place.ok_or_else(ApiError::nothing_to_see)?;
            caller.require(&place, role)?;
            Some(place.project)
        }
        None => None,
    };
    match &caller.who {
        Who::Token {
            project: Some(only), ..
        } if project != Some(*only) => Err(ApiError::forbidden(
            "A token for one project makes tokens for that project alone.",
        )
        .fix("Name its project, or make the token on the page.")),
        _ => Ok(Opens::Api { role, project }),
    }
}

fn join(caller: &Caller, wanted: &CreateToken) -> Result<Opens, ApiError> {
    caller.require_on_server(Role::Admin)?;
    if wanted.role.is_some() || wanted.project.is_some() {
        return Err(ApiError::invalid(
            "A role and a project belong to API tokens.",
            "Leave `role` and `project` out, or make a token of kind `api`.",
        ));
    }
    if wanted.can_create_tokens {
        return Err(ApiError::invalid(
            "A join token lets agents in; it cannot make tokens.",
            "Leave `can_create_tokens` out, or make a token of kind `api`.",
        ));
    }
    if wanted.uses.is_some_and(|uses| uses < 1) {
        return Err(ApiError::invalid(
            "A join token lets in one agent at least.",
            "Give a larger `uses`, or none for any number.",
        ));
    }
    Ok(Opens::Join {
        groups: wanted.groups.clone(),
        uses: wanted.uses,
    })
}
