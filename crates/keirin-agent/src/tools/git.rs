//! `git`: checks out the flow's own repository at the flow's commit, or another one.
//!
//! The flow's own repository is fetched by the agent, because the job's token belongs in no step. It is made in a folder
//! that no step can reach and then moved, so that nothing a step has prepared (settings, filters, links) is met by git
//! with the agent's rights. Another repository is fetched by git as a process of the step, with the step's rights, and so
//! are submodules.

use std::path::Path;
use std::sync::Arc;

use keirin_git::{
    Checkout, CommitId, Credential, Git, ProgressReporter, RepositoryUrl, Revision, copy_working_tree,
    lost_connection_words,
};
use keirin_model::Outcome;
use keirin_wire::agent::CheckoutRepository;

use super::error::ToolError;
use super::{count, on_disk, shell, unless_halted};
use crate::files::{RelativePath, give_away_all};
use crate::removal::remove_all;
use crate::step::{StepContext, StepEnd};

/// Runs what follows it, and again while its words say that a connection was lost. A repository on this machine may be
/// another account's; the other side of a local fetch takes that from no setting but a global one.
const AGAIN: &str = r#"
again() {
    for wait in 1 2 4 8 0; do
        # The words are shown as they come; what tells how it ended goes by a file, past the pipe.
        : > "$end"
        { GIT_CONFIG_GLOBAL="$settings" "$@" 2>&1 >&3 3>&- && echo well > "$end"; } | tee "$words" >&2
        if [ -s "$end" ]; then
            return 0
        fi
        if [ "$wait" = 0 ] || ! grep -q -F -e "$lost" "$words"; then
            return 1
        fi
        echo "The connection was lost; trying again in $wait s." >&2
        sleep "$wait"
    done
}
exec 3>&1
words=$(mktemp)
end=$(mktemp)
settings=$(mktemp)
trap 'rm -f "$words" "$end" "$settings"' EXIT
printf '[include]\n\tpath = %s\n[safe]\n\tdirectory = *\n' "${GIT_CONFIG_GLOBAL:-~/.gitconfig}" > "$settings"
"#;

/// Fetches one revision and nothing that is not needed for it.
const FETCH: &str = r#"
git -c init.defaultBranch=main init --quiet -- "$1"
cd -- "$1"
git remote add origin "$2" 2> "$words" || git remote set-url origin "$2"
again git fetch $4 origin "$3"
git checkout --quiet --detach FETCH_HEAD
git log -1 --format='At %h, %s'
if [ -n "$5" ]; then
    again git -c protocol.file.allow=always submodule update --init --recursive $5
fi
"#;

/// Checks submodules out. Their addresses may be relative to that of the repository, which is not the mirror's.
const SUBMODULES: &str = r#"
cd -- "$1"
if [ -n "$2" ]; then
    mirror=$(git config remote.origin.url)
    git config remote.origin.url "$2"
    git submodule init
    git config remote.origin.url "$mirror"
else
    git submodule init
fi
again git -c protocol.file.allow=always submodule update --init --recursive $3
"#;

/// What a step asks for.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) repository: &'a str,
    pub(super) revision: &'a Option<String>,
    pub(super) depth: Option<u32>,
    pub(super) destination: &'a Option<String>,
    pub(super) tags: Option<bool>,
    pub(super) submodules: bool,
}

/// Checks out.
pub(super) async fn run(context: &StepContext<'_>, request: Request<'_>) -> StepEnd {
    match request.repository {
        "." => {
            let end = unless_halted(context, own(context, request)).await;
            if !request.submodules || end.outcome != Outcome::Success {
                return end;
            }
            match submodules(context, request) {
                Ok(Some(arguments)) => shell::process(context, "sh", &arguments).await,
                Ok(None) => end,
                Err(error) => StepEnd::failed(error.to_string()),
            }
        }
        _ => match other(context, request) {
            Ok(arguments) => {
                context.say(&format!("Fetching {}", request.repository));
                shell::process(context, "sh", &arguments).await
            }
            Err(error) => StepEnd::failed(error.to_string()),
        },
    }
}

/// The arguments of a shell for one of the scripts above with these words.
fn script(script: &str, words: &[&str]) -> Vec<String> {
    let lost: Vec<&str> = lost_connection_words().collect();
    let lost = format!("lost='{}'", lost.join("\n").replace('\'', r"'\''"));
    let script = [lost.as_str(), AGAIN, script].concat();
    let arguments = ["-e", "-c", script.as_str(), "git"];
    arguments
        .iter()
        .chain(words)
        .map(|word| (*word).to_owned())
        .collect()
}

/// Where to, whatever folder the step itself works in.
fn folder(context: &StepContext<'_>, request: Request<'_>) -> Result<String, ToolError> {
    let destination = RelativePath::parse(request.destination.as_deref().unwrap_or("."))?;
    let folder = context.job.executor.folders().work.join(destination.as_path());
    Ok(folder.to_string_lossy().into_owned())
}

fn depth(request: Request<'_>) -> String {
    let depth = request.depth.map(|depth| format!("--depth={depth}"));
    depth.unwrap_or_default()
}

fn other(context: &StepContext<'_>, request: Request<'_>) -> Result<Vec<String>, ToolError> {
    let url = RepositoryUrl::parse(request.repository).map_err(keirin_git::GitError::from)?;
    let revision = match request.revision {
        Some(revision) => Revision::parse(revision)
            .map_err(keirin_git::GitError::from)?
            .as_str()
            .to_owned(),
        None => "HEAD".to_owned(),
    };
    let tags = if request.tags.unwrap_or_default() {
        "--tags"
    } else {
        "--no-tags"
    };
    let how = format!("{tags} {}", depth(request));
    let of_submodules = if request.submodules {
        format!("--force {}", depth(request))
    } else {
        String::new()
    };
    let folder = folder(context, request)?;
    let words = [folder.as_str(), url.as_str(), &revision, &how, &of_submodules];
    Ok(script(FETCH, &words))
}

/// Submodules are other repositories, so they are fetched by a process of the step too. A copied working tree has them.
fn submodules(context: &StepContext<'_>, request: Request<'_>) -> Result<Option<Vec<String>>, ToolError> {
    let Some(CheckoutRepository::Mirror { upstream, .. }) = &context.job.assignment.repository else {
        return Ok(None);
    };
    let upstream = upstream.as_deref().map(RepositoryUrl::parse).transpose();
    let upstream = upstream.map_err(keirin_git::GitError::from)?;
    let upstream = upstream.as_ref().map(RepositoryUrl::as_str).unwrap_or_default();
    let (folder, depth) = (folder(context, request)?, depth(request));
    Ok(Some(script(SUBMODULES, &[&folder, upstream, &depth])))
}

async fn own(context: &StepContext<'_>, request: Request<'_>) -> Result<(), ToolError> {
    let destination = RelativePath::parse(request.destination.as_deref().unwrap_or("."))?;
    let private = context.workspace().private()?;
    let fresh = private.join(format!("checkout-{}", context.index));
    let git = Git::new();
    let repository = context
        .job
        .assignment
        .repository
        .as_ref()
        .ok_or(ToolError::NoRepository)?;
    match repository {
        CheckoutRepository::Mirror {
            path,
            commit,
            fetch_token,
            ..
        } => {
            let commit = CommitId::parse(commit).map_err(keirin_git::GitError::from)?;
            context.say(&format!(
                "Checking out {} of {}",
                commit.short(),
                context.job.assignment.origin.project
            ));
            let url = context.job.server.mirror_url(path);
            let source = RepositoryUrl::parse(&url).map_err(keirin_git::GitError::from)?;
            // A local path, as tests and one machine's own programs use, asks for no credential.
            // The token of the job opens more than its mirror, and git sends it to whoever listens at the server's address;
            // only a server of an earlier version gives no other.
            let token = fetch_token.as_ref().unwrap_or(&context.job.lease.token);
            let credential = (!source.is_local()).then(|| Credential::Basic {
                username: "keirin".to_owned(),
                password: token.clone(),
            });
            let depth = request.depth;
            let checkout = Checkout {
                source,
                commit,
                depth,
                into: fresh.clone(),
                credential,
                tags: request.tags.unwrap_or_default(),
                submodules: false,
            };
            check_out(context, &git, &checkout).await?;
        }
        CheckoutRepository::WorkingTree { path } => {
            context.say(&format!("Copying the working tree at {path}"));
            let copied = copy_working_tree(&git, Path::new(path), &fresh).await?;
            context.say(&format!(
                "Copied {}, {} bytes",
                count(copied.files, "file"),
                copied.bytes
            ));
        }
    }
    let owner = context.workspace().owner();
    let tree = context.workspace().files();
    on_disk(move || {
        if let Some(owner) = owner {
            give_away_all(&fresh, owner).map_err(ToolError::disk("give away", fresh.display()))?;
        }
        tree.take_in(&fresh, &destination)
            .map_err(|(name, error)| match error.kind() {
                std::io::ErrorKind::AlreadyExists => ToolError::InTheWay { name },
                _ => ToolError::disk("move into the workspace", name)(error),
            })
    })
    .await
}

/// Fetches from the server, again and again while it is away, as during a restart: the step's own time is the limit.
async fn check_out(context: &StepContext<'_>, git: &Git, checkout: &Checkout) -> Result<(), ToolError> {
    let mut backoff = context.backoff();
    loop {
        let lost = match checkout.make(git, Some(&progress(context))).await {
            Err(error) if error.is_lost_connection() => error,
            made => return Ok(made?),
        };
        context.say(&format!(
            "The connection to the server was lost, trying again: {lost}"
        ));
        let begun = checkout.into.clone();
        on_disk(move || remove_all(&begun).map_err(ToolError::disk("clear", begun.display()))).await?;
        tokio::time::sleep(backoff.next()).await;
    }
}

/// Git's own words, as lines of the log: of the counting up only where it ends.
fn progress(context: &StepContext<'_>) -> ProgressReporter {
    let (log, step) = (Arc::clone(context.job.log), context.number());
    Arc::new(move |line: &str| {
        let counts_up = line.contains('%') && !line.ends_with("done.");
        if !counts_up {
            log.say(Some(step), line);
        }
    })
}
