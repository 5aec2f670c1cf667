//! `keirin project`: repositories and what runs for them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use keirin_client::Client;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_console::{machine, private_file, terminal};
use keirin_wire::api::{ChangeProject, CreateProject, Credential, Page, Project, Schedule};

use super::login::secret;
use super::retention::{self, ProjectRetentionArguments};
use super::shown;
use crate::reach::{Nothing, On};

/// The largest file with a key, in bytes.
const LARGEST_KEY: usize = 64 * 1024;

/// Projects: repositories and what runs for them
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Make a project
    Create(On<CreateProjectArguments>),
    /// List projects
    List(On<Nothing>),
    /// Show a project
    Show(On<NamedProject>),
    /// Change a project's settings
    Change(On<ChangeProjectArguments>),
    /// Store what the repository asks for, or forget it
    Credential(On<CredentialArguments>),
    /// Show when a project's timed triggers start flows
    Schedules(On<NamedProject>),
    /// Show how long a project keeps what its flows leave, or change it
    Retention(On<ProjectRetentionArguments>),
    /// Remove a project with its flows, logs and all that they left
    Delete(On<NamedProject>),
}

#[derive(Debug, Args)]
pub struct NamedProject {
    /// The project's name
    #[arg(value_name = "PROJECT")]
    name: String,
}

#[derive(Debug, Args)]
pub struct CreateProjectArguments {
    /// The project's name
    name: String,
    /// The repository's URL, or its path on the server
    #[arg(long, value_name = "URL-OR-PATH")]
    repository: String,
    /// The workflow file in the repository, where it is not `.keirin.yaml` or in `.keirin/`
    #[arg(long, value_name = "FILE")]
    workflow: Option<String>,
    /// Let everybody look at it, signed in or not
    #[arg(long)]
    public: bool,
    #[command(flatten)]
    access: Access,
}

/// What a repository asks for.
#[derive(Debug, Args)]
pub(crate) struct Access {
    /// The user name that the repository asks for
    #[arg(long, value_name = "NAME", conflicts_with = "ssh_key")]
    username: Option<String>,
    /// Read the password or token that the repository asks for from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// A file with the private key for ssh
    #[arg(long, value_name = "FILE")]
    ssh_key: Option<PathBuf>,
    /// A file with the server's keys, as `known_hosts`
    #[arg(long, value_name = "FILE", requires = "ssh_key")]
    known_hosts: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ChangeProjectArguments {
    /// The project's name
    #[arg(value_name = "PROJECT")]
    name: String,
    /// Another URL, or path on the server; it drops the stored credential
    #[arg(long, value_name = "URL-OR-PATH")]
    repository: Option<String>,
    /// Another workflow file; an empty text goes back to the usual ones
    #[arg(long, value_name = "FILE")]
    workflow: Option<String>,
    /// Let everybody look at it, signed in or not
    #[arg(long, conflicts_with = "private")]
    public: bool,
    /// Let nobody look at it who has no role
    #[arg(long)]
    private: bool,
}

#[derive(Debug, Args)]
pub struct CredentialArguments {
    /// The project's name
    #[arg(value_name = "PROJECT")]
    name: String,
    #[command(flatten)]
    access: Access,
    /// Forget what is stored
    #[arg(long, conflicts_with_all = ["username", "ssh_key"])]
    remove: bool,
}

/// Does what was asked.
pub(crate) async fn project(command: ProjectCommand, output: &Output) -> anyhow::Result<CommandExit> {
    match command {
        ProjectCommand::Create(on) => {
            let (client, arguments) = on.connect()?;
            create(&client, arguments, output).await
        }
        ProjectCommand::List(on) => {
            let (client, Nothing {}) = on.connect()?;
            let projects = client.projects().await?;
            list(&projects, output);
            Ok(CommandExit::Success)
        }
        ProjectCommand::Show(on) => {
            let (client, arguments) = on.connect()?;
            show(&client.project(&arguments.name).await?, output);
            Ok(CommandExit::Success)
        }
        ProjectCommand::Change(on) => {
            let (client, arguments) = on.connect()?;
            let change = ChangeProject {
                repository: arguments.repository.as_deref().map(repository).transpose()?,
                workflow_file: arguments.workflow,
                public: (arguments.public || arguments.private).then_some(arguments.public),
            };
            show(&client.change_project(&arguments.name, &change).await?, output);
            Ok(CommandExit::Success)
        }
        ProjectCommand::Credential(on) => {
            let (client, arguments) = on.connect()?;
            set_credential(&client, arguments, output).await
        }
        ProjectCommand::Schedules(on) => {
            let (client, arguments) = on.connect()?;
            schedules(&client.schedules(&arguments.name).await?, output);
            Ok(CommandExit::Success)
        }
        ProjectCommand::Retention(on) => {
            let (client, arguments) = on.connect()?;
            retention::of_project(&client, &arguments, output).await
        }
        ProjectCommand::Delete(on) => {
            let (client, arguments) = on.connect()?;
            delete(&client, &arguments.name, output).await
        }
    }
}

async fn create(
    client: &Client,
    arguments: CreateProjectArguments,
    output: &Output,
) -> anyhow::Result<CommandExit> {
    let wanted = CreateProject {
        name: arguments.name,
        repository: repository(&arguments.repository)?,
        workflow_file: arguments.workflow,
        public: arguments.public,
        credential: credential(&arguments.access)?,
    };
    let project = client.create_project(&wanted).await?;
    if output.is_json() {
        output.document(&project);
    } else {
        output.line(format!("{} {}", output.strong(&project.name), project.repository));
        shown::notices(output, &project);
        output.hint(format!(
            "Start a flow: keirin flow start {} --follow",
            project.name
        ));
    }
    Ok(CommandExit::Success)
}

/// A path is made whole here, where it is known which folder it starts from.
fn repository(said: &str) -> anyhow::Result<String> {
    let before_slash = said.split('/').next().unwrap_or_default();
    let is_url = said.contains("://") || before_slash.contains(':');
    if is_url {
        return Ok(said.to_owned());
    }
    let whole = std::path::absolute(said).context("cannot tell which folder this is")?;
    let whole = whole.canonicalize().unwrap_or(whole);
    match whole.into_os_string().into_string() {
        Ok(path) => Ok(path),
        Err(_) => bail!("the path of the repository is no UTF-8"),
    }
}

fn credential(access: &Access) -> anyhow::Result<Option<Credential>> {
    if let Some(username) = &access.username {
        return Ok(Some(Credential::Basic {
            username: username.clone(),
            password: if access.password_stdin {
                terminal::secret_from_input("password")?
            } else {
                secret("password", "Password or token of the repository: ")?
            },
        }));
    }
    let Some(key) = &access.ssh_key else {
        return Ok(None);
    };
    Ok(Some(Credential::SshKey {
        private_key: text(key)?,
        known_hosts: access.known_hosts.as_deref().map(text).transpose()?,
    }))
}

fn text(file: &Path) -> anyhow::Result<String> {
    let Some(bytes) = private_file::read(file)? else {
        bail!("there is no file {}", file.display());
    };
    if bytes.len() > LARGEST_KEY {
        bail!("{} has {} bytes, which is no key", file.display(), bytes.len());
    }
    String::from_utf8(bytes)
        .ok()
        .with_context(|| format!("{} is no text", file.display()))
}

async fn set_credential(
    client: &Client,
    arguments: CredentialArguments,
    output: &Output,
) -> anyhow::Result<CommandExit> {
    if arguments.remove {
        client.remove_credential(&arguments.name).await?;
        output.say(format!("The credential of {} is forgotten.", arguments.name));
        return Ok(CommandExit::Success);
    }
    let Some(credential) = credential(&arguments.access)? else {
        output.error("nothing says what to store; give --username, --ssh-key or --remove");
        return Ok(CommandExit::Usage);
    };
    client.set_credential(&arguments.name, &credential).await?;
    output.say(format!("The credential of {} is stored.", arguments.name));
    Ok(CommandExit::Success)
}

async fn delete(client: &Client, name: &str, output: &Output) -> anyhow::Result<CommandExit> {
    if terminal::is_there() {
        let question =
            format!("This removes {name} with all its flows and logs, for ever. Type its name to go on: ");
        if terminal::ask(&question)? != name {
            output.say("Nothing was removed.");
            return Ok(CommandExit::Failed);
        }
    }
    client.remove_project(name).await?;
    output.say(format!("{name} is removed."));
    Ok(CommandExit::Success)
}

fn list(projects: &Page<Project>, output: &Output) {
    if output.is_json() {
        output.document(projects);
        return;
    }
    if projects.items.is_empty() {
        output.say("There is no project yet.");
        output.hint("Make one: keirin project create NAME --repository .");
        return;
    }
    let now = machine::now();
    let rows: Vec<Vec<String>> = projects
        .items
        .iter()
        .map(|project| {
            let newest = project.latest_flow.as_ref();
            vec![
                project.name.clone(),
                newest.map_or_else(String::new, |flow| shown::state(output, flow.state, flow.outcome)),
                newest.map_or_else(String::new, |flow| format!("#{} on {}", flow.number, flow.branch)),
                newest.map_or_else(String::new, |flow| shown::ago(now, flow.created_at)),
                project.repository.clone(),
            ]
        })
        .collect();
    output.table(
        &["Project", "State", "Newest flow", "Started", "Repository"],
        &rows,
    );
    for project in &projects.items {
        shown::notices(output, project);
    }
}

fn schedules(schedules: &Page<Schedule>, output: &Output) {
    if output.is_json() {
        output.document(schedules);
        return;
    }
    if schedules.items.is_empty() {
        output.say("No workflow of the default branch has a timed trigger.");
        output.hint("Add `cron`, `interval` or `date` to `triggers` of the workflow file.");
        return;
    }
    let now = machine::now();
    let row = |schedule: &Schedule| {
        let last = match &schedule.last_error {
            None => shown::ago_or_never(now, schedule.last_at),
            Some(error) => format!("{}: {error}", shown::ago_or_never(now, schedule.last_at)),
        };
        vec![
            schedule.workflow.clone(),
            schedule.branch.clone(),
            schedule.when.clone(),
            shown::until(now, schedule.next_at),
            last,
        ]
    };
    let rows: Vec<_> = schedules.items.iter().map(row).collect();
    output.table(&["Workflow", "Branch", "When", "Next", "Last"], &rows);
}

fn show(project: &Project, output: &Output) {
    if output.is_json() {
        output.document(project);
        return;
    }
    let now = machine::now();
    output.line(output.strong(&project.name));
    let seen_by = if project.public {
        "everybody"
    } else {
        "its members"
    };
    let credential = if project.has_credential { "stored" } else { "none" };
    let newest = project.latest_flow.as_ref().map_or_else(
        || "none yet".to_owned(),
        |flow| {
            format!(
                "{} #{} on {}, {}",
                shown::state(output, flow.state, flow.outcome),
                flow.number,
                flow.branch,
                shown::ago(now, flow.created_at)
            )
        },
    );
    let usual = ".keirin.yaml and .keirin/*.yaml";
    for (what, value) in [
        ("repository", project.repository.as_str()),
        (
            "branch",
            project.default_branch.as_deref().unwrap_or("not known yet"),
        ),
        ("workflow", project.workflow_file.as_deref().unwrap_or(usual)),
        ("credential", credential),
        ("seen by", seen_by),
        ("newest flow", &newest),
    ] {
        output.line(format!("{}  {value}", output.faint(format!("{what:<11}"))));
    }
    shown::notices(output, project);
    output.hint(format!("Its flows: keirin flow list {}", project.name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_stays_and_a_path_is_made_whole() {
        for url in [
            "https://example.org/a.git",
            "git@example.org:a/b.git",
            "file:///srv/a",
        ] {
            assert_eq!(repository(url).unwrap(), url);
        }
        assert_eq!(
            repository("/srv/no such repository").unwrap(),
            "/srv/no such repository"
        );
        let here = repository(".").unwrap();
        assert!(here.starts_with('/') && !here.ends_with('.'), "{here}");
    }
}
