//! A server on a free port that remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use keirin_client::{Client, Connection};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A call as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// How many calls came before it.
    pub(crate) number: usize,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A server that ends with the test.
pub(crate) struct Double {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Double {
    /// Answers every call by this function.
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Response + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let remembered = Arc::clone(&asked);
        let router = Router::new().fallback(move |request: Request| {
            let (remembered, answer) = (Arc::clone(&remembered), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
                let asked = {
                    let mut remembered = remembered.lock().unwrap();
                    let asked = Asked {
                        method: parts.method,
                        path: parts.uri.to_string(),
                        headers: parts.headers,
                        body: body.to_vec(),
                        number: remembered.len(),
                    };
                    remembered.push(asked.clone());
                    asked
                };
                answer(&asked)
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, asked, task }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn connection(&self) -> Connection {
        connection(&self.address)
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.connection(), Some("krn_secret".to_owned()))
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn connection(address: &str) -> Connection {
    Connection::new(&address.parse().unwrap(), None)
}

/// An answer with this status, media type and body.
pub(crate) fn answer(status: u16, media_type: &str, body: impl Into<Body>) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", media_type)
        .body(body.into())
        .unwrap()
}

pub(crate) fn json(body: &str) -> Response {
    answer(200, "application/json", body.to_owned())
}
