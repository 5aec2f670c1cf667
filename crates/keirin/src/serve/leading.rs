//! What is done whenever this server begins to lead, and undone whenever it no longer does: the command line and the
//! local agent are told where the server is, and what goes on beside the engine is started.

use std::path::Path;
use std::time::Duration;

use keirin_background::RunningJobs;
use keirin_console::output::Output;
use keirin_store::engine::Epoch;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use url::Url;

use super::data::DataFolder;
use super::local_agent::LocalAgent;
use super::socket::Socket;
use super::storage::Database;
use super::{Server, address, demo, reconcile};
use crate::config::Config;

/// How often a server that does not lead looks who does, until it has said so.
const LOOK: Duration = Duration::from_millis(50);
/// How long until the beginning is tried again when it failed on a server that had led before.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Follows whether this server leads.
pub(super) struct Leading<'a> {
    config: &'a Config,
    data: &'a DataFolder,
    database: &'a Database,
    server: &'a Server,
    /// Where people reach the server.
    address: &'a Url,
    output: &'a Output,
    /// The local token of the last time, so that a command that waits outlives a lead that is lost for a moment.
    token: Option<String>,
    /// What [`Leading::begin`] has started.
    started: Started,
}

#[derive(Default)]
struct Started {
    socket: Option<Socket>,
    loops: Option<AbortHandle>,
    background: Option<RunningJobs>,
    agent: Option<LocalAgent>,
}

impl<'a> Leading<'a> {
    /// Nothing has begun yet. `token` is the local token of a server that did not end in order.
    pub(super) fn new(
        config: &'a Config,
        data: &'a DataFolder,
        database: &'a Database,
        server: &'a Server,
        address: &'a Url,
        output: &'a Output,
        token: Option<String>,
    ) -> Self {
        Self {
            config,
            data,
            database,
            server,
            address,
            output,
            token,
            started: Started::default(),
        }
    }

    /// Begins and ends as often as the lead comes and goes; gives an error when the first beginning fails. Whoever drops
    /// it calls [`Leading::end`].
    pub(super) async fn follow(&mut self, demo: Option<&Path>) -> anyhow::Error {
        let mut epochs = self.server.controller.leading();
        let mut is_first = true;
        loop {
            let epoch = self.stand_by(&mut epochs).await;
            match self.begin(epoch).await {
                Ok(()) if is_first => {
                    if let Err(error) = self.welcome(demo).await {
                        return error;
                    }
                    is_first = false;
                }
                Ok(()) => self.output.say("This server leads again."),
                Err(error) if is_first => return error,
                Err(error) => {
                    tracing::warn!(%error, "this server leads, and cannot be opened for work; trying again");
                    self.end().await;
                    tokio::time::sleep(TRY_AGAIN).await;
                    continue;
                }
            }
            lost(&mut epochs, epoch).await;
            self.end().await;
        }
    }

    /// Waits until this server leads.
    async fn stand_by(&self, epochs: &mut watch::Receiver<Option<Epoch>>) -> Epoch {
        let mut told = false;
        loop {
            if let Some(epoch) = *epochs.borrow_and_update() {
                return epoch;
            }
            if !told {
                match self.server.store.leader().await {
                    Ok(Some(leader)) if leader.in_term && leader.holder != self.server.name => {
                        self.output
                            .say("Another server leads; this one stands by until it can take over.");
                        told = true;
                    }
                    Ok(_) => {}
                    // Whoever tries to take the lead says what is wrong.
                    Err(error) => tracing::debug!(%error, "it cannot be seen who leads"),
                }
            }
            if told {
                changed(epochs).await;
            } else {
                // It is looked again when the time is over.
                drop(tokio::time::timeout(LOOK, changed(epochs)).await);
            }
        }
    }

    /// Opens this server for work.
    async fn begin(&mut self, epoch: Epoch) -> anyhow::Result<()> {
        let near = address::near(self.address, self.config);
        let token = self.local_token().await?;
        // Whoever finds the address may ask at once whether the server takes work.
        self.server.app.set_open(true);
        let socket = Socket::serve(self.data, &self.server.app, self.server.local_connections);
        if let Err(error) = &socket {
            self.output.say(format!(
                "Programs on this machine reach the server by its port alone, which may be another program's while the \
                 server is away: {error:#}. A data folder with a short path on a disk of this machine holds a socket."
            ));
        }
        self.started.socket = socket.ok();
        let has_socket = self.started.socket.is_some();
        self.data.remember_local(&near, has_socket, &token)?;
        self.token = Some(token);
        self.started.loops = Some(reconcile::start(self.server));
        self.started.background = Some(self.server.background.start(epoch));
        let socket = has_socket.then(|| self.data.socket());
        let agent = LocalAgent::start(self.config, self.data, self.database, self.server, &near, socket);
        self.started.agent = agent.await?;
        if let Err(error) = self.server.exchange.collectors().start().await {
            tracing::error!(%error, "nothing is scraped");
        }
        Ok(())
    }

    /// Tells the local agent to stop its jobs and end.
    pub(super) async fn tell_agent_to_stop(&mut self) {
        if let Some(agent) = &mut self.started.agent {
            agent.tell_to_stop().await;
        }
    }

    /// Waits for the end of the local agent, while this server is still there to be told how its jobs ended.
    pub(super) async fn agent_ended(&mut self) {
        if let Some(agent) = self.started.agent.take() {
            agent.ended().await;
        }
    }

    /// Lets background jobs come to an end for as long as this, and gives back the others.
    pub(super) async fn end_background(&mut self, farewell: Duration) {
        if let Some(background) = self.started.background.take() {
            background.stop(farewell).await;
        }
    }

    /// Undoes what [`Leading::begin`] has done, but for the local agent, which goes on for whoever leads next. Gives the socket,
    /// which takes connections until it is ended or dropped.
    pub(super) async fn end(&mut self) -> Option<Socket> {
        // Those that still run are another server's by now.
        self.end_background(Duration::ZERO).await;
        let Started { socket, loops, .. } = std::mem::take(&mut self.started);
        // First what others on this machine go by, and last what may wait for the database.
        self.server.app.set_open(false);
        if let Err(error) = self.data.forget_local() {
            tracing::warn!(%error, "the command line on this machine still takes this server for the one that leads");
        }
        if let Some(loops) = loops {
            loops.abort();
        }
        self.server.exchange.collectors().stop().await;
        socket
    }

    /// The token of the command line on this machine: the one that it knows, as long as that opens anything.
    async fn local_token(&self) -> anyhow::Result<String> {
        let written = self.data.local()?.map(|local| local.token);
        for token in written.into_iter().chain(self.token.clone()) {
            if self.server.app.token_holds(&token).await? {
                return Ok(token);
            }
        }
        Ok(self.server.app.local_token().await?)
    }

    /// What is said and shown once, when this server leads for the first time.
    async fn welcome(&self, repository: Option<&Path>) -> anyhow::Result<()> {
        // The one line of the result: whoever started the server reads from it where it is.
        self.output.line(format!("Keirin is ready: {}", self.address));
        if let Some(repository) = repository {
            demo::show(self.server, repository, self.output).await?;
        }
        let link = self.server.app.sign_in_link(None).await?;
        self.output.say(format!(
            "Sign in with this link, once, within 15 minutes: {}",
            link.url
        ));
        address::say_forwarding(self.address, self.output);
        Ok(())
    }
}

/// Waits until the lead of this epoch is lost.
async fn lost(epochs: &mut watch::Receiver<Option<Epoch>>, epoch: Epoch) {
    if epochs.wait_for(|now| *now != Some(epoch)).await.is_err() {
        // The controller is gone, and with it whoever could say so: the server ends.
        std::future::pending().await
    }
}

/// Waits until the lead comes or goes.
async fn changed(epochs: &mut watch::Receiver<Option<Epoch>>) {
    if epochs.changed().await.is_err() {
        std::future::pending().await
    }
}
