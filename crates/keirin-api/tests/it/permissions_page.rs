//! `docs/permissions.md` is made from the table that the gate decides by, and from the summaries of the OpenAPI document.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use keirin_api::permission::{Need, Noun};
use keirin_api::route_table::route_table;
use keirin_model::access::Role;
use serde_json::Value;

/// What stands above the tables.
const HEAD: &str = "\
# Permissions

<!-- Made from the code by a test: KEIRIN_UPDATE=1 cargo test -p keirin-api permissions_page -->

A person has a role: viewer, developer, maintainer or admin. Each may do what those before it may. The role holds for the
projects whose member that person is, or for all of them (`keirin user`). Nobody needs to sign in to see a project that is
public. Whoever may not see a project gets the same answer as for one that is not there.

A token has a role and, where it says so, one project; it may never do more than who made it, and ends with it. The secret of
an agent opens the agent protocol and nothing else; the token of a job opens its own attempt, the artifacts of its flow and
the mirror of its project, and ends with it.

In the tables, *of the project* is a role in the project that the address belongs to or in all projects, *of all projects* one
in all projects. *What one may see* means that everybody may ask, and is answered about the projects that they may see; where
no project is public, whoever is not signed in is asked to sign in first.
";

#[test]
fn the_page_of_permissions_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
    let made = page();
    #[expect(clippy::disallowed_methods, reason = "whoever runs the test says so by the environment")]
    let update = std::env::var("KEIRIN_UPDATE").is_ok();
    if update {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/permissions.md is not what the table says; run this test with KEIRIN_UPDATE=1 and look at what changed"
    );
}

fn page() -> String {
    let document = serde_json::to_value(keirin_api::document()).unwrap();
    let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for route in route_table().all() {
        let (method, path) = (route.method, &route.path);
        let documented = path.replace("{*", "{");
        let operation = &document["paths"][&documented][method.to_ascii_lowercase()];
        let (section, summary) = match (&operation["tags"][0], &operation["summary"]) {
            (Value::String(section), Value::String(summary)) => (section.clone(), summary.as_str()),
            _ if route.need == Need::Mirror => ("git".to_owned(), "Fetch from the mirror of a project"),
            // Pages and files that everybody gets are no part of the API.
            _ if route.need == Need::Open => continue,
            _ => panic!("{method} {path} needs something and has no summary"),
        };
        let row = format!("| {summary} | `{method} {path}` | {} |", words(route.need));
        sections.entry(section).or_default().push(row);
    }
    let mut page = HEAD.to_owned();
    for (section, rows) in sections {
        let mut title = section;
        title[..1].make_ascii_uppercase();
        let rows = rows.join("\n");
        write!(
            page,
            "\n## {title}\n\n| to | route | needs |\n|---|---|---|\n{rows}\n"
        )
        .unwrap();
    }
    page
}

fn words(need: Need) -> String {
    match need {
        Need::Open => "nothing".to_owned(),
        Need::Anyone => "nothing; the answer depends on who asks".to_owned(),
        Need::Visible => "nothing; the answer is about what one may see".to_owned(),
        Need::SignedIn => "to be signed in".to_owned(),
        Need::Server(role) => format!("{} of all projects", name(role)),
        Need::On(Noun::Project, role) => format!("{} of the project", name(role)),
        Need::On(Noun::Flow | Noun::Run | Noun::Job | Noun::Artifact, role) => {
            format!("{} of its project", name(role))
        }
        Need::Named(role) => format!(
            "{} of the project that is named or that the token is for; of all projects where neither is said",
            name(role)
        ),
        Need::Dashboard(Role::Viewer) => {
            "viewer of the project that it belongs to; of one of the server, that one may see anything"
                .to_owned()
        }
        Need::Dashboard(role) => format!(
            "{0} of the project that it belongs to; of one of the server, {0} of all projects",
            name(role)
        ),
        Need::LogSearch => "viewer of the project of a job, admin for agents and services".to_owned(),
        Need::Agent => "the secret of an agent".to_owned(),
        Need::JobToken => "the token of the attempt".to_owned(),
        Need::LiveJob => "the token of the attempt, while it runs".to_owned(),
        Need::Mirror => "the token of a running job of the project".to_owned(),
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Developer => "developer",
        Role::Maintainer => "maintainer",
        Role::Admin => "admin",
    }
}
