//! What takes how much room.

use std::sync::Arc;

use axum::extract::State;
use keirin_retention::ObjectOwner;
use keirin_wire::api::{StorageOverview, StorageOwner};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Json;

/// Show what takes how much room
///
/// It is counted when one asks, which takes seconds where there is very much.
#[utoipa::path(get, path = "/api/v1/storage", tag = "storage", responses((status = 200, body = StorageOverview)))]
pub(crate) async fn show(State(app): State<Arc<App>>) -> Result<Json<StorageOverview>, ApiError> {
    let owner = match app.retention.owner().await.map_err(ApiError::internal)? {
        ObjectOwner::This => StorageOwner::This,
        ObjectOwner::Another => StorageOwner::Another,
        ObjectOwner::Nobody => StorageOwner::Nobody,
    };
    Ok(Json(StorageOverview {
        owner,
        objects_to_remove: app.store.count_objects_to_remove().await?,
        items: app.retention.storage_use().await.map_err(ApiError::internal)?,
    }))
}
