//! Who the caller is, and their own password.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use keirin_store::access::UserChange;
use keirin_wire::api::{IdentityKind, Me, NewPassword};

use crate::app::App;
use crate::audit::AuditNote;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::password;

/// Who the caller is
///
/// Answers also when nobody is signed in, with `kind: nobody`.
#[utoipa::path(get, path = "/api/v1/me", tag = "sign-in", responses((status = 200, body = Me)))]
pub(crate) async fn me(State(app): State<Arc<App>>, caller: Caller) -> Json<Me> {
    Json(describe(&app, &caller))
}

/// Who a caller is.
pub(super) fn describe(app: &App, caller: &Caller) -> Me {
    let user = caller.user();
    Me {
        kind: caller.kind(),
        user: user.map(|user| user.id),
        name: user.map(|user| user.name.clone()),
        role: caller.server_role(),
        projects: caller.project_roles(),
        has_password: user.is_some_and(|user| user.password_hash.is_some()),
        expires_at: caller.expires_at(),
        version: app.settings.version.clone(),
    }
}

/// Set one's own password
///
/// It ends all one's sessions, this one too, and one's tokens where that is asked for. A program's token cannot do this.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "sign-in", request_body = NewPassword, responses((status = 204)))]
pub(crate) async fn set_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    note: AuditNote,
    Json(wanted): Json<NewPassword>,
) -> Result<StatusCode, ApiError> {
    let user = caller.person()?;
    if wanted.revoke_tokens {
        note.detail("tokens", "revoked");
    }
    if caller.kind() != IdentityKind::Session {
        return Err(
            ApiError::forbidden("A program's token cannot set its owner's password.")
                .fix("Sign in on the page and set it there."),
        );
    }
    if let Some(hash) = &user.password_hash {
        let key = format!("password of {}", user.id);
        app.limits.own_password(&key, app.outside.now())?;
        let current = wanted.current.as_deref().unwrap_or_default();
        if !password::verify(current, Some(hash), true).await? {
            return Err(ApiError::invalid(
                "The present password is another one.",
                "Give the one that you sign in with now.",
            ));
        }
        app.limits.own_password_was_right(&key);
    }
    let change = UserChange {
        password_hash: Some(password::hash(&wanted.new, &app.outside).await?),
        revoke_tokens: wanted.revoke_tokens,
        ..UserChange::default()
    };
    app.store.change_user(user.id, &change).await?;
    Ok(StatusCode::NO_CONTENT)
}
