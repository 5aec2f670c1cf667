//! People: list, add, change, and links for them to sign in.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use keirin_model::UserId;
use keirin_store::access::{UserChange, UserRow};
use keirin_wire::api::{ChangeUser, CreateUser, Page, ProjectRole, SignInLink, User};

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::paging::{self, PageQuery};
use crate::password;

/// List users
///
/// By name.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", params(PageQuery), responses((status = 200, body = Page<User>)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<User>>, ApiError> {
    let after = query.after_name();
    let users = app.store.users(after.as_deref(), query.limit() + 1).await?;
    let roles = app.store.project_roles(None, None).await?;
    let cursor = |user: &UserRow| user.name.clone();
    Ok(Json(paging::page(users, query.limit(), cursor, |user| {
        let own = roles.iter().filter(|row| row.user == user.id);
        let projects = own.map(|row| ProjectRole {
            project: row.project_name.clone(),
            role: row.role,
        });
        let projects = projects.collect();
        view(user, projects)
    })))
}

/// Add a user
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = CreateUser, responses((status = 201, body = User)))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    note: AuditNote,
    Json(wanted): Json<CreateUser>,
) -> Result<(StatusCode, Json<User>), ApiError> {
    note.detail("name", &wanted.name);
    note.detail_of("role", wanted.role);
    if wanted.password.is_some() {
        note.detail("password", "set");
    }
    if wanted.password.is_some() {
        caller.require_person()?;
    }
    check_name(&wanted.name)?;
    let hash = match &wanted.password {
        Some(password) => Some(password::hash(password, &app.outside).await?),
        None => None,
    };
    let now = app.outside.now();
    let user = app
        .store
        .create_user(&wanted.name, wanted.role, hash.as_deref(), now)
        .await?;
    Ok((StatusCode::CREATED, Json(show(&app, user).await?)))
}

/// Change a user
///
/// A new password, or being kept out, ends their sessions; `revoke_tokens` ends their tokens.
#[utoipa::path(patch, path = "/api/v1/users/{user}", tag = "users", params(("user" = String, Path)), request_body = ChangeUser, responses((status = 200, body = User)))]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(user): Path<UserId>,
    note: AuditNote,
    Json(wanted): Json<ChangeUser>,
) -> Result<Json<User>, ApiError> {
    let named = app.store.user(user).await?;
    note.detail_of("name", named.map(|user| user.name));
    if wanted.password.is_some() {
        note.detail("password", "set");
    }
    note.detail_of("disabled", wanted.disabled);
    note.detail_of("role", wanted.role);
    if wanted.no_role {
        note.detail("role", "none");
    }
    if wanted.revoke_tokens {
        note.detail("tokens", "revoked");
    }
    if wanted.password.is_some() {
        caller.require_person()?;
    }
    let password_hash = match &wanted.password {
        Some(password) => Some(password::hash(password, &app.outside).await?),
        None => None,
    };
    let role = match (wanted.role, wanted.no_role) {
        (Some(_), true) => {
            return Err(ApiError::invalid(
                "`role` and `no_role` contradict each other.",
                "Send one of the two.",
            ));
        }
        (Some(role), false) => Some(Some(role)),
        (None, true) => Some(None),
        (None, false) => None,
    };
    let change = UserChange {
        role,
        disabled: wanted.disabled,
        password_hash,
        revoke_tokens: wanted.revoke_tokens,
    };
    app.store.change_user(user, &change).await?;
    Ok(Json(show(&app, user).await?))
}

/// Make a one-time link for a user
///
/// It signs them in once, within 15 minutes.
#[utoipa::path(post, path = "/api/v1/users/{user}/sign-in-link", tag = "users", params(("user" = String, Path)), responses((status = 201, body = SignInLink)))]
pub(crate) async fn sign_in_link(
    State(app): State<Arc<App>>,
    caller: Caller,
    note: AuditNote,
    Path(user): Path<UserId>,
) -> Result<(StatusCode, Json<SignInLink>), ApiError> {
    caller.require_person()?;
    let user = app.store.user(user).await?;
    let user = user.ok_or_else(|| ApiError::not_found("such user"))?;
    note.detail("name", &user.name);
    let link = app.sign_in_link(Some(user.id)).await?;
    Ok((StatusCode::CREATED, Json(link)))
}

async fn show(app: &App, user: UserId) -> Result<User, ApiError> {
    let row = app.store.user(user).await?;
    let row = row.ok_or_else(|| ApiError::not_found("such user"))?;
    let roles = app.store.project_roles(Some(user), None).await?;
    let projects = roles.into_iter().map(|row| ProjectRole {
        project: row.project_name,
        role: row.role,
    });
    Ok(view(row, projects.collect()))
}

fn view(user: UserRow, projects: Vec<ProjectRole>) -> User {
    User {
        id: user.id,
        name: user.name,
        role: user.role,
        projects,
        disabled: user.disabled,
        has_password: user.password_hash.is_some(),
        created_at: user.created_at,
        signed_in_at: user.signed_in_at,
    }
}

/// Whether somebody may have this name.
pub(super) fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    (1..=64).contains(&name.len()) && name.chars().all(good)
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if is_name(name) {
        Ok(())
    } else {
        Err(ApiError::invalid(
            "This cannot be a user's name.",
            "Use 1 to 64 letters, digits, `.`, `_`, `-` and `@`.",
        ))
    }
}
