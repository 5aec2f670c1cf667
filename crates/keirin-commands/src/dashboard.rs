//! `keirin dashboard`: dashboards as files, into a server and out of it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_wire::api::{Dashboard, DashboardContent, DashboardProblem, DashboardSummary, Page, Severity};
use serde_json::Value;

use crate::input;
use crate::reach::{Nothing, On};
use crate::shown;

/// The largest file, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Dashboards: files in Grafana's JSON
#[derive(Debug, Subcommand)]
pub enum DashboardCommand {
    /// List dashboards
    List(On<Nothing>),
    /// Print a dashboard's file
    Export(On<NamedDashboard>),
    /// Keep a dashboard, in place of the one of its uid where there is one
    Import(On<ImportArguments>),
    /// Say what in a dashboard cannot be kept or drawn, and keep nothing
    Check(On<FileArguments>),
    /// Delete a dashboard
    Delete(On<NamedDashboard>),
}

#[derive(Debug, Args)]
pub struct NamedDashboard {
    /// The dashboard's uid
    uid: String,
}

#[derive(Debug, Args)]
pub struct FileArguments {
    /// The file as Grafana exports it; `-` reads standard input
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct ImportArguments {
    #[command(flatten)]
    from: FileArguments,
    /// The project that a new one belongs to [default: all projects]
    #[arg(long)]
    project: Option<String>,
}

/// Does what was asked.
pub(crate) async fn dashboard(command: DashboardCommand, output: &Output) -> anyhow::Result<CommandExit> {
    match command {
        DashboardCommand::List(on) => {
            let (client, Nothing {}) = on.connect()?;
            list(&client.dashboards().await?, output);
        }
        DashboardCommand::Export(on) => {
            let (client, arguments) = on.connect()?;
            output.document(&client.dashboard(&arguments.uid).await?.dashboard);
        }
        DashboardCommand::Import(on) => {
            let (client, arguments) = on.connect()?;
            let wanted = read(&arguments.from)?;
            let kept = client
                .keep_dashboard(&wanted, arguments.project.as_deref())
                .await?;
            if output.is_json() {
                output.document(&kept);
            } else {
                output.say(said(&kept));
            }
        }
        DashboardCommand::Check(on) => {
            let (client, arguments) = on.connect()?;
            let found = client.check_dashboard(&read(&arguments)?).await?;
            if output.is_json() {
                output.document(&found);
            } else {
                tell(&found.problems, output);
            }
            if found.problems.iter().any(is_error) {
                return Ok(CommandExit::Usage);
            }
        }
        DashboardCommand::Delete(on) => {
            let (client, arguments) = on.connect()?;
            client.delete_dashboard(&arguments.uid).await?;
            output.say(format!("The dashboard {} is deleted.", arguments.uid));
        }
    }
    Ok(CommandExit::Success)
}

fn said(kept: &Dashboard) -> String {
    let owner = kept.project.as_deref().unwrap_or("all projects");
    format!("{} is kept for {owner}, with the uid {}.", kept.title, kept.uid)
}

/// A dashboard's file; what Grafana's API gives holds the dashboard inside.
fn read(arguments: &FileArguments) -> anyhow::Result<DashboardContent> {
    let content = input::whole(&arguments.file, LARGEST)?;
    let dashboard: Value = serde_json::from_slice(&content)
        .with_context(|| format!("{} is no JSON", arguments.file.display()))?;
    Ok(DashboardContent { dashboard })
}

fn is_error(problem: &DashboardProblem) -> bool {
    problem.severity == Severity::Error
}

fn tell(problems: &[DashboardProblem], output: &Output) {
    if problems.is_empty() {
        output.say("All of it can be kept and drawn.");
    }
    for problem in problems {
        let kind = if is_error(problem) { "error" } else { "warning" };
        output.line(format!("{kind}: {}: {}", problem.path, problem.message));
    }
}

fn list(dashboards: &Page<DashboardSummary>, output: &Output) {
    if output.is_json() {
        output.document(dashboards);
        return;
    }
    let now = machine::now();
    let rows: Vec<Vec<String>> = dashboards
        .items
        .iter()
        .map(|dashboard| {
            vec![
                dashboard.uid.clone(),
                dashboard.title.clone(),
                dashboard
                    .project
                    .clone()
                    .unwrap_or_else(|| "all projects".to_owned()),
                match dashboard.changed_at {
                    Some(changed) => shown::ago(now, changed),
                    None => "comes with Keirin".to_owned(),
                },
            ]
        })
        .collect();
    output.table(&["Uid", "Title", "Belongs to", "Changed"], &rows);
}
