//! `keirin admin doctor`: looks at everything that a server needs here, and says what to do where something is wrong.

mod database;
mod folder;
mod jobs;
mod server;

use clap::Args;
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_console::progress::count;
use owo_colors::OwoColorize as _;
use serde::Serialize;
use serde_json::json;

use super::place::configuration;
use crate::config::{Config, ConfigFlags};
use crate::serve::data::DataFolder;
use crate::serve::storage::Database;
use crate::signals::Stop;

/// Checks everything that a server needs here, and says what to do where something is wrong
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    flags: ConfigFlags,
}

/// What came of looking at one thing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    name: &'static str,
    state: Health,
    /// What was found.
    found: String,
    /// What to do.
    advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    Ok,
    Problem,
    /// It could not be looked at, or there is nothing to look at.
    Skipped,
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            state: Health::Ok,
            found: found.into(),
            advice: None,
        }
    }

    pub(super) fn problem(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            name,
            state: Health::Problem,
            found: found.into(),
            advice: Some(advice.into()),
        }
    }

    pub(super) fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self {
            name,
            state: Health::Skipped,
            found: why.into(),
            advice: None,
        }
    }

    /// A problem whose message says itself what to do.
    pub(super) fn failed(name: &'static str, error: &anyhow::Error) -> Self {
        Self {
            name,
            state: Health::Problem,
            found: format!("{error:#}"),
            advice: None,
        }
    }
}

/// Checks everything.
///
/// # Errors
/// The program itself cannot go on; what is wrong with a server is no error but an answer.
pub(super) async fn doctor(arguments: DoctorArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let config = match configuration(&arguments.flags, output) {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let mut stop = Stop::listen()?;
    let mut checks = Vec::new();
    let data = folder::look(&config, &mut checks);
    let (facts, opened) = database::look(&config, data.as_ref(), &mut checks).await;
    tokio::select! {
        () = look_further(&config, data.as_ref(), opened.as_ref(), &facts, &mut checks) => {}
        _ = stop.asked() => {}
    }
    if let Some(database) = opened {
        database.close().await?;
    }
    Ok(tell(&checks, output))
}

async fn look_further(
    config: &Config,
    data: Option<&DataFolder>,
    database: Option<&Database>,
    facts: &database::Facts,
    checks: &mut Vec<Check>,
) {
    checks.push(folder::backups(config, machine::now()));
    server::git(checks).await;
    server::objects(config, data, database.map(Database::store), checks).await;
    jobs::isolation(config, data, checks).await;
    jobs::local_agent(config, facts, checks);
    server::address(config, data, facts, checks).await;
    server::page(checks);
}

fn tell(checks: &[Check], output: &Output) -> CommandExit {
    let problems: Vec<&Check> = checks
        .iter()
        .filter(|check| check.state == Health::Problem)
        .collect();
    let exit = if problems.is_empty() {
        CommandExit::Success
    } else {
        CommandExit::Failed
    };
    if output.is_json() {
        output.document(&json!({ "items": checks, "next_cursor": null, "problems": problems.len() }));
        return exit;
    }
    let rows: Vec<Vec<String>> = checks
        .iter()
        .map(|check| {
            vec![
                check.name.to_owned(),
                shown(check.state, output.has_colours()),
                check.found.clone(),
            ]
        })
        .collect();
    output.table(&["CHECK", "STATE", "FOUND"], &rows);
    let advice: Vec<String> = problems
        .iter()
        .filter_map(|check| Some(format!("{}: {}", check.name, check.advice.as_ref()?)))
        .collect();
    if !advice.is_empty() {
        output.line("");
        output.line(output.strong("What to do"));
        for line in advice {
            output.line(line);
        }
    }
    if !problems.is_empty() {
        output.say(format!("{} found.", count(problems.len() as u64, "problem")));
    }
    exit
}

fn shown(state: Health, colours: bool) -> String {
    let plain = match state {
        Health::Ok => "✔ ok",
        Health::Problem => "✘ problem",
        Health::Skipped => "◦ not checked",
    };
    match state {
        _ if !colours => plain.to_owned(),
        Health::Ok => plain.green().to_string(),
        Health::Problem => plain.red().to_string(),
        Health::Skipped => plain.dimmed().to_string(),
    }
}
