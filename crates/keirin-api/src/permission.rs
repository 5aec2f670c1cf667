//! What a route may need of its caller. What each does need stands where it is registered, in `routes`.

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
    /// This role in the project that `?project=` names or that the token is for; in all projects where neither says one.
    Named(Role),
    /// This role in the project of the dashboard in the path. A dashboard of the server is shown to whoever may see anything,
    /// and asks for the role in all projects otherwise; one that is not there is as if it were named.
    Dashboard(Role),
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
