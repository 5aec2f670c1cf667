//! A small HTTP server on loopback, ended with its test.

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use url::Url;

/// A server with these routes; ended when it is dropped.
pub(crate) struct Server {
    pub(crate) url: Url,
    task: AbortHandle,
}

impl Server {
    pub(crate) async fn start(routes: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }).abort_handle();
        Self { url, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address on loopback that nobody listens at.
pub(crate) async fn nobody() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap()
}
