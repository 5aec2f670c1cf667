//! `keirin agent start`: registers with a server and runs jobs until it is stopped.

mod former;
mod identity;
mod limits;
mod moving;

pub(crate) use identity::{environment, of_jobs, program, sandbox};
pub(crate) use limits::{LimitArguments, describe};
pub(crate) use moving::tell_address;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use keirin_agent::{Config, HttpServer, JobRunner, Server, Shutdown, UidRange, offered_executors};
use keirin_client::{AgentClient, ClientError, Connection};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_console::private_file;
use keirin_http::without_sign_in;
use keirin_wire::agent::{PROTOCOL, Register, Registered, SECRET_PREFIX};
use nix::sys::prctl::set_dumpable;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use url::Url;

use crate::signals;
use moving::MovingServer;

/// How long until a server that cannot be reached is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// The file in the agent's folder that holds who it is.
pub(crate) const REGISTRATION: &str = "registration.json";

/// Who it will be, from before it asks until it knows that it is let in.
const PROPOSED_REGISTRATION: &str = "registration.proposed.json";

/// Starts an agent and runs jobs until it is stopped.
#[derive(Debug, Args)]
pub(crate) struct StartArguments {
    /// Where the server is reached
    #[arg(long, value_name = "URL", env = "KEIRIN_URL")]
    server: Url,
    /// Lets the agent in at once; without one a person authorises it
    #[arg(long, value_name = "TOKEN", env = "KEIRIN_JOIN_TOKEN", hide_env_values = true)]
    join_token: Option<String>,
    /// What people will call it [default: the machine's name]
    #[arg(long)]
    name: Option<String>,
    /// How many jobs run at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    slots: u32,
    /// A group that it is in, besides `all`
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Something that it can do, for jobs that ask for it
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// Where it keeps who it is, and the workspaces of its jobs
    #[arg(long, value_name = "FOLDER", default_value = ".keirin-agent")]
    folder: PathBuf,
    /// The user that jobs run as, where the agent is root and has one slot [default: one of its own for each slot]
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Numbers of the users that slots may have, where the agent is root [default: 1900000000-1900065535]
    #[arg(long, value_name = "FIRST-LAST", env = "KEIRIN_AGENT_UID_RANGE", conflicts_with = "user")]
    uid_range: Option<UidRange>,
    /// A file or folder that no job may read
    #[arg(long, value_name = "PATH")]
    closed: Vec<PathBuf>,
    /// A folder beside its workspace that a job sees and may write in, as far as its user's rights go
    #[arg(long, value_name = "FOLDER")]
    writable: Vec<PathBuf>,
    #[command(flatten)]
    limits: LimitArguments,
    /// Run jobs with the agent's own rights: only for work that is trusted like the agent itself
    #[arg(long, conflicts_with_all = ["user", "uid_range", "closed", "writable"])]
    trust_jobs: bool,
    /// Started by the server on its own machine, whose address may change
    #[arg(long, hide = true)]
    local: bool,
    /// The server's Unix socket, which it is reached by in place of its port
    #[arg(long, value_name = "PATH", hide = true)]
    socket: Option<PathBuf>,
}

/// The file in the agent's folder that holds the number of its process.
pub(crate) const PROCESS: &str = "pid";

/// Who an agent is, kept in its folder so that it stays the same one.
#[derive(Serialize, Deserialize)]
struct Registration {
    server: Url,
    name: String,
    secret: String,
}

/// Runs an agent.
///
/// # Errors
/// When the server refuses it, or this machine does not let it run jobs safely.
pub(crate) async fn start(arguments: StartArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let identity = identity::choose(&arguments)?;
    private_file::make_folder(&arguments.folder)?;
    private_file::write(
        &arguments.folder.join(PROCESS),
        std::process::id().to_string().as_bytes(),
    )?;
    let name = arguments.name.clone().unwrap_or_else(machine::host_name);
    let mut stop = signals::Stop::listen()?;
    let registered = tokio::select! {
        registered = register(&arguments, &name, output) => registered?,
        _ = stop.asked() => return Ok(CommandExit::Cancelled),
    };
    output.say(format!(
        "Agent {name} ({}) is registered with {}.",
        registered.agent,
        without_sign_in(&arguments.server)
    ));
    if !registered.authorised {
        output.hint(format!(
            "It waits to be let in: keirin agent authorise {}",
            registered.agent
        ));
    }

    // Jobs of the same user have no business in its memory and environment.
    set_dumpable(false).context("cannot close the agent's memory to others")?;
    former::remove();
    let mut config = Config::new(
        arguments.folder.join("work"),
        identity::sandbox()?,
        Arc::new(machine::now),
        Arc::new(machine::random),
    );
    config.slots = arguments.slots;
    config.credentials = identity::credentials_of(&identity)?;
    config.identity = identity;
    config.open_folder = Some(identity::open_folder(&arguments.folder));
    config.job_limits = arguments.limits.limits();
    config.closed = closed(&arguments)?;
    config.writable = arguments
        .writable
        .iter()
        .map(std::path::absolute)
        .collect::<Result<_, _>>()
        .context("cannot tell where a folder for --writable lies")?;
    config.environment.extend(identity::environment());
    let server: Arc<dyn Server> = if arguments.local {
        let secret = registered.secret;
        Arc::new(MovingServer::new(
            &arguments.server,
            arguments.socket,
            secret,
            &arguments.folder,
        ))
    } else {
        let client = AgentClient::new(Connection::new(&arguments.server, arguments.socket.as_deref()));
        Arc::new(HttpServer::new(client, registered.secret))
    };
    let (shutdown, ordered) = watch::channel(Shutdown::Running);
    let agent = JobRunner::run(config, server, ordered);
    tokio::pin!(agent);
    tokio::select! {
        ended = &mut agent => ended?,
        _ = stop.asked() => {
            output.say("Stopping; jobs that run are lost and tried again elsewhere.");
            shutdown.send_replace(Shutdown::Stop);
            tokio::select! {
                ended = &mut agent => ended?,
                _ = stop.insisted() => {}
            }
        }
    }
    Ok(CommandExit::Success)
}

/// Registers; a server that does not answer yet is asked again.
async fn register(arguments: &StartArguments, name: &str, output: &Output) -> anyhow::Result<Registered> {
    let file = arguments.folder.join(REGISTRATION);
    let proposed_file = arguments.folder.join(PROPOSED_REGISTRATION);
    // A secret is told to nobody but the server that it is for.
    let is_of_it =
        |known: &Registration| known.name == name && (arguments.local || known.server == arguments.server);
    let registration = |secret: String| Registration {
        server: arguments.server.clone(),
        name: name.to_owned(),
        secret,
    };
    let before: Option<Registration> = private_file::read_json(&file)?;
    let proposed: Option<Registration> = private_file::read_json(&proposed_file)?;
    let proposed = match proposed.filter(is_of_it) {
        Some(proposed) => proposed,
        None => {
            let proposed = registration(draw_secret());
            // Before it is told: where the answer is lost, the agent is known by it all the same.
            private_file::write_json(&proposed_file, &proposed)?;
            proposed
        }
    };
    let said = Register {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: name.to_owned(),
        join_token: arguments.join_token.clone(),
        secret: before.filter(is_of_it).map(|before| before.secret),
        proposed_secret: Some(proposed.secret),
        groups: arguments.group.iter().cloned().collect(),
        labels: labels(arguments),
        executors: offered_executors(),
        slots: arguments.slots,
        host: host(),
    };
    let mut told = false;
    loop {
        let address = server_of(arguments);
        let client = AgentClient::new(Connection::new(&address, arguments.socket.as_deref()));
        match client.register(&said).await {
            Ok(registered) => {
                private_file::write_json(&file, &registration(registered.secret.clone()))?;
                private_file::remove(&proposed_file)?;
                return Ok(registered);
            }
            Err(error) if error.is_transient() => {
                if !told {
                    let shown = without_sign_in(&address);
                    output.say(format!("{shown} does not answer yet ({error}); waiting for it."));
                    told = true;
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
            Err(error) => return Err(refused(error)),
        }
    }
}

/// A secret that nobody can guess.
fn draw_secret() -> String {
    let random = [(); 4].map(|()| format!("{:016x}", machine::random()));
    format!("{SECRET_PREFIX}{}", random.concat())
}

/// Where the server is: that of a local agent may have moved since the agent was started.
fn server_of(arguments: &StartArguments) -> Url {
    let told = if arguments.local {
        moving::told_address(&arguments.folder)
    } else {
        Ok(None)
    };
    match told {
        Ok(told) => told.unwrap_or_else(|| arguments.server.clone()),
        Err(error) => {
            tracing::warn!(%error, "cannot see whether the server has moved");
            arguments.server.clone()
        }
    }
}

fn refused(error: ClientError) -> anyhow::Error {
    anyhow::Error::new(error).context("the server does not take this agent")
}

/// What every agent can do by what it runs on, and what its owner says.
fn labels(arguments: &StartArguments) -> BTreeSet<String> {
    let own = [std::env::consts::OS, std::env::consts::ARCH];
    let own = own.into_iter().map(str::to_owned);
    own.chain(arguments.label.iter().cloned()).collect()
}

fn host() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("system".to_owned(), std::env::consts::OS.to_owned()),
        ("architecture".to_owned(), std::env::consts::ARCH.to_owned()),
        ("processors".to_owned(), machine::processors().to_string()),
        ("host".to_owned(), machine::host_name()),
    ])
}

/// What no job may read: what is named, and the agent's own folder.
fn closed(arguments: &StartArguments) -> anyhow::Result<Vec<PathBuf>> {
    let own = std::path::absolute(&arguments.folder).context("cannot tell where the agent's folder lies")?;
    Ok([arguments.closed.clone(), vec![own]].concat())
}
