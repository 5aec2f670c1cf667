//! The routes, by noun. Each handler takes what it needs, makes one call and gives a typed answer; who may call it stands
//! in `permission`.

mod agent_protocol;
mod agents;
mod artifacts;
mod background;
mod dashboards;
mod events;
mod flows;
mod health;
mod jobs;
mod logs;
mod me;
mod measure;
mod members;
mod mirrors;
mod overview;
mod projects;
mod prometheus;
mod repositories;
mod retention;
mod runs;
mod samples;
mod sign_in;
mod sources;
mod storage;
mod test_results;
mod tokens;
mod users;
mod waiting;
mod workflows;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use tower_http::decompression::RequestDecompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::settings::HttpSettings;

/// Every route that takes and gives JSON and its kin, with its documentation.
pub(crate) fn routes(settings: &HttpSettings) -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(work())
        .merge(measured())
        .merge(prometheus::routes())
        .merge(people())
        .merge(server())
        .layer(DefaultBodyLimit::max(settings.json_bytes))
        .merge(histories(settings))
        .merge(samples(settings))
        .merge(agent_protocol(settings))
        .merge(mirrors(settings))
}

fn measured() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(measure::list))
        .routes(routes!(measure::flow))
        .routes(routes!(measure::explain))
        .routes(routes!(measure::behind))
        .routes(routes!(measure::sql, measure::views))
        .routes(routes!(sources::sources))
        .routes(routes!(sources::targets))
        .routes(routes!(dashboards::list, dashboards::import))
        .routes(routes!(dashboards::check))
        .routes(routes!(dashboards::show, dashboards::save, dashboards::remove))
}

fn work() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(overview::overview))
        .routes(routes!(events::events))
        .routes(routes!(projects::list, projects::create))
        .routes(routes!(projects::show, projects::change, projects::remove))
        .routes(routes!(projects::set_credential, projects::remove_credential))
        .routes(routes!(projects::branches))
        .routes(routes!(workflows::list))
        .routes(routes!(workflows::schedules))
        .routes(routes!(workflows::check))
        .routes(routes!(workflows::schema))
        .routes(routes!(flows::list_of_project, flows::start))
        .routes(routes!(flows::show_numbered))
        .routes(routes!(flows::list))
        .routes(routes!(flows::show))
        .routes(routes!(flows::cancel))
        .routes(routes!(flows::rerun))
        .routes(routes!(runs::show))
        .routes(routes!(runs::start))
        .routes(routes!(runs::cancel))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::queue))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::cancel))
        .routes(routes!(logs::read))
        .routes(routes!(logs::stream))
        .routes(routes!(logs::raw))
        .routes(routes!(logs::search))
        .routes(routes!(test_results::of_flow))
        .routes(routes!(test_results::of_run))
        .routes(routes!(test_results::of_job))
        .routes(routes!(artifacts::of_flow))
        .routes(routes!(artifacts::of_run))
        .routes(routes!(artifacts::of_job))
        .routes(routes!(artifacts::download))
        .routes(routes!(repositories::list))
        .routes(routes!(repositories::show))
        .routes(routes!(agents::list, agents::remove_waiting))
        .routes(routes!(agents::show, agents::change, agents::remove))
        .routes(routes!(background::overview))
        .routes(routes!(background::list))
        .routes(routes!(background::run))
        .routes(routes!(background::cancel))
        .routes(routes!(storage::show))
        .routes(routes!(retention::of_server, retention::set_of_server))
        .routes(routes!(retention::of_project, retention::set_of_project))
        .routes(routes!(retention::pin, retention::unpin))
}

fn people() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::sign_out))
        .routes(routes!(sign_in::link_page, sign_in::by_link))
        .routes(routes!(me::me))
        .routes(routes!(me::set_password))
        .routes(routes!(members::list))
        .routes(routes!(members::set, members::remove))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::change))
        .routes(routes!(users::sign_in_link))
}

fn server() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .route("/api/v1/openapi.json", axum::routing::get(crate::document::json))
        .route("/api/docs", axum::routing::get(crate::document::page))
        .route("/api/docs/style.css", axum::routing::get(crate::document::style))
}

fn histories(settings: &HttpSettings) -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(repositories::add))
        .routes(routes!(repositories::finish))
        .layer(DefaultBodyLimit::max(settings.history_bytes))
}

fn samples(settings: &HttpSettings) -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(samples::exposition::metrics))
        .routes(routes!(
            samples::pushgateway::put,
            samples::pushgateway::post,
            samples::pushgateway::delete
        ))
        .routes(routes!(samples::influx::write_lines))
        .routes(routes!(samples::influx::ping))
        .routes(routes!(samples::remote_write::write))
        // Agents compress what they send when it is much. Remote write has a compression of its own.
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(DefaultBodyLimit::max(settings.samples_bytes))
}

fn agent_protocol(settings: &HttpSettings) -> OpenApiRouter<Arc<App>> {
    use agent_protocol::{attempts, files, register};

    let small = OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(register::claim))
        .routes(routes!(attempts::events))
        .routes(routes!(files::download))
        .layer(DefaultBodyLimit::max(settings.json_bytes));
    let log = OpenApiRouter::new()
        .routes(routes!(attempts::log))
        .layer(DefaultBodyLimit::max(settings.log_chunk_bytes));
    let results = OpenApiRouter::new()
        .routes(routes!(attempts::test_results))
        .layer(DefaultBodyLimit::max(settings.test_report_bytes));
    // Its handler counts the bytes as they come.
    let files = OpenApiRouter::new()
        .routes(routes!(files::keep, files::list))
        .layer(DefaultBodyLimit::disable());
    small.merge(log).merge(results).merge(files)
}

fn mirrors(settings: &HttpSettings) -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .route("/git/{project}/info/refs", axum::routing::get(mirrors::refs))
        .route(
            "/git/{project}/git-upload-pack",
            axum::routing::post(mirrors::pack),
        )
        // git compresses what it asks for when that is much.
        .layer(RequestDecompressionLayer::new())
        .layer(DefaultBodyLimit::max(settings.git_request_bytes))
}
