//! Finds out, when the agent starts, what keeps jobs apart on this machine.

use std::os::fd::AsFd as _;
use std::sync::Mutex;

use keirin_model::AttemptId;
use keirin_model::flow::Exit;

use crate::config::{Config, RunAs};
use crate::covers::covered;
use crate::error::AgentError;
use crate::sandbox::{Namespaces, Owner, SandboxFailure, Sandboxes, StepProcess};
use crate::slots::Slots;
use crate::workspace::{Folder, Workspace};

/// So many jobs may begin at once without waiting for their sandbox's processes.
const MOST_AHEAD: usize = 4;

/// What keeps jobs apart on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isolation {
    /// The user of the first slot, where it is not the agent's own.
    pub user: Option<u32>,
    /// Whether each attempt has namespaces for processes, files and IPC.
    pub has_namespaces: bool,
    /// Whether Landlock holds steps to their workspace.
    pub has_landlock: bool,
}

/// How a program ended that was run as a job would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Its exit.
    pub exit: Exit,
    /// What held it.
    pub isolation: Isolation,
}

/// Runs a shell script as a job of such an agent would run, and says how it ended and what held it. The folder of the
/// configuration must be one that no agent uses.
///
/// # Errors
/// When such an agent could not work.
pub async fn try_job(config: &Config, script: &str, arguments: &[&str]) -> Result<Trial, AgentError> {
    let slots = Slots::for_trial(&config.identity, &config.runtime_folder)?;
    let Prepared { folder, sandboxes } = prepare(config, &slots).await?;
    let owner = slots.owners().first().copied();
    let words: Vec<String> = ["-c", script, "sh"]
        .iter()
        .chain(arguments)
        .map(|word| (*word).to_owned())
        .collect();
    let (exit, has_landlock) = attempt(config, &sandboxes, &folder, owner, words)
        .await?
        .map_err(not_held)?;
    Ok(Trial {
        exit,
        isolation: Isolation {
            user: owner.map(|owner| owner.uid),
            has_namespaces: sandboxes.namespaces == Namespaces::Full,
            has_landlock,
        },
    })
}

/// What an agent works with.
pub(crate) struct Prepared {
    pub(crate) folder: Folder,
    pub(crate) sandboxes: Sandboxes,
}

/// Opens the agent's folder, ends what an earlier agent's jobs left there, and chooses the strongest sandbox that holds.
pub(crate) async fn prepare(config: &Config, slots: &Slots) -> Result<Prepared, AgentError> {
    let folder = Folder::open(&config.folder)?;
    let mut sandboxes = Sandboxes {
        program: config.sandbox.program.clone(),
        arguments: config.sandbox.arguments.clone(),
        namespaces: Namespaces::None,
        is_confined: config.identity != RunAs::Own,
        needs_landlock: false,
        closed: config.closed.clone(),
        writable: config.writable.clone(),
        limits: config.job_limits,
        ahead: MOST_AHEAD.min(config.slots as usize),
        fork_server: Mutex::default(),
        waiting: Mutex::default(),
    };
    if !sandboxes.is_confined {
        return Ok(Prepared { folder, sandboxes });
    }
    let owners = slots.owners();
    for owner in &owners {
        // What jobs of an agent that was killed have left: nobody else is this user.
        if matches!(config.identity, RunAs::Range(_)) {
            sandboxes.end_processes_of(*owner).await.map_err(not_held)?;
        }
    }
    sandboxes.closed.push(folder.path().to_owned());
    sandboxes.closed.extend(covered(config));
    let owner = owners.first().copied();
    let mut reasons = Vec::new();
    let with_namespaces = [Namespaces::Full, Namespaces::Mounts];
    for namespaces in with_namespaces
        .into_iter()
        .filter(|one| *one >= config.namespaces)
    {
        sandboxes.namespaces = namespaces;
        match hold(config, &sandboxes, &folder, owner).await? {
            Ok(()) => return Ok(Prepared { folder, sandboxes }),
            Err(error @ SandboxFailure::Start { .. }) => return Err(not_held(error)),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    sandboxes.namespaces = Namespaces::None;
    sandboxes.needs_landlock = config.identity == RunAs::Guarded;
    let folder = match (owner, &config.open_folder) {
        (Some(_), Some(open)) => Folder::open(open)?,
        _ => folder,
    };
    if let Some(owner) = owner {
        folder.check_reach(owner)?;
    }
    sandboxes.closed.push(folder.path().to_owned());
    let namespaces = reasons.first().map_or("they are switched off", String::as_str);
    match hold(config, &sandboxes, &folder, owner).await? {
        Ok(()) => {
            tracing::warn!(reason = %namespaces, "jobs have no namespaces of their own here, so they see each other's processes");
            Ok(Prepared { folder, sandboxes })
        }
        Err(error) => Err(AgentError::NotGuarded {
            reason: format!(
                "jobs cannot be kept from the server's files here: {error}, and {namespaces}. Start the agent as root \
                 so that jobs run as another user, or use a kernel from 6.2 on with Landlock switched on"
            ),
        }),
    }
}

fn not_held(error: SandboxFailure) -> AgentError {
    AgentError::NotGuarded {
        reason: error.to_string(),
    }
}

/// Whether a program that does nothing runs in such a sandbox. The inner error says why the sandbox does not hold.
async fn hold(
    config: &Config,
    sandboxes: &Sandboxes,
    folder: &Folder,
    owner: Option<Owner>,
) -> Result<Result<(), SandboxFailure>, AgentError> {
    let nothing = ["-c", ":"].map(str::to_owned).to_vec();
    Ok(match attempt(config, sandboxes, folder, owner, nothing).await? {
        Ok((Exit { code: Some(0), .. }, _)) => Ok(()),
        Ok((exit, _)) => Err(SandboxFailure::Refused(format!(
            "a program in it does not end well: {exit:?}"
        ))),
        Err(error) => Err(error),
    })
}

/// Runs a shell the way that steps are run. The inner value is how it ended, and whether Landlock did its part.
async fn attempt(
    config: &Config,
    sandboxes: &Sandboxes,
    folder: &Folder,
    owner: Option<Owner>,
    words: Vec<String>,
) -> Result<Result<(Exit, bool), SandboxFailure>, AgentError> {
    let workspace = folder.workspace(AttemptId(0), owner)?;
    let tried = try_in(config, sandboxes, &workspace, words).await;
    if let Err(error) = workspace.remove() {
        tracing::warn!(%error, "cannot remove the folder that the sandbox was tried in");
    }
    Ok(tried)
}

async fn try_in(
    config: &Config,
    sandboxes: &Sandboxes,
    workspace: &Workspace,
    words: Vec<String>,
) -> Result<(Exit, bool), SandboxFailure> {
    let mut sandbox = sandboxes
        .start(workspace.folders().clone(), workspace.owner())
        .await?;
    let (_reader, writer) = std::io::pipe()?;
    let process = StepProcess {
        program: "sh".to_owned(),
        arguments: words,
        folder: workspace.work().to_string_lossy().into_owned(),
        environment: &config.environment,
        output: writer.as_fd(),
        error: writer.as_fd(),
    };
    if let Err(error) = sandbox.run(process).await? {
        let reason = format!("no program can be started in it: {error}");
        return Err(SandboxFailure::Refused(reason));
    }
    let exit = sandbox.exited().await?.exit;
    let has_landlock = sandbox.has_landlock();
    sandbox.end().await?;
    sandbox.close().await;
    Ok((exit, has_landlock))
}
