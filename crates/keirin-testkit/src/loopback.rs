//! A small HTTP server on loopback, for tests of those that call servers.

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use url::Url;

/// A server with these routes; ended when it is dropped.
pub struct LoopbackServer {
    /// Where it is.
    pub url: Url,
    task: AbortHandle,
}

impl LoopbackServer {
    /// Begins to listen.
    ///
    /// # Panics
    /// No port is free.
    pub async fn start(routes: Router) -> Self {
        let (listener, url) = listen().await;
        let served = async move {
            axum::serve(listener, routes)
                .await
                .expect("served until it is ended")
        };
        Self {
            url,
            task: tokio::spawn(served).abort_handle(),
        }
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address on loopback that nobody listens at.
///
/// # Panics
/// No port is free.
pub async fn nobody() -> Url {
    listen().await.1
}

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a listener has an address");
    let url = format!("http://{address}").parse().expect("an address is a URL");
    (listener, url)
}
