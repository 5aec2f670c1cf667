//! `keirin init`: looks at a repository and proposes a workflow.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_git::Git;
use keirin_workflow::{Proposal, RepositoryListing, propose};
use serde_json::json;

/// Where the proposal goes.
const FILE: &str = ".keirin.yaml";
/// How many files are looked at by name.
const MOST_FILES: usize = 100_000;
/// The largest file that is looked into, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Proposes a workflow for a repository.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// The checkout [default: this folder]
    repository: Option<PathBuf>,
    /// Write the file even if there is one
    #[arg(long)]
    force: bool,
    /// Print the proposal and write nothing
    #[arg(long)]
    print: bool,
}

/// Writes a proposed workflow file.
///
/// # Errors
/// When the repository cannot be read or the file not written.
pub async fn init(arguments: InitArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let folder = arguments.repository.unwrap_or_else(|| PathBuf::from("."));
    let proposal = propose(&listing(&folder).await?);
    if output.is_json() {
        output.document(&json!({ "file": FILE, "text": proposal.text, "explanation": proposal.explanation }));
    }
    if arguments.print {
        if !output.is_json() {
            output.line(proposal.text.trim_end());
            explain(&proposal, output);
        }
        return Ok(CommandExit::Success);
    }
    let file = folder.join(FILE);
    if file.exists() && !arguments.force {
        output.error(format!(
            "{} is there already; replace it with --force, or look at the proposal with --print",
            file.display()
        ));
        return Ok(CommandExit::Usage);
    }
    std::fs::write(&file, &proposal.text).with_context(|| format!("cannot write {}", file.display()))?;
    explain(&proposal, output);
    output.say(format!("Wrote {}.", file.display()));
    output.hint(format!(
        "Look at what it would run: keirin check {}",
        file.display()
    ));
    output.hint(format!("Run it here: keirin exec {}", file.display()));
    Ok(CommandExit::Success)
}

fn explain(proposal: &Proposal, output: &Output) {
    for line in &proposal.explanation {
        output.hint(line);
    }
}

/// What a proposal is made from: the names of the files, and the text of the telling ones.
///
/// # Errors
/// When the folder cannot be read.
pub async fn listing(folder: &Path) -> anyhow::Result<RepositoryListing> {
    let mut listing = RepositoryListing {
        main_branch: keirin_git::head_of(&Git::new(), folder).await?.branch,
        ..RepositoryListing::default()
    };
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let inside = folder.join(&relative);
        let entries =
            std::fs::read_dir(&inside).with_context(|| format!("cannot read {}", inside.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let path = relative.join(&name);
            let kind = entry.file_type()?;
            if kind.is_dir() && !is_skipped(&name.to_string_lossy()) {
                folders.push(path);
            } else if kind.is_file() && listing.files.len() < MOST_FILES {
                listing.files.insert(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    for name in listing
        .files
        .iter()
        .filter(|name| RepositoryListing::wanted(name))
    {
        let path = folder.join(name);
        if std::fs::metadata(&path)?.len() <= LARGEST_FILE {
            let bytes = std::fs::read(&path)?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            listing.contents.insert(name.clone(), text);
        }
    }
    Ok(listing)
}

/// Folders whose files are not the repository's own.
fn is_skipped(name: &str) -> bool {
    matches!(
        name,
        ".git" | "node_modules" | "target" | "vendor" | ".venv" | "__pycache__"
    )
}
