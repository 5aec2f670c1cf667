//! `--demo`: something to see at once, from a repository on this machine.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use keirin_api::Work as _;
use keirin_console::output::Output;
use keirin_git::{Git, RepositoryUrl};
use keirin_model::access::Role;
use keirin_model::flow::Cause;
use keirin_model::project::check_project_name;
use keirin_store::StoreError;
use keirin_store::projects::{NamedRepository, NewProject};
use keirin_wire::api::StartFlow;

use super::Server;

/// The top folder of the repository to show.
///
/// # Errors
/// When the folder is no git repository.
pub(super) async fn working_tree(repository: &Path) -> anyhow::Result<PathBuf> {
    let shown = repository.display();
    let found = keirin_git::working_tree_of(&Git::new(), repository).await;
    let folder = found.with_context(|| format!("--demo cannot show {shown}"))?;
    folder.with_context(|| format!("{shown} is no git repository; name one with --demo"))
}

/// Makes a project of the repository in this folder if there is none, and starts a flow on it if it has had none.
///
/// # Errors
/// When the database fails. A workflow that cannot be used is only said.
pub(super) async fn show(server: &Server, folder: &Path, output: &Output) -> anyhow::Result<()> {
    let name = project_name(folder);
    let project = match server.store.project_by_name(&name).await {
        Ok(project) => project,
        Err(StoreError::NotFound(_)) => create(server, folder, &name).await?,
        Err(error) => return Err(error.into()),
    };
    if let Err(error) = server.controller.project_created(project.id).await {
        output.say(format!(
            "The repository {} cannot be used yet: {error}",
            folder.display()
        ));
        return Ok(());
    }
    if server.store.has_flows(project.id).await? {
        return Ok(());
    }
    let cause = Cause::Here;
    match server
        .controller
        .start_flow(project.id, StartFlow::default(), cause, Role::Admin)
        .await
    {
        Ok(_) => output.say(format!("Started the first flow of {name}.")),
        Err(error) => output.say(format!("No flow of {name} was started: {error}")),
    }
    Ok(())
}

async fn create(
    server: &Server,
    folder: &Path,
    name: &str,
) -> anyhow::Result<keirin_model::project::Project> {
    let url = RepositoryUrl::parse(&folder.to_string_lossy())?;
    let new = NewProject {
        name,
        // Whoever starts the server may read what it may read.
        repository: NamedRepository {
            address: url.as_str(),
            by_admin: true,
        },
        workflow_file: None,
        public: false,
        default_branch: "main",
    };
    Ok(server.store.create_project(&new, server.outside.now()).await?.0)
}

/// The folder's name as a project's.
fn project_name(folder: &Path) -> String {
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = name
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .take(100)
        .collect();
    if check_project_name(&name).is_ok() {
        name
    } else {
        "demo".to_owned()
    }
}
