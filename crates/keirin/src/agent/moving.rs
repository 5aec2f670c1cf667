//! The server of a local agent, which may move: the agent outlives the server that started it, and the next one may
//! listen elsewhere. Whichever server leads says in the agent's folder where it is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use keirin_agent::{AttemptLease, CallError, FileStream, HttpServer, Server};
use keirin_client::{AgentClient, Connection};
use keirin_console::private_file;
use keirin_model::ArtifactId;
use keirin_wire::agent::{Claim, Claimed, Kept, LogAcknowledged, Report, Reported, TestReport};
use url::Url;

/// The file in the agent's folder that holds the address of the server that leads.
const ADDRESS: &str = "server";

/// Tells the agent of this folder, running or not yet, where its server is.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn tell_address(folder: &Path, address: &Url) -> anyhow::Result<()> {
    private_file::make_folder(folder)?;
    private_file::write(&folder.join(ADDRESS), address.as_str().as_bytes())
}

/// Where the server of this folder's agent is by now; `None` where nobody has said it.
///
/// # Errors
/// The file cannot be read, or holds no address.
pub(super) fn told_address(folder: &Path) -> anyhow::Result<Option<Url>> {
    told(&folder.join(ADDRESS))
}

/// The server that leads, wherever it is by now.
pub(super) struct MovingServer {
    socket: Option<PathBuf>,
    secret: String,
    file: PathBuf,
    known: Mutex<(Url, Arc<HttpServer>)>,
}

impl MovingServer {
    /// The server at this address, until the folder tells another one.
    pub(super) fn new(address: &Url, socket: Option<PathBuf>, secret: String, folder: &Path) -> Self {
        let server = at(address, socket.as_deref(), &secret);
        Self {
            socket,
            secret,
            file: folder.join(ADDRESS),
            known: Mutex::new((address.clone(), server)),
        }
    }

    fn now(&self) -> Arc<HttpServer> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match told(&self.file) {
            Ok(Some(address)) if address != known.0 => {
                tracing::info!(%address, "the server has moved");
                *known = (
                    address.clone(),
                    at(&address, self.socket.as_deref(), &self.secret),
                );
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "cannot see whether the server has moved"),
        }
        Arc::clone(&known.1)
    }
}

fn at(address: &Url, socket: Option<&Path>, secret: &str) -> Arc<HttpServer> {
    let client = AgentClient::new(Connection::new(address, socket));
    Arc::new(HttpServer::new(client, secret.to_owned()))
}

fn told(file: &Path) -> anyhow::Result<Option<Url>> {
    let Some(text) = private_file::read(file)? else {
        return Ok(None);
    };
    Ok(Some(Url::parse(&String::from_utf8_lossy(&text))?))
}

#[async_trait]
impl Server for MovingServer {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, CallError> {
        self.now().claim(claim).await
    }

    async fn report(&self, lease: &AttemptLease, report: &Report) -> Result<Reported, CallError> {
        self.now().report(lease, report).await
    }

    async fn append_log(
        &self,
        lease: &AttemptLease,
        first_line: u64,
        chunk: Bytes,
    ) -> Result<LogAcknowledged, CallError> {
        self.now().append_log(lease, first_line, chunk).await
    }

    async fn test_results(&self, lease: &AttemptLease, report: &TestReport) -> Result<(), CallError> {
        self.now().test_results(lease, report).await
    }

    async fn keep(
        &self,
        lease: &AttemptLease,
        path: &str,
        size: u64,
        executable: bool,
        content: FileStream,
    ) -> Result<(), CallError> {
        self.now().keep(lease, path, size, executable, content).await
    }

    async fn kept(&self, lease: &AttemptLease) -> Result<Vec<Kept>, CallError> {
        self.now().kept(lease).await
    }

    async fn fetch_kept(&self, lease: &AttemptLease, artifact: ArtifactId) -> Result<FileStream, CallError> {
        self.now().fetch_kept(lease, artifact).await
    }

    fn mirror_url(&self, path: &str) -> String {
        self.now().mirror_url(path)
    }
}
