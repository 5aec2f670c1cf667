//! `git`: checks out the flow's own repository at the flow's commit, or another one.
//!
//! The flow's own repository is fetched by the agent, because the job's token belongs in no step. It is made in a folder
//! that no step can reach and then moved, so that nothing a step has prepared (settings, filters, links) is met by git
//! with the agent's rights. Another repository is fetched by git as a process of the step, with the step's rights.

use std::ffi::OsString;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keirin_git::{Checkout, CommitId, Credential, Git, Progress, RepositoryUrl, Revision, copy_working_tree};
use keirin_wire::agent::Repository;
use walkdir::WalkDir;

use super::error::ToolError;
use super::files::{RelativePath, Tree};
use super::{count, on_disk, shell, unless_halted};
use crate::config::Identity;
use crate::step::{StepContext, StepEnd};

/// Fetches one revision and nothing that is not needed for it.
const FETCH: &str = r#"
git -c init.defaultBranch=main init --quiet -- "$1"
cd -- "$1"
git fetch --no-tags $4 -- "$2" "$3"
git checkout --quiet --detach FETCH_HEAD
git log -1 --format='At %h, %s'
"#;

/// What a step asks for.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) repository: &'a str,
    pub(super) revision: &'a Option<String>,
    pub(super) depth: Option<u32>,
    pub(super) destination: &'a Option<String>,
}

/// Checks out.
pub(super) async fn run(context: &StepContext<'_>, request: Request<'_>) -> StepEnd {
    match request.repository {
        "." => unless_halted(context, own(context, request)).await,
        _ => match other(request) {
            Ok(arguments) => {
                context.say(&format!("Fetching {}", request.repository));
                shell::process(context, "sh", &arguments).await
            }
            Err(error) => StepEnd::failed(error.to_string()),
        },
    }
}

fn other(request: Request<'_>) -> Result<Vec<OsString>, ToolError> {
    let url = RepositoryUrl::parse(request.repository).map_err(keirin_git::GitError::from)?;
    let revision = match request.revision {
        Some(revision) => Revision::parse(revision)
            .map_err(keirin_git::GitError::from)?
            .as_str()
            .to_owned(),
        None => "HEAD".to_owned(),
    };
    let destination = RelativePath::parse(request.destination.as_deref().unwrap_or("."))?;
    let folder = format!("./{destination}");
    let depth = request
        .depth
        .map(|depth| format!("--depth={depth}"))
        .unwrap_or_default();
    let words = ["-e", "-c", FETCH, "git", &folder, url.as_str(), &revision, &depth];
    Ok(words.map(OsString::from).to_vec())
}

async fn own(context: &StepContext<'_>, request: Request<'_>) -> Result<(), ToolError> {
    let destination = RelativePath::parse(request.destination.as_deref().unwrap_or("."))?;
    let fresh = context
        .workspace
        .private()
        .join(format!("checkout-{}", context.index));
    let git = Git::new();
    let repository = context
        .assignment
        .repository
        .as_ref()
        .ok_or(ToolError::NoRepository)?;
    match repository {
        Repository::Mirror { path, commit } => {
            let commit = CommitId::parse(commit).map_err(keirin_git::GitError::from)?;
            context.say(&format!(
                "Checking out {} of {}",
                commit.short(),
                context.assignment.origin.project
            ));
            let url = context.server.mirror_url(path);
            let source = RepositoryUrl::parse(&url).map_err(keirin_git::GitError::from)?;
            // A local path, as tests and one machine's own programs use, asks for no credential.
            let credential = (!source.is_local()).then(|| Credential::Basic {
                username: "keirin".to_owned(),
                password: context.lease.token.clone(),
            });
            let depth = request.depth;
            let checkout = Checkout {
                source,
                commit,
                depth,
                into: fresh.clone(),
                credential,
                submodules: false,
            };
            checkout.make(&git, Some(&progress(context))).await?;
        }
        Repository::WorkingTree { path } => {
            context.say(&format!("Copying the working tree at {path}"));
            let copied = copy_working_tree(&git, Path::new(path), &fresh).await?;
            context.say(&format!(
                "Copied {}, {} bytes",
                count(copied.files, "file"),
                copied.bytes
            ));
        }
    }
    let identity = context.config.identity.clone();
    let tree = Tree::new(context.workspace.work(), &identity);
    on_disk(move || {
        give_away(&fresh, &identity)?;
        tree.take_in(&fresh, &destination)
            .map_err(|(name, error)| match error.kind() {
                std::io::ErrorKind::AlreadyExists => ToolError::InTheWay { name },
                _ => ToolError::disk("move into the workspace", name)(error),
            })
    })
    .await
}

/// Git's own words, as lines of the log: of the counting up only where it ends.
fn progress(context: &StepContext<'_>) -> Progress {
    let (log, step) = (Arc::clone(context.log), context.number());
    Arc::new(move |line: &str| {
        let counts_up = line.contains('%') && !line.ends_with("done.");
        if !counts_up {
            log.say(Some(step), line);
        }
    })
}

/// Makes the steps' user the owner of everything below. Nothing of it can be reached by a step yet.
fn give_away(folder: &PathBuf, identity: &Identity) -> Result<(), ToolError> {
    let Identity::User { uid, gid } = *identity else {
        return Ok(());
    };
    for entry in WalkDir::new(folder).follow_links(false) {
        let entry = entry.map_err(ToolError::disk("go through", folder.display()))?;
        lchown(entry.path(), Some(uid), Some(gid))
            .map_err(ToolError::disk("give away", entry.path().display()))?;
    }
    Ok(())
}
