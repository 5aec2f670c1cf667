//! Jobs on this machine: whose rights they would have, whether those keep them away from the server's secrets, and
//! whether the local agent is there.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use keirin_agent::{Config as AgentConfig, Isolation, try_job};
use keirin_commands::shown::ago_or_never;
use keirin_console::machine;
use keirin_wire::api::AgentState;

use super::Check;
use super::database::Facts;
use crate::agent::{describe, of_jobs, sandbox};
use crate::config::Config;
use crate::serve::data::DataFolder;
use crate::serve::local_agent::NAME;

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
    // Readable by all, so that only the folder or the sandbox keeps a job away from it.
    let secret = tempfile::Builder::new()
        .prefix(".doctor-")
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(data.root())
        .context("cannot write in the data folder")?;
    let folder = open_folder().context("cannot make a folder for the try")?;
    let mut agent = AgentConfig::new(
        folder.path().join("agent"),
        sandbox()?,
        Arc::new(machine::now),
        Arc::new(machine::random),
    );
    agent.identity = of_jobs(config.local_user.as_deref(), config.agent.uid_range()?)?;
    agent.open_folder = Some(folder.path().join("open"));
    agent.closed = vec![data.root().to_owned()];
    agent.job_limits = config.agent.limits().limits();
    let secret = secret.path().to_string_lossy();
    let trial = tokio::time::timeout(PATIENCE, try_job(&agent, TRY, &[&secret])).await;
    let trial = trial.context("the try of a job does not end")??;
    match trial.exit.code {
        Some(0) => Ok(format!(
            "{}, {}",
            told(trial.isolation),
            describe(&agent.job_limits)
        )),
        Some(HAS_READ) => bail!(
            "a job could read what lies in {}; close the folder to others: chmod 700 {0}",
            data.root().display()
        ),
        _ => bail!("the try of a job did not end well: {:?}", trial.exit),
    }
}

/// A folder that the users of jobs find their way to, as they do to that of a real agent, whatever the umask is.
fn open_folder() -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

fn told(isolation: Isolation) -> String {
    let who = match isolation.user {
        Some(uid) => format!("jobs run as other users (uid {uid} and on)"),
        None => "jobs run as this user".to_owned(),
    };
    let namespaces = match isolation.has_namespaces {
        true => "each with processes, temporary folders and IPC of its own",
        false => "without namespaces of their own, so they see each other's processes",
    };
    let landlock = match isolation.has_landlock {
        true => "held to its workspace by Landlock",
        false => "without Landlock, which this kernel does not have",
    };
    format!("{who}, {namespaces}, {landlock}")
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
