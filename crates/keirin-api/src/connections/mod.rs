//! Accepting connections: how many there may be, how long they may be silent, and that those who ask after the server's
//! health are always heard.
//!
//! A connection is idle while the server waits for its client: for a request, for more of its body, or until more of the
//! answer is taken. When there is no room, the longest idle connection gives way to a new one; so silence keeps nobody
//! out. Where the server works for every connection, a few more are let in beside them: they are told so, and health
//! checks are answered.

mod event_streams;
mod pool;
mod stall;

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::future::BoxFuture;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt as _;

use crate::app::App;
use crate::error::ApiError;
use crate::server::router;
pub(crate) use event_streams::{AnonymousStream, EventStreams, StreamHolder, StreamShare};
pub(crate) use pool::AddressPrefix;
use pool::{ConnectionId, ConnectionPool};
use stall::WriteTimeout;

/// How long a connection may be silent before a request, and how long the head of one may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The same for a connection beside those that there is room for.
const SPARE_HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client may take nothing of its answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(120);

/// How often the log tells that the system refuses connections.
const REFUSAL_TOLD_EVERY: Duration = Duration::from_secs(60);

/// How many connections are let in beside those that there is room for.
const SPARE: usize = 32;

/// How long, and how many bytes, a client may go on sending that has been answered already. Closing at once would reset
/// the connection, and the client would lose the answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 1024 * 1024;

/// How long no connection is accepted after the system refused one, for want of files or memory.
const AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// At once; some [`ConnectionLimits::SPARE`] come on top.
    pub total: usize,
    /// At once from one address, or one network of IPv6. Trusted proxies are not counted.
    pub per_address: usize,
}

impl ConnectionLimits {
    /// How many connections there may be beside the total, for health checks and to say that there is no room.
    pub const SPARE: usize = SPARE;
}

/// Where clients connect to.
pub trait Listener: Send {
    /// A connection to one of them.
    type Connection: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, and the address of who made it.
    ///
    /// # Errors
    /// The system gives none at the moment.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Connection, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    type Connection = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = Self::accept(self).await?;
        // Events are small and wanted at once. Where it cannot be set they come a little later.
        drop(stream.set_nodelay(true));
        Ok((stream, peer))
    }
}

impl Listener for UnixListener {
    type Connection = UnixStream;

    /// Whoever connects does so from this machine.
    async fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (stream, _) = Self::accept(self).await?;
        Ok((stream, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
    }
}

/// Serves HTTP on a listener until `ending` turns true, and then until the last answer is given.
///
/// # Errors
/// None at present: what fails is one connection's alone.
pub async fn serve(
    listener: impl Listener,
    app: Arc<App>,
    limits: ConnectionLimits,
    mut ending: watch::Receiver<bool>,
) -> io::Result<()> {
    let gate = Arc::new(ConnectionGate {
        router: router(&app),
        main: Mutex::new(ConnectionPool::new(limits.total, limits.per_address)),
        spare: Mutex::new(ConnectionPool::new(SPARE, SPARE)),
        event_streams: Arc::new(EventStreams::new(limits)),
        refusal_told: Mutex::default(),
        app,
    });
    let told = ending.clone();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Some(admitted) = gate.admit(peer) {
                        connections.spawn(serve_connection(stream, admitted, told.clone()));
                    }
                }
                Err(error) => gate.survive(&error).await,
            },
            Some(ended) = connections.join_next() => log_panic(ended),
            () = told_to_end(&mut ending) => break,
        }
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        log_panic(ended);
    }
    Ok(())
}

async fn told_to_end(ending: &mut watch::Receiver<bool>) {
    // An error says that nobody is left who could tell.
    drop(ending.wait_for(|ending| *ending).await);
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection broke by a fault of the server");
    }
}

/// What decides which connections are let in.
struct ConnectionGate {
    app: Arc<App>,
    router: Router,
    main: Mutex<ConnectionPool<oneshot::Sender<Infallible>>>,
    /// Beside those that there is room for.
    spare: Mutex<ConnectionPool<oneshot::Sender<Infallible>>>,
    event_streams: Arc<EventStreams>,
    /// When the log last told that the system refuses connections.
    refusal_told: Mutex<Option<Instant>>,
}

impl ConnectionGate {
    /// Lets a connection in, or leaves it where even the spare ones are in use.
    fn admit(self: &Arc<Self>, peer: SocketAddr) -> Option<Admitted> {
        let is_proxy = self
            .app
            .settings
            .trusted_proxies
            .contains(&peer.ip().to_canonical());
        let address = (!is_proxy).then(|| AddressPrefix::of(peer.ip()));
        let (handle, evicted) = oneshot::channel();
        let (id, has_room, evicted) = match lock(&self.main).admit(address, handle) {
            Some(id) => (id, true, evicted),
            None => {
                let (handle, evicted) = oneshot::channel();
                (lock(&self.spare).admit(None, handle)?, false, evicted)
            }
        };
        Some(Admitted {
            slot: Arc::new(Slot {
                gate: Arc::clone(self),
                id,
                has_room,
                is_busy: AtomicBool::new(false),
            }),
            peer,
            evicted,
        })
    }

    /// The system has refused a connection: most often there are no files left, so an idle connection gives its own.
    async fn survive(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        if matches!(
            error.kind(),
            ConnectionAborted | ConnectionRefused | ConnectionReset
        ) {
            return;
        }
        // It comes again for as long as somebody attacks, and the log is not to grow with it.
        let now = Instant::now();
        let told = *lock(&self.refusal_told);
        if told.is_none_or(|told| now.duration_since(told) >= REFUSAL_TOLD_EVERY) {
            *lock(&self.refusal_told) = Some(now);
            tracing::warn!(%error, "a connection cannot be accepted at the moment");
        }
        lock(&self.main).evict_idle();
        sleep(AFTER_REFUSAL).await;
    }

    /// Whether a path asks after the server's health, below the sub-path or not.
    fn is_health_check(&self, path: &str) -> bool {
        let own = path.strip_prefix(self.app.settings.base()).unwrap_or(path);
        matches!(own, "/healthz" | "/readyz")
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that has been let in.
struct Admitted {
    slot: Arc<Slot>,
    peer: SocketAddr,
    /// Ends with an error when the connection has to give way.
    evicted: oneshot::Receiver<Infallible>,
}

/// A connection's slot in its pool; given back when it is dropped.
struct Slot {
    gate: Arc<ConnectionGate>,
    id: ConnectionId,
    has_room: bool,
    /// Whether a request is under way.
    is_busy: AtomicBool,
}

impl Slot {
    fn begin_request(&self) {
        self.is_busy.store(true, Ordering::Relaxed);
        self.pool().set_busy(self.id);
    }

    fn end_request(&self) {
        self.is_busy.store(false, Ordering::Relaxed);
        self.pool().set_idle(self.id);
    }

    /// The server begins to wait for the client.
    fn begin_wait(&self) {
        self.pool().set_idle(self.id);
    }

    fn end_wait(&self) {
        if self.is_busy.load(Ordering::Relaxed) {
            self.pool().set_busy(self.id);
        }
    }

    fn pool(&self) -> MutexGuard<'_, ConnectionPool<oneshot::Sender<Infallible>>> {
        lock(if self.has_room {
            &self.gate.main
        } else {
            &self.gate.spare
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool().remove(self.id);
    }
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    admitted: Admitted,
    mut ending: watch::Receiver<bool>,
) {
    let Admitted {
        slot,
        peer,
        mut evicted,
    } = admitted;
    let has_room = slot.has_room;
    let waits = Arc::clone(&slot);
    let stream = WriteTimeout::new(stream, WRITE_TIMEOUT, move |begins| {
        if begins {
            waits.begin_wait()
        } else {
            waits.end_wait()
        }
    });
    let stream = TokioIo::new(stream);
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if has_room {
            HEAD_TIMEOUT
        } else {
            SPARE_HEAD_TIMEOUT
        })
        .keep_alive(has_room)
        .serve_connection(
            stream,
            Answering {
                slot: Arc::clone(&slot),
                peer,
            },
        );
    let mut told = false;
    let served = loop {
        tokio::select! {
            served = poll_fn(|context| connection.poll_without_shutdown(context)) => break served,
            _ = &mut evicted => return,
            () = told_to_end(&mut ending), if !told => {
                told = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended before its time");
    }
    slot.end_request();
    let linger = linger(connection.into_parts().io.into_inner());
    tokio::select! {
        // The answer is given; what becomes of the rest is the client's affair.
        _ = timeout(LINGER, linger) => {}
        _ = &mut evicted => {}
    }
}

/// Says that nothing more will come, and waits until the client has understood.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = pin!(stream.take(LINGER_BYTES));
    let mut thrown_away = [0; 8192];
    while rest.read(&mut thrown_away).await? > 0 {}
    Ok(())
}

/// Answers the requests of one connection.
struct Answering {
    slot: Arc<Slot>,
    peer: SocketAddr,
}

impl Service<Request<Incoming>> for Answering {
    type Response = Response<TrackedAnswer>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let busy = Busy::begin(&self.slot);
        let gate = &self.slot.gate;
        if !self.slot.has_room && !gate.is_health_check(request.uri().path()) {
            return Box::pin(async { Ok(no_room().map(|body| TrackedAnswer { body, _busy: busy })) });
        }
        let slot = Arc::clone(&self.slot);
        let mut request = request.map(|body| {
            Body::new(TrackedRequest {
                body,
                slot,
                is_waiting: false,
            })
        });
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(Arc::clone(&gate.event_streams));
        let answer = gate.router.clone().oneshot(request);
        Box::pin(async {
            let response = answer.await?;
            Ok(response.map(|body| TrackedAnswer { body, _busy: busy }))
        })
    }
}

fn no_room() -> Response {
    let error = ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "no-connection-left",
        "All connections of the server, or all that one address may have, are in use.",
    )
    .fix("Try again in a few seconds, with fewer connections at once.")
    .retry_after(5);
    let mut response = error.into_response();
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A request that is under way until this is dropped.
struct Busy(Arc<Slot>);

impl Busy {
    fn begin(slot: &Arc<Slot>) -> Self {
        slot.begin_request();
        Self(Arc::clone(slot))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end_request();
    }
}

/// The body of a request: the server waits for the client while it wants more than has come.
struct TrackedRequest {
    body: Incoming,
    slot: Arc<Slot>,
    is_waiting: bool,
}

impl HttpBody for TrackedRequest {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match (frame.is_pending(), self.is_waiting) {
            (true, false) => self.slot.begin_wait(),
            (false, true) => self.slot.end_wait(),
            _ => {}
        }
        self.is_waiting = frame.is_pending();
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TrackedRequest {
    fn drop(&mut self) {
        if self.is_waiting {
            self.slot.end_wait();
        }
    }
}

/// The body of an answer: its request is under way until it has been sent.
struct TrackedAnswer {
    body: Body,
    _busy: Busy,
}

impl HttpBody for TrackedAnswer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
