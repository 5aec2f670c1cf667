//! A small HTTP server over mirrors: what the real HTTP layer does with this crate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use keirin_git::{Mirror, RepositoryUrl, Served, Service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, oneshot};
use tokio_util::task::AbortOnDropHandle;
use tower_http::decompression::RequestDecompressionLayer;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) counts: Arc<Counts>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Default)]
pub(crate) struct Counts {
    /// Requests that may carry objects.
    pub(crate) transfers: AtomicU64,
    /// Of those, the ones that came compressed.
    pub(crate) compressed: AtomicU64,
}

/// The value of `Authorization` that every request must have.
type Password = Option<&'static str>;

impl Server {
    pub(crate) async fn start(mirror: Mirror, password: Password) -> Self {
        let counts = Arc::new(Counts::default());
        let router = Router::new()
            .route("/project.git/info/refs", get(info_refs))
            .route("/project.git/git-upload-pack", post(upload_pack))
            .layer(RequestDecompressionLayer::new())
            .layer(middleware::from_fn_with_state(counts.clone(), count))
            .layer(middleware::from_fn(move |request, next| {
                check(password, request, next)
            }))
            .with_state(mirror);
        let (address, task) = listen(router).await;
        Self {
            address,
            counts,
            _task: task,
        }
    }

    pub(crate) fn url(&self) -> RepositoryUrl {
        RepositoryUrl::parse(&self.address()).unwrap()
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}/project.git", self.address)
    }

    pub(crate) fn transfers(&self) -> u64 {
        self.counts.transfers.load(Ordering::Relaxed)
    }
}

async fn listen(router: Router) -> (SocketAddr, AbortOnDropHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, AbortOnDropHandle::new(task))
}

async fn count(State(counts): State<Arc<Counts>>, request: Request, next: Next) -> Response {
    if request.method() == "POST" {
        counts.transfers.fetch_add(1, Ordering::Relaxed);
        if request.headers().contains_key(header::CONTENT_ENCODING) {
            counts.compressed.fetch_add(1, Ordering::Relaxed);
        }
    }
    next.run(request).await
}

async fn check(password: Password, request: Request, next: Next) -> Response {
    let sent = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if password.is_none() || sent == password {
        return next.run(request).await;
    }
    let refusal = Response::builder()
        .status(StatusCode::UNAUTHORIZED)
        .header(header::WWW_AUTHENTICATE, "Basic realm=\"git\"");
    refusal.body(Body::empty()).unwrap()
}

#[derive(serde::Deserialize)]
struct Wanted {
    service: String,
}

async fn info_refs(
    State(mirror): State<Mirror>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    if let Err(error) = Service::parse(&wanted.service) {
        return Response::builder()
            .status(StatusCode::FORBIDDEN)
            .body(Body::from(error.to_string()))
            .unwrap();
    }
    answer(mirror.serve_info_refs(protocol(&headers)).await.unwrap())
}

async fn upload_pack(State(mirror): State<Mirror>, headers: HeaderMap, body: Body) -> Response {
    answer(
        mirror
            .serve_upload_pack(protocol(&headers), body.into_data_stream())
            .await
            .unwrap(),
    )
}

fn protocol(headers: &HeaderMap) -> Option<&str> {
    headers.get("git-protocol").and_then(|value| value.to_str().ok())
}

fn answer(served: Served) -> Response {
    let response = Response::builder()
        .header(header::CONTENT_TYPE, served.content_type)
        .header(header::CACHE_CONTROL, "no-cache");
    response.body(Body::from_stream(served.body)).unwrap()
}

/// A server that says when somebody has asked, and never answers.
pub(crate) struct Silence {
    pub(crate) url: RepositoryUrl,
    asked: oneshot::Receiver<()>,
    _task: AbortOnDropHandle<()>,
}

impl Silence {
    pub(crate) async fn start() -> Self {
        let (sender, asked) = oneshot::channel();
        let sender = Arc::new(std::sync::Mutex::new(Some(sender)));
        let router = Router::new().fallback(move || {
            let sender = sender.clone();
            async move {
                if let Some(sender) = sender.lock().unwrap().take() {
                    let _ = sender.send(());
                }
                Notify::new().notified().await;
            }
        });
        let (address, task) = listen(router).await;
        Self {
            url: RepositoryUrl::parse(&format!("http://{address}/project.git")).unwrap(),
            asked,
            _task: task,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        let url = url::Url::parse(self.url.as_str()).unwrap();
        url.port().unwrap()
    }

    pub(crate) fn was_asked(&mut self) -> bool {
        self.asked.try_recv().is_ok()
    }

    pub(crate) async fn asked(&mut self) {
        (&mut self.asked).await.unwrap();
    }
}

/// A server that answers every request with these bytes and closes the connection.
pub(crate) struct Breaking {
    pub(crate) url: RepositoryUrl,
    _task: AbortOnDropHandle<()>,
}

impl Breaking {
    pub(crate) async fn start(answer: &'static str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = connection.read(&mut request).await;
                let _ = connection.write_all(answer.as_bytes()).await;
                let _ = connection.shutdown().await;
            }
        });
        Self {
            url: RepositoryUrl::parse(&format!("http://{address}/project.git")).unwrap(),
            _task: AbortOnDropHandle::new(task),
        }
    }
}

/// A server that leads every request to another address.
pub(crate) struct Redirecting {
    pub(crate) url: RepositoryUrl,
    _task: AbortOnDropHandle<()>,
}

impl Redirecting {
    pub(crate) async fn start(to: String) -> Self {
        let router = Router::new().fallback(move |request: Request| {
            let path = request.uri().path_and_query().map(ToString::to_string);
            let to = format!(
                "{to}{}",
                path.unwrap_or_default().trim_start_matches("/project.git")
            );
            async move { axum::response::Redirect::permanent(&to) }
        });
        let (address, task) = listen(router).await;
        Self {
            url: RepositoryUrl::parse(&format!("http://{address}/project.git")).unwrap(),
            _task: task,
        }
    }
}

/// A server that gives out the files of a repository as they lie on disk, and knows nothing of git.
pub(crate) struct Files {
    pub(crate) url: RepositoryUrl,
    _task: AbortOnDropHandle<()>,
}

impl Files {
    pub(crate) async fn start(folder: std::path::PathBuf) -> Self {
        let router = Router::new().fallback(move |request: Request| {
            let path = request.uri().path().trim_start_matches("/project.git/");
            let content = std::fs::read(folder.join(path));
            async move {
                match content {
                    Ok(content) => Response::new(Body::from(content)),
                    Err(_) => Response::builder()
                        .status(StatusCode::NOT_FOUND)
                        .body(Body::empty())
                        .unwrap(),
                }
            }
        });
        let (address, task) = listen(router).await;
        Self {
            url: RepositoryUrl::parse(&format!("http://{address}/project.git")).unwrap(),
            _task: task,
        }
    }
}
