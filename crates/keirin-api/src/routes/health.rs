//! Whether the server lives, and whether it takes work.

use std::sync::Arc;

use axum::extract::State;

use crate::app::App;
use crate::error::ApiError;

/// Whether the server lives
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn alive() -> &'static str {
    "alive\n"
}

/// Whether the server takes work
///
/// 200 when it does; 503 with the reason while it starts, while its database cannot be reached, and on a standby.
#[utoipa::path(get, path = "/readyz", tag = "server", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    app.store.ping().await?;
    app.work.ready().await.map_err(ApiError::unavailable)?;
    if !app.is_open() {
        return Err(ApiError::unavailable(
            "The server leads, and is not open for work yet.",
        ));
    }
    Ok("ready\n")
}
