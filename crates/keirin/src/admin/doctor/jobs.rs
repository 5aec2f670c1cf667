//! Jobs on this machine: whose rights they would have, whether those keep them away from the server's secrets, and
//! whether the local agent is there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use keirin_agent::{Identity, guard};
use keirin_wire::api::AgentState;
use tokio::process::Command;

use crate::agent::of_jobs;
use crate::commands::shown::ago_or_never;
use crate::config::Config;
use crate::machine;
use crate::serve::data::DataFolder;
use crate::serve::local_agent::NAME;

use super::Check;
use super::database::Facts;

const ISOLATION: &str = "isolation of jobs";
const AGENT: &str = "local agent";

/// How long the try of a job may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How the try ends when it could read what it must not.
const HAS_READ: i32 = 3;

/// Does what a hostile job would: tries to read a file of the server's.
const TRY: &str = "if cat -- \"$1\" >/dev/null 2>&1; then exit 3; fi; exit 0";

/// Tries whether a job could get at the server's secrets.
pub(super) async fn isolation(config: &Config, data: Option<&DataFolder>, checks: &mut Vec<Check>) {
    let Some(data) = data else {
        checks.push(Check::skipped(ISOLATION, "there is no data folder"));
        return;
    };
    checks.push(match try_identity(config, data).await {
        Ok(who) => Check::ok(ISOLATION, who),
        Err(error) => Check::failed(ISOLATION, &error),
    });
}

async fn try_identity(config: &Config, data: &DataFolder) -> anyhow::Result<String> {
    let closed = vec![data.root().to_owned(), data.agent()];
    let identity = of_jobs(config.local_user.as_deref(), closed)?;
    // Readable by all, so that only the folder or the guard keeps a job away from it.
    let secret = tempfile::Builder::new()
        .prefix(".doctor-")
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(data.root())
        .context("cannot write in the data folder")?;
    let workspace = tempfile::tempdir().context("cannot make a folder for the try")?;
    let ended = run(&identity, secret.path(), workspace.path()).await?;
    match ended.status.code() {
        Some(0) => Ok(told(&identity)),
        Some(HAS_READ) => bail!(
            "a job could read what lies in {}; close the folder to others: chmod 700 {0}",
            data.root().display()
        ),
        _ => bail!(
            "the try of a job could not be started: {}",
            String::from_utf8_lossy(&ended.stderr).trim()
        ),
    }
}

fn told(identity: &Identity) -> String {
    match identity {
        Identity::Own => "jobs run with the rights of the server itself".to_owned(),
        Identity::User { uid, .. } => format!("jobs run as another user (uid {uid})"),
        Identity::Guarded(_) => "jobs run as this user, held to their workspace by the kernel".to_owned(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the adapter that tries what a job could do"
)]
async fn run(identity: &Identity, secret: &Path, workspace: &Path) -> anyhow::Result<Output> {
    let mut command = match identity {
        Identity::Own => Command::new("sh"),
        Identity::User { uid, gid } => {
            let mut command = Command::new("sh");
            command.gid(*gid).uid(*uid);
            command
        }
        Identity::Guarded(guarded) => {
            let closed: &[PathBuf] = &guarded.closed;
            let mut command = Command::new(&guarded.program);
            command
                .args(&guarded.arguments)
                .args(guard::arguments(&[workspace], closed, workspace))
                .arg("sh");
            command
        }
    };
    let ended = command
        .args(["-c", TRY, "sh"])
        .arg(secret)
        .current_dir("/")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended
        .context("the try of a job does not end")?
        .context("the try of a job could not be started")
}

/// Whether the server's own agent is there.
pub(super) fn local_agent(config: &Config, facts: &Facts, checks: &mut Vec<Check>) {
    if config.local_slots == Some(0) {
        checks.push(Check::skipped(AGENT, "none is wanted (local_slots is 0)"));
        return;
    }
    let Some(agents) = &facts.agents else {
        checks.push(Check::skipped(AGENT, "the database does not say"));
        return;
    };
    let runs = facts.leader.is_some();
    let Some(agent) = agents.iter().find(|agent| agent.name == NAME) else {
        checks.push(if runs {
            Check::problem(
                AGENT,
                "it has not registered",
                "look at what the server says on standard error",
            )
        } else {
            Check::skipped(AGENT, "none has registered yet")
        });
        return;
    };
    let seen = ago_or_never(machine::now(), agent.seen_at);
    checks.push(match agent.state {
        AgentState::Online => Check::ok(AGENT, format!("registered, last seen {seen}")),
        AgentState::Offline if !runs => Check::ok(
            AGENT,
            format!("registered, last seen {seen}; it runs with the server"),
        ),
        AgentState::Offline => Check::problem(
            AGENT,
            format!("silent, last seen {seen}"),
            "look at what the server says on standard error; it starts the agent again by itself",
        ),
        AgentState::Unauthorised => Check::problem(
            AGENT,
            "nobody has let it in",
            format!("keirin agent authorise {}", agent.id),
        ),
        AgentState::Disabled => Check::ok(AGENT, "taken out of service by a person"),
    });
}
