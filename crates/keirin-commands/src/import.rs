//! `keirin import`: what has happened elsewhere becomes facts.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use keirin_client::{Client, ClientError};
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_console::progress::{self, count};
use keirin_git::{Git, HistoryReader};
use keirin_history::{History, HistoryProgress, read_history};
use keirin_model::project::check_repository_name;
use keirin_wire::api::{NewFacts, Repository};
use serde::Serialize;

use crate::reach::On;

/// Read what has happened elsewhere into facts
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Read a git repository's history
    ///
    /// Reads the commits that HEAD and the tags of the repository reach, the pull requests that their messages tell of,
    /// and the tags as releases; another time only what is new. Nothing is sent before all is read, so a repository that
    /// cannot be read leaves what is there as it is. The repository's .mailmap is honoured.
    Git(On<GitArguments>),
}

#[derive(Debug, Args)]
pub struct GitArguments {
    /// The repository on this machine: a checkout or a bare one, with its whole history
    path: PathBuf,
    /// The name that the history is kept under
    #[arg(long, value_name = "NAME")]
    repository: String,
}

/// What an import has brought.
#[derive(Debug, Serialize)]
struct Imported {
    repository: Repository,
    new: NewFacts,
    commits_without_lines: usize,
}

/// Does what was asked.
pub(crate) async fn import(command: ImportCommand, output: &Output) -> anyhow::Result<CommandExit> {
    let ImportCommand::Git(on) = command;
    let (client, arguments) = on.connect()?;
    let name = arguments.repository.as_str();
    check_repository_name(name)?;
    let path = arguments
        .path
        .canonicalize()
        .with_context(|| format!("cannot find {}", arguments.path.display()))?;
    let reader = HistoryReader::open(&Git::new(), &path).await?;
    let heads = known_heads(&client, name).await?;
    let history = read(&reader, &heads).await?;
    let without_lines = history.without_lines;
    let (repository, new) = send(&client, name, history).await?;
    if output.is_json() {
        output.document(&Imported {
            repository,
            new,
            commits_without_lines: without_lines,
        });
        return Ok(CommandExit::Success);
    }
    if without_lines > 0 {
        let why = if reader.is_partial() {
            "because the repository is a partial clone, which leaves files out"
        } else {
            "because the repository lacks some of their files"
        };
        output.hint(format!(
            "The lines of {} are not counted, {why}.",
            count(without_lines as u64, "commit")
        ));
    }
    output.say(told(&repository, new));
    Ok(CommandExit::Success)
}

/// Up to where the server knows the history already.
async fn known_heads(client: &Client, name: &str) -> Result<Vec<String>, ClientError> {
    match client.repository(name).await {
        Ok(repository) => Ok(repository.heads),
        Err(ClientError::Problem(problem)) if problem.status == 404 => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn read(reader: &HistoryReader, heads: &[String]) -> anyhow::Result<History> {
    let bar = progress::commits("Reading", 0);
    let history = read_history(reader, heads, |progress| match progress {
        HistoryProgress::Found(commits) => bar.set_length(commits),
        HistoryProgress::Read(commits) => bar.inc(commits),
    })
    .await;
    bar.finish_and_clear();
    Ok(history?)
}

async fn send(client: &Client, name: &str, history: History) -> anyhow::Result<(Repository, NewFacts)> {
    let bar: ProgressBar = progress::commits("Storing", history.commits.len() as u64);
    let end = history.end();
    let mut new = NewFacts::default();
    for part in history.into_parts() {
        new += client.add_history(name, &part).await?;
        bar.inc(part.commits.len() as u64);
    }
    let repository = client.finish_import(name, &end).await?;
    bar.finish_and_clear();
    Ok((repository, new))
}

fn told(repository: &Repository, new: NewFacts) -> String {
    let name = &repository.name;
    if new == NewFacts::default() {
        return format!(
            "{name} has nothing new: {} are known.",
            count(repository.commits, "commit")
        );
    }
    format!(
        "Imported {}, {} and {} into {name}, which now has {}.",
        count(new.commits, "commit"),
        count(new.pull_requests, "pull request"),
        count(new.releases, "release"),
        count(repository.commits, "commit"),
    )
}
