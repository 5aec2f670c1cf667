//! The routes, by noun. Each handler takes what it needs, makes one call and gives a typed answer; what a call needs and what
//! it does stands beside its handler in this file.

mod agent_protocol;
mod agents;
mod artifacts;
mod audit;
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

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use keirin_model::access::Role::{Admin, Developer, Maintainer, Viewer};
use tower_http::decompression::RequestDecompressionLayer;
use utoipa_axum::routes;

use crate::permission::Need::{
    Agent, Anyone, Dashboard, JobToken, LiveJob, LogSearch, Mirror, Named, On, Open, Server, SignedIn,
    Visible,
};
use crate::permission::Noun::{Artifact, Flow, Job, Project, Run};
use crate::route_table::Routes;
use crate::settings::HttpSettings;

/// Every route.
pub(crate) fn routes(settings: &HttpSettings) -> Routes {
    Routes::new()
        .merge(work())
        .merge(measured())
        .merge(prometheus::routes())
        .merge(people())
        .merge(server())
        .within(|routes| routes.layer(DefaultBodyLimit::max(settings.json_bytes)))
        .merge(histories(settings))
        .merge(samples(settings))
        .merge(agent_protocol(settings))
        .merge(mirrors(settings))
}

fn measured() -> Routes {
    Routes::new()
        .read(Visible, routes!(measure::list))
        .read(Visible, routes!(measure::flow))
        .read(Visible, routes!(measure::explain))
        .read(Visible, routes!(measure::behind))
        .read(Server(Viewer), routes!(measure::sql))
        .read(Server(Viewer), routes!(measure::views))
        .read(Server(Viewer), routes!(sources::sources))
        .read(Server(Viewer), routes!(sources::targets))
        .read(Visible, routes!(dashboards::list))
        .change(Named(Developer), routes!(dashboards::import))
        .read(SignedIn, routes!(dashboards::check))
        .read(Dashboard(Viewer), routes!(dashboards::show))
        .change(Dashboard(Developer), routes!(dashboards::save))
        .change(Dashboard(Developer), routes!(dashboards::remove))
}

fn work() -> Routes {
    Routes::new()
        .read(Visible, routes!(overview::overview))
        .read(Visible, routes!(events::events))
        .read(Visible, routes!(projects::list))
        .change(Server(Maintainer), routes!(projects::create))
        .read(On(Project, Viewer), routes!(projects::show))
        .change(On(Project, Maintainer), routes!(projects::change))
        .change(On(Project, Admin), routes!(projects::remove))
        .change(On(Project, Maintainer), routes!(projects::set_credential))
        .change(On(Project, Maintainer), routes!(projects::remove_credential))
        .read(On(Project, Viewer), routes!(projects::branches))
        .read(On(Project, Viewer), routes!(workflows::list))
        .read(On(Project, Viewer), routes!(workflows::schedules))
        .read(SignedIn, routes!(workflows::check))
        .read(Open, routes!(workflows::schema))
        .read(On(Project, Viewer), routes!(flows::list_of_project))
        .change(On(Project, Developer), routes!(flows::start))
        .read(On(Project, Viewer), routes!(flows::show_numbered))
        .read(Visible, routes!(flows::list))
        .read(On(Flow, Viewer), routes!(flows::show))
        .change(On(Flow, Developer), routes!(flows::cancel))
        .change(On(Flow, Developer), routes!(flows::rerun))
        .read(On(Run, Viewer), routes!(runs::show))
        .change(On(Run, Developer), routes!(runs::start))
        .change(On(Run, Developer), routes!(runs::cancel))
        .read(Visible, routes!(jobs::list))
        .read(Visible, routes!(jobs::queue))
        .read(On(Job, Viewer), routes!(jobs::show))
        .change(On(Job, Developer), routes!(jobs::cancel))
        .read(On(Job, Viewer), routes!(logs::read))
        .read(On(Job, Viewer), routes!(logs::stream))
        .read(On(Job, Viewer), routes!(logs::raw))
        .read(LogSearch, routes!(logs::search))
        .read(On(Flow, Viewer), routes!(test_results::of_flow))
        .read(On(Run, Viewer), routes!(test_results::of_run))
        .read(On(Job, Viewer), routes!(test_results::of_job))
        .read(On(Flow, Viewer), routes!(artifacts::of_flow))
        .read(On(Run, Viewer), routes!(artifacts::of_run))
        .read(On(Job, Viewer), routes!(artifacts::of_job))
        .read(On(Artifact, Viewer), routes!(artifacts::download))
        .read(Visible, routes!(repositories::list))
        .read(Visible, routes!(repositories::show))
        .read(SignedIn, routes!(agents::list))
        .change(Server(Admin), routes!(agents::remove_waiting))
        .read(SignedIn, routes!(agents::show))
        .change(Server(Admin), routes!(agents::change))
        .change(Server(Admin), routes!(agents::remove))
        .read(Server(Admin), routes!(background::overview))
        .read(Server(Admin), routes!(background::list))
        .change(Server(Admin), routes!(background::run))
        .change(Server(Admin), routes!(background::cancel))
        .read(Server(Admin), routes!(audit::list))
        .read(Server(Admin), routes!(storage::show))
        .read(Server(Viewer), routes!(retention::of_server))
        .change(Server(Admin), routes!(retention::set_of_server))
        .read(On(Project, Viewer), routes!(retention::of_project))
        .change(On(Project, Maintainer), routes!(retention::set_of_project))
        .change(On(Flow, Developer), routes!(retention::pin))
        .change(On(Flow, Developer), routes!(retention::unpin))
}

fn people() -> Routes {
    Routes::new()
        .change(Open, routes!(sign_in::sign_in))
        .change(Anyone, routes!(sign_in::sign_out))
        .read(Open, routes!(sign_in::link_page))
        .change(Open, routes!(sign_in::by_link))
        .read(Anyone, routes!(me::me))
        .change(SignedIn, routes!(me::set_password))
        .read(On(Project, Maintainer), routes!(members::list))
        .change(On(Project, Admin), routes!(members::set))
        .change(On(Project, Admin), routes!(members::remove))
        .read(SignedIn, routes!(tokens::list))
        .change(SignedIn, routes!(tokens::create))
        .change(SignedIn, routes!(tokens::revoke))
        .read(Server(Admin), routes!(users::list))
        .change(Server(Admin), routes!(users::create))
        .change(Server(Admin), routes!(users::change))
        .change(Server(Admin), routes!(users::sign_in_link))
}

fn server() -> Routes {
    Routes::new()
        .read(Open, routes!(health::alive))
        .read(Open, routes!(health::ready))
        .read_unlisted(Open, "GET", "/api/v1/openapi.json", get(crate::document::json))
        .read_unlisted(Open, "GET", "/api/docs", get(crate::document::page))
        .read_unlisted(Open, "GET", "/api/docs/style.css", get(crate::document::style))
}

fn histories(settings: &HttpSettings) -> Routes {
    Routes::new()
        .receive(Server(Maintainer), routes!(repositories::add))
        .change(Server(Maintainer), routes!(repositories::finish))
        .within(|routes| routes.layer(DefaultBodyLimit::max(settings.history_bytes)))
}

fn samples(settings: &HttpSettings) -> Routes {
    Routes::new()
        .read(Server(Viewer), routes!(samples::exposition::metrics))
        .receive(Named(Developer), routes!(samples::pushgateway::put))
        .receive(Named(Developer), routes!(samples::pushgateway::post))
        .receive(Named(Developer), routes!(samples::pushgateway::delete))
        .receive(Named(Developer), routes!(samples::influx::write_lines))
        .read(Open, routes!(samples::influx::ping))
        .receive(Named(Developer), routes!(samples::remote_write::write))
        // Agents compress what they send when it is much. Remote write has a compression of its own.
        .within(|routes| {
            let decompression = RequestDecompressionLayer::new().pass_through_unaccepted(true);
            let limit = DefaultBodyLimit::max(settings.samples_bytes);
            routes.layer(decompression).layer(limit)
        })
}

fn agent_protocol(settings: &HttpSettings) -> Routes {
    use agent_protocol::{attempts, files, register};

    let small = Routes::new()
        .change(Open, routes!(register::register))
        .hand_out(Agent, routes!(register::claim))
        .receive(JobToken, routes!(attempts::events))
        .read(LiveJob, routes!(files::download))
        .within(|routes| routes.layer(DefaultBodyLimit::max(settings.json_bytes)));
    let log = Routes::new()
        .receive(LiveJob, routes!(attempts::log))
        .within(|routes| routes.layer(DefaultBodyLimit::max(settings.log_chunk_bytes)));
    let results = Routes::new()
        .receive(LiveJob, routes!(attempts::test_results))
        .within(|routes| routes.layer(DefaultBodyLimit::max(settings.test_report_bytes)));
    // Its handler counts the bytes as they come.
    let files = Routes::new()
        .receive(LiveJob, routes!(files::keep))
        .read(LiveJob, routes!(files::list))
        .within(|routes| routes.layer(DefaultBodyLimit::disable()));
    small.merge(log).merge(results).merge(files)
}

fn mirrors(settings: &HttpSettings) -> Routes {
    Routes::new()
        .read_unlisted(Mirror, "GET", "/git/{project}/info/refs", get(mirrors::refs))
        .read_unlisted(
            Mirror,
            "POST",
            "/git/{project}/git-upload-pack",
            post(mirrors::pack),
        )
        // git compresses what it asks for when that is much.
        .within(|routes| {
            let limit = DefaultBodyLimit::max(settings.git_request_bytes);
            routes.layer(RequestDecompressionLayer::new()).layer(limit)
        })
}
