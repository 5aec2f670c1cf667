//! What every route needs, in one table. A route that is not in it is closed.

use keirin_model::access::Role;

/// What a route needs of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: nobody even asks who calls.
    Open,
    /// Nothing, but the answer depends on who calls.
    Anyone,
    /// Something that the caller may see: the answer holds that alone.
    Visible,
    /// A person, or a program with a person's token.
    SignedIn,
    /// This role in all projects.
    Server(Role),
    /// This role in the project that the path belongs to.
    On(Noun, Role),
    /// Developer in the project that `?project=` names or that the token is for; in all projects where neither says one.
    Samples,
    /// What a search of logs names: a viewer of a job's project, or an admin for agents and services.
    LogSearch,
    /// An agent's secret.
    Agent,
    /// The token of the attempt in the path. Whether it is still live is for the handler to ask.
    JobToken,
    /// The token of the attempt in the path, while the attempt is live.
    LiveJob,
    /// The token of a live attempt of the project in the path.
    Mirror,
}

/// What in the path says which project it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// `{project}`, a name.
    Project,
    /// `{flow}`, an id.
    Flow,
    /// `{run}`, an id.
    Run,
    /// `{job}`, an id.
    Job,
    /// `{artifact}`, an id.
    Artifact,
}

use Need::{
    Agent, Anyone, JobToken, LiveJob, LogSearch, Mirror, On, Open, Samples, Server, SignedIn, Visible,
};
use Role::{Admin, Developer, Maintainer, Viewer};

/// Method, path and need of every route.
pub const TABLE: &[(&str, &str, Need)] = &[
    // The server itself.
    ("GET", "/healthz", Open),
    ("GET", "/readyz", Open),
    ("GET", "/api/docs", Open),
    ("GET", "/api/docs/style.css", Open),
    ("GET", "/api/v1/openapi.json", Open),
    ("GET", "/api/v1/workflow-schema.json", Open),
    // Signing in and out.
    ("GET", "/sign-in/{token}", Open),
    ("POST", "/sign-in/{token}", Open),
    ("POST", "/api/v1/sign-in", Open),
    ("POST", "/api/v1/sign-out", Anyone),
    ("GET", "/api/v1/me", Anyone),
    ("PUT", "/api/v1/me/password", SignedIn),
    // What is in sight.
    ("GET", "/api/v1/overview", Visible),
    ("GET", "/api/v1/events", Visible),
    ("GET", "/api/v1/projects", Visible),
    ("GET", "/api/v1/flows", Visible),
    ("GET", "/api/v1/jobs", Visible),
    ("GET", "/api/v1/queue", Visible),
    // Projects.
    ("POST", "/api/v1/projects", Server(Maintainer)),
    ("GET", "/api/v1/projects/{project}", On(Noun::Project, Viewer)),
    (
        "PATCH",
        "/api/v1/projects/{project}",
        On(Noun::Project, Maintainer),
    ),
    ("DELETE", "/api/v1/projects/{project}", On(Noun::Project, Admin)),
    (
        "PUT",
        "/api/v1/projects/{project}/credential",
        On(Noun::Project, Maintainer),
    ),
    (
        "DELETE",
        "/api/v1/projects/{project}/credential",
        On(Noun::Project, Maintainer),
    ),
    (
        "GET",
        "/api/v1/projects/{project}/branches",
        On(Noun::Project, Viewer),
    ),
    (
        "GET",
        "/api/v1/projects/{project}/workflows",
        On(Noun::Project, Viewer),
    ),
    (
        "GET",
        "/api/v1/projects/{project}/schedules",
        On(Noun::Project, Viewer),
    ),
    (
        "GET",
        "/api/v1/projects/{project}/flows",
        On(Noun::Project, Viewer),
    ),
    (
        "POST",
        "/api/v1/projects/{project}/flows",
        On(Noun::Project, Developer),
    ),
    (
        "GET",
        "/api/v1/projects/{project}/flows/{number}",
        On(Noun::Project, Viewer),
    ),
    (
        "GET",
        "/api/v1/projects/{project}/members",
        On(Noun::Project, Maintainer),
    ),
    (
        "PUT",
        "/api/v1/projects/{project}/members/{user}",
        On(Noun::Project, Admin),
    ),
    (
        "DELETE",
        "/api/v1/projects/{project}/members/{user}",
        On(Noun::Project, Admin),
    ),
    // Flows, runs, jobs and what they leave.
    ("GET", "/api/v1/flows/{flow}", On(Noun::Flow, Viewer)),
    ("POST", "/api/v1/flows/{flow}/cancel", On(Noun::Flow, Developer)),
    ("POST", "/api/v1/flows/{flow}/rerun", On(Noun::Flow, Developer)),
    ("GET", "/api/v1/flows/{flow}/test-results", On(Noun::Flow, Viewer)),
    ("GET", "/api/v1/flows/{flow}/artifacts", On(Noun::Flow, Viewer)),
    ("GET", "/api/v1/runs/{run}", On(Noun::Run, Viewer)),
    ("POST", "/api/v1/runs/{run}/start", On(Noun::Run, Developer)),
    ("POST", "/api/v1/runs/{run}/cancel", On(Noun::Run, Developer)),
    ("GET", "/api/v1/runs/{run}/test-results", On(Noun::Run, Viewer)),
    ("GET", "/api/v1/runs/{run}/artifacts", On(Noun::Run, Viewer)),
    ("GET", "/api/v1/jobs/{job}", On(Noun::Job, Viewer)),
    ("POST", "/api/v1/jobs/{job}/cancel", On(Noun::Job, Developer)),
    ("GET", "/api/v1/jobs/{job}/log", On(Noun::Job, Viewer)),
    ("GET", "/api/v1/jobs/{job}/log/stream", On(Noun::Job, Viewer)),
    ("GET", "/api/v1/jobs/{job}/log/raw", On(Noun::Job, Viewer)),
    ("GET", "/api/v1/jobs/{job}/test-results", On(Noun::Job, Viewer)),
    ("GET", "/api/v1/jobs/{job}/artifacts", On(Noun::Job, Viewer)),
    ("GET", "/api/v1/artifacts/{artifact}", On(Noun::Artifact, Viewer)),
    ("GET", "/api/v1/logs/search", LogSearch),
    // What is measured.
    ("GET", "/api/v1/metrics", Visible),
    ("GET", "/api/v1/data-pipeline", Visible),
    ("GET", "/api/v1/facts", Visible),
    ("GET", "/api/v1/explain", Visible),
    ("GET", "/api/v1/sql", Server(Viewer)),
    ("POST", "/api/v1/sql", Server(Viewer)),
    ("GET", "/api/v1/dashboards", Visible),
    ("POST", "/api/v1/dashboards", Server(Developer)),
    ("POST", "/api/v1/dashboards/check", SignedIn),
    ("GET", "/api/v1/dashboards/{dashboard}", Visible),
    ("PUT", "/api/v1/dashboards/{dashboard}", Server(Developer)),
    ("DELETE", "/api/v1/dashboards/{dashboard}", Server(Developer)),
    ("GET", "/api/v1/sources", Server(Viewer)),
    ("GET", "/api/v1/targets", Server(Viewer)),
    // Samples in and out.
    ("GET", "/metrics", Server(Viewer)),
    ("PUT", "/metrics/{*group}", Samples),
    ("POST", "/metrics/{*group}", Samples),
    ("DELETE", "/metrics/{*group}", Samples),
    ("GET", "/ping", Open),
    ("POST", "/write", Samples),
    ("POST", "/prometheus/api/v1/write", Samples),
    // Prometheus' API.
    ("GET", "/prometheus/", Open),
    ("GET", "/prometheus/api/v1/targets", Server(Viewer)),
    ("GET", "/prometheus/api/v1/query", Visible),
    ("POST", "/prometheus/api/v1/query", Visible),
    ("GET", "/prometheus/api/v1/query_range", Visible),
    ("POST", "/prometheus/api/v1/query_range", Visible),
    ("GET", "/prometheus/api/v1/format_query", SignedIn),
    ("POST", "/prometheus/api/v1/format_query", SignedIn),
    ("GET", "/prometheus/api/v1/parse_query", SignedIn),
    ("POST", "/prometheus/api/v1/parse_query", SignedIn),
    ("GET", "/prometheus/api/v1/series", Visible),
    ("POST", "/prometheus/api/v1/series", Visible),
    ("GET", "/prometheus/api/v1/labels", Visible),
    ("POST", "/prometheus/api/v1/labels", Visible),
    ("GET", "/prometheus/api/v1/label/{label}/values", Visible),
    ("GET", "/prometheus/api/v1/metadata", Visible),
    ("GET", "/prometheus/api/v1/status/buildinfo", SignedIn),
    ("GET", "/prometheus/api/v1/rules", SignedIn),
    ("GET", "/prometheus/api/v1/alerts", SignedIn),
    // Repositories whose history is among the facts.
    ("GET", "/api/v1/repositories", Visible),
    ("GET", "/api/v1/repositories/{repository}", Visible),
    (
        "POST",
        "/api/v1/repositories/{repository}/history",
        Server(Maintainer),
    ),
    (
        "PUT",
        "/api/v1/repositories/{repository}/heads",
        Server(Maintainer),
    ),
    // Agents.
    ("GET", "/api/v1/agents", SignedIn),
    ("DELETE", "/api/v1/agents", Server(Admin)),
    ("GET", "/api/v1/agents/{agent}", SignedIn),
    ("PATCH", "/api/v1/agents/{agent}", Server(Admin)),
    ("DELETE", "/api/v1/agents/{agent}", Server(Admin)),
    // What the server does by itself.
    ("GET", "/api/v1/background", Server(Admin)),
    ("GET", "/api/v1/background-jobs", Server(Admin)),
    (
        "POST",
        "/api/v1/background-jobs/{background_job}/run",
        Server(Admin),
    ),
    (
        "DELETE",
        "/api/v1/background-jobs/{background_job}",
        Server(Admin),
    ),
    // What is kept, and for how long.
    ("GET", "/api/v1/storage", Server(Admin)),
    ("GET", "/api/v1/retention", Server(Viewer)),
    ("PUT", "/api/v1/retention", Server(Admin)),
    (
        "GET",
        "/api/v1/projects/{project}/retention",
        On(Noun::Project, Viewer),
    ),
    (
        "PUT",
        "/api/v1/projects/{project}/retention",
        On(Noun::Project, Maintainer),
    ),
    ("PUT", "/api/v1/flows/{flow}/pin", On(Noun::Flow, Developer)),
    ("DELETE", "/api/v1/flows/{flow}/pin", On(Noun::Flow, Developer)),
    // Workflows, people and tokens.
    ("POST", "/api/v1/workflows/check", SignedIn),
    ("GET", "/api/v1/tokens", SignedIn),
    ("POST", "/api/v1/tokens", SignedIn),
    ("DELETE", "/api/v1/tokens/{token}", SignedIn),
    ("GET", "/api/v1/users", Server(Admin)),
    ("POST", "/api/v1/users", Server(Admin)),
    ("PATCH", "/api/v1/users/{user}", Server(Admin)),
    ("POST", "/api/v1/users/{user}/sign-in-link", Server(Admin)),
    // The agent protocol.
    ("POST", "/agent/v1/register", Open),
    ("POST", "/agent/v1/claim", Agent),
    ("POST", "/agent/v1/attempts/{attempt}/events", JobToken),
    ("POST", "/agent/v1/attempts/{attempt}/log", LiveJob),
    ("POST", "/agent/v1/attempts/{attempt}/test-results", LiveJob),
    ("PUT", "/agent/v1/attempts/{attempt}/artifacts", LiveJob),
    ("GET", "/agent/v1/attempts/{attempt}/artifacts", LiveJob),
    (
        "GET",
        "/agent/v1/attempts/{attempt}/artifacts/{artifact}",
        LiveJob,
    ),
    ("GET", "/git/{project}/info/refs", Mirror),
    ("POST", "/git/{project}/git-upload-pack", Mirror),
];

/// What a route needs, where the table has it.
pub fn need(method: &str, path: &str) -> Option<Need> {
    let method = if method == "HEAD" { "GET" } else { method };
    TABLE
        .iter()
        .find(|(its_method, its_path, _)| *its_method == method && *its_path == path)
        .map(|(_, _, need)| *need)
}

/// Whether the table has this path with any method.
pub fn knows(path: &str) -> bool {
    TABLE.iter().any(|(_, its_path, _)| *its_path == path)
}
