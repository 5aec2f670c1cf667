//! The local agent: a process of its own, which outlives a server that is killed, and speaks the same protocol as any
//! other.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use keirin_api::App;
use keirin_console::machine;
use keirin_console::private_file;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::Server;
use super::data::DataFolder;
use super::storage::Database;
use crate::agent::{PROCESS, program, tell_address};
use crate::config::Config;

/// What the local agent is called.
pub(crate) const NAME: &str = "local";
/// How long until an agent that has ended is started again.
const START_AGAIN: Duration = Duration::from_secs(1);
/// How long the agent gets to stop its jobs when the server stops.
const FAREWELL: Duration = Duration::from_secs(15);
/// How often it is looked whether an agent has ended that another process started.
const LOOK: Duration = Duration::from_millis(50);

/// A local agent that is kept running. Dropping this leaves it and its jobs to whoever leads next, without a word to them.
pub(crate) struct LocalAgent {
    keeper: AbortOnDropHandle<()>,
    stopping: watch::Sender<bool>,
    /// Whether the agent has been signalled; closed once there is none.
    signalled: watch::Receiver<bool>,
}

/// How to start the agent.
struct Start {
    program: PathBuf,
    arguments: Vec<OsString>,
    join_token: String,
    folder: PathBuf,
}

impl LocalAgent {
    /// Starts the agent, unless none is wanted. One that outlived an earlier server is used as it is.
    ///
    /// # Errors
    /// When it cannot be let in.
    pub(crate) async fn start(
        config: &Config,
        data: &DataFolder,
        database: &Database,
        server: &Server,
        address: &Url,
        socket: Option<PathBuf>,
    ) -> anyhow::Result<Option<Self>> {
        // One user serves one slot.
        let usual = || {
            if config.local_user.is_some() {
                1
            } else {
                machine::processors()
            }
        };
        let slots = config.local_slots.unwrap_or_else(usual);
        if slots == 0 {
            return Ok(None);
        }
        let folder = data.agent();
        // One that runs already may have been started by a server at another address.
        tell_address(&folder, address)?;
        let mut arguments: Vec<OsString> = ["agent", "start", "--local", "--name", NAME]
            .map(Into::into)
            .into();
        let mut add = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        add("--server", address.as_str().into());
        if let Some(socket) = socket {
            add("--socket", socket.into());
        }
        add("--slots", slots.to_string().into());
        add("--folder", folder.clone().into());
        if let Some(user) = &config.local_user {
            add("--user", user.into());
        }
        if let Some(range) = config.agent.uid_range().context("agent.uid_range")? {
            add("--uid-range", range.to_string().into());
        }
        for (name, value) in config.agent.limits().flags() {
            add(name, value.into());
        }
        for path in &config.agent.writable {
            let path = std::path::absolute(path).context("agent.writable")?;
            add("--writable", path.into());
        }
        // Everything of the server's: its keys, its tokens, its database. The socket lies elsewhere where its path would be
        // too long.
        add("--closed", data.root().into());
        if let Some(cluster) = database.cluster() {
            add("--closed", cluster.socket_folder().into());
        }
        if let Some(file) = &config.file {
            add(
                "--closed",
                std::path::absolute(file)
                    .context("the configuration file")?
                    .into(),
            );
        }
        let start = Start {
            program: program()?,
            arguments,
            join_token: join_token(&server.app).await?,
            folder,
        };
        let (stopping, told) = watch::channel(false);
        let (signalling, signalled) = watch::channel(false);
        let keeper = AbortOnDropHandle::new(tokio::spawn(keep(start, told, signalling)));
        Ok(Some(Self {
            keeper,
            stopping,
            signalled,
        }))
    }

    /// Tells the agent to stop its jobs and end, which it does then whether or not anybody waits for it.
    pub(crate) async fn tell_to_stop(&mut self) {
        self.stopping.send_replace(true);
        // Where there is no agent any more, there is nobody to tell.
        drop(self.signalled.wait_for(|signalled| *signalled).await);
    }

    /// Waits for the end of an agent that has been told to stop.
    pub(crate) async fn ended(self) {
        if tokio::time::timeout(FAREWELL, self.keeper).await.is_err() {
            tracing::warn!("the local agent does not end; it is left to itself");
        }
    }
}

async fn join_token(app: &App) -> anyhow::Result<String> {
    app.local_join_token()
        .await
        .context("the local agent cannot be let in")
}

/// Keeps the agent running until it is to stop.
async fn keep(start: Start, mut told: watch::Receiver<bool>, signalling: watch::Sender<bool>) {
    loop {
        if let Err(error) = run_once(&start, &mut told, &signalling).await {
            tracing::warn!(%error, "the local agent could not be started; trying again");
        }
        if *told.borrow() {
            return;
        }
        if tokio::time::timeout(START_AGAIN, to_stop(&mut told))
            .await
            .is_ok()
        {
            return stop_adopted(&start, &signalling).await;
        }
    }
}

/// Waits until the agent is to stop.
async fn to_stop(told: &mut watch::Receiver<bool>) {
    if told.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could say so, and this task is about to be dropped too.
        std::future::pending().await
    }
}

/// Runs the agent until it ends or is to stop.
#[expect(clippy::disallowed_methods, reason = "the adapter that starts the local agent")]
async fn run_once(
    start: &Start,
    told: &mut watch::Receiver<bool>,
    signalling: &watch::Sender<bool>,
) -> anyhow::Result<()> {
    if let Some(adopted) = running(start)? {
        while is_alive(adopted) && !*told.borrow() {
            tokio::time::sleep(LOOK).await;
        }
        if *told.borrow() {
            stop_adopted(start, signalling).await;
        }
        return Ok(());
    }
    let mut child = Command::new(&start.program)
        .args(&start.arguments)
        .env("KEIRIN_JOIN_TOKEN", &start.join_token)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // A group of its own: Ctrl-C is for the server, which then stops the agent in good order.
        .process_group(0)
        .spawn()
        .context("its program cannot be started")?;
    tokio::select! {
        ended = child.wait() => {
            tracing::debug!(?ended, "the local agent has ended");
        }
        () = to_stop(told) => {
            if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
                // It may have ended by itself just now.
                let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
            signalling.send_replace(true);
            child.wait().await.context("it cannot be waited for")?;
        }
    }
    Ok(())
}

/// An agent on this folder that outlived the server which started it.
fn running(start: &Start) -> anyhow::Result<Option<Pid>> {
    let Some(text) = private_file::read(&start.folder.join(PROCESS))? else {
        return Ok(None);
    };
    let pid = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let pid = pid.map(Pid::from_raw);
    // The number may have gone to another program since.
    Ok(pid.filter(|pid| is_alive(*pid) && is_agent(*pid)))
}

/// Whether it still runs. One that has ended stays in the list of processes until its parent has asked for it, and an
/// agent that outlived its server has a parent that may never ask.
fn is_alive(pid: Pid) -> bool {
    let Ok(Some(status)) = private_file::read(format!("/proc/{pid}/stat").as_ref()) else {
        return false;
    };
    // The state stands after the program's name, which stands in brackets and can hold anything.
    let status = String::from_utf8_lossy(&status);
    status
        .rsplit(')')
        .next()
        .is_some_and(|rest| !rest.trim_start().starts_with('Z'))
}

fn is_agent(pid: Pid) -> bool {
    let arguments = private_file::read(format!("/proc/{pid}/cmdline").as_ref());
    let arguments = arguments.ok().flatten().unwrap_or_default();
    let words: Vec<&[u8]> = arguments.split(|byte| *byte == 0).collect();
    words.contains(&b"agent".as_slice()) && words.contains(&b"--local".as_slice())
}

async fn stop_adopted(start: &Start, signalling: &watch::Sender<bool>) {
    let Ok(Some(pid)) = running(start) else { return };
    // It may have ended by itself just now.
    let _ = kill(pid, Signal::SIGTERM);
    signalling.send_replace(true);
    while is_alive(pid) {
        tokio::time::sleep(LOOK).await;
    }
}
