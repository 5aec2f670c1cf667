//! The socket by which the local agent and the command line of the server's user reach the server that leads. Unlike its
//! port it is never another program's: it lies in the data folder, where no job can put another in its place.

use std::fs::{Permissions, rename, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use anyhow::Context as _;
use keirin_api::{App, ConnectionLimits};
use keirin_console::private_file;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::data::DataFolder;

/// A socket that is served. Where this is dropped nobody else is let in, and who was gets its last answer.
pub(super) struct Socket {
    ending: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Socket {
    /// Serves on the socket of this data folder, in place of whoever did so before.
    ///
    /// # Errors
    /// The path is too long for a socket, or the file system holds none.
    pub(super) fn serve(data: &DataFolder, app: &Arc<App>, limits: ConnectionLimits) -> anyhow::Result<Self> {
        let path = data.socket();
        let unfinished = path.with_extension(std::process::id().to_string());
        let listener = (|| {
            private_file::remove(&unfinished)?;
            let listener = UnixListener::bind(&unfinished)?;
            set_permissions(&unfinished, Permissions::from_mode(0o600))?;
            rename(&unfinished, &path)?;
            anyhow::Ok(listener)
        })();
        let listener = listener.with_context(|| format!("cannot listen on {}", path.display()))?;
        let app = Arc::clone(app);
        let (ending, ended) = watch::channel(false);
        let serving = tokio::spawn(async move {
            if let Err(error) = keirin_api::serve(listener, app, limits, ended).await {
                tracing::error!(%error, "programs on this machine do not reach the server by its socket any more");
            }
        });
        Ok(Self { ending, serving })
    }

    /// Lets nobody else in, and waits until everybody has the last answer.
    pub(super) async fn end(self) {
        drop(self.ending);
        // What fails in it is logged there.
        drop(self.serving.await);
    }
}
