//! Prometheus' HTTP API, so that whatever asks a Prometheus can ask Keirin.

pub(crate) mod answer;
mod elsewhere;
mod parameters;
pub(crate) mod query;
pub(crate) mod series;
pub(crate) mod status;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// Every route of it.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(query::instant, query::instant_by_form))
        .routes(routes!(query::range, query::range_by_form))
        .routes(routes!(query::format, query::format_by_form))
        .routes(routes!(query::tree, query::tree_by_form))
        .routes(routes!(series::series, series::series_by_form))
        .routes(routes!(series::labels, series::labels_by_form))
        .routes(routes!(series::values))
        .routes(routes!(series::metadata))
        .routes(routes!(status::root))
        .routes(routes!(status::build))
        .routes(routes!(status::rules))
        .routes(routes!(status::alerts))
        .routes(routes!(status::targets))
}
