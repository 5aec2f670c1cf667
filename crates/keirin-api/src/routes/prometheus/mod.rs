//! Prometheus' HTTP API, so that whatever asks a Prometheus can ask Keirin.

pub(crate) mod answer;
mod elsewhere;
mod parameters;
pub(crate) mod query;
pub(crate) mod series;
pub(crate) mod status;

use keirin_model::access::Role::Viewer;
use utoipa_axum::routes;

use crate::permission::Need::{Open, Server, SignedIn, Visible};
use crate::route_table::Routes;

/// Every route of it.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .read(Visible, routes!(query::instant))
        .read(Visible, routes!(query::instant_by_form))
        .read(Visible, routes!(query::range))
        .read(Visible, routes!(query::range_by_form))
        .read(SignedIn, routes!(query::format))
        .read(SignedIn, routes!(query::format_by_form))
        .read(SignedIn, routes!(query::tree))
        .read(SignedIn, routes!(query::tree_by_form))
        .read(Visible, routes!(series::series))
        .read(Visible, routes!(series::series_by_form))
        .read(Visible, routes!(series::labels))
        .read(Visible, routes!(series::labels_by_form))
        .read(Visible, routes!(series::values))
        .read(Visible, routes!(series::metadata))
        .read(Open, routes!(status::root))
        .read(SignedIn, routes!(status::build))
        .read(SignedIn, routes!(status::rules))
        .read(SignedIn, routes!(status::alerts))
        .read(Server(Viewer), routes!(status::targets))
}
