//! Connections, and one request with its answer: addresses, timeouts, bounds, and errors told apart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use keirin_wire::api::{Problem, QueryRefusal};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Method, Response, StatusCode};
use rustls::crypto::{CryptoProvider, ring};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

use crate::Result;
use crate::error::ClientError;

/// How long it may take until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// How long what was sent may stay unacknowledged before the connection counts as broken.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// How long a call may take where nothing else is said. The slowest, making a project, fetches its repository.
const CALL: Duration = Duration::from_secs(90);

/// The largest answer that is read into memory where nothing else is said, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// The largest problem document, in bytes.
const LARGEST_PROBLEM: usize = 1024 * 1024;

/// How connections are made; one is enough for a program.
#[derive(Debug, Clone)]
pub struct Connector {
    version: String,
    socket: Option<PathBuf>,
    plain: reqwest::Client,
}

impl Connector {
    /// Connections that go where the address of their server says; with a Unix socket, all of them go there instead, and
    /// the address stands in requests alone.
    ///
    /// # Errors
    /// No connection can be made from this machine at all.
    pub fn new(version: &str, socket: Option<&Path>) -> Result<Self> {
        // The program has installed the same provider, or none; a second one is not taken.
        if CryptoProvider::get_default().is_none() {
            drop(ring::default_provider().install_default());
        }
        let plain = builder(version, socket).tls_certs_only([]).build();
        let plain = plain
            .map_err(|error| ClientError::Unusable(format!("no call can be made: {}", innermost(&error))))?;
        Ok(Self {
            version: version.to_owned(),
            socket: socket.map(Path::to_owned),
            plain,
        })
    }

    /// A server at this address.
    pub fn at(&self, address: &Url) -> Connection {
        let mut base = address.clone();
        base.set_query(None);
        base.set_fragment(None);
        Connection {
            http: self.http(address),
            base: base.as_str().trim_end_matches('/').to_owned(),
        }
    }

    /// The system's certificates are read only where they are needed: a small machine may have none.
    fn http(&self, address: &Url) -> std::result::Result<reqwest::Client, Arc<str>> {
        match address.scheme() {
            "http" => Ok(self.plain.clone()),
            "https" => builder(&self.version, self.socket.as_deref())
                .build()
                .map_err(|error| {
                    let reason = innermost(&error);
                    format!(
                        "TLS cannot be used: {reason}; install the system's certificates (`ca-certificates`)"
                    )
                    .into()
                }),
            scheme => Err(format!("{scheme}: is not how a server is reached; use http: or https:").into()),
        }
    }
}

fn builder(version: &str, socket: Option<&Path>) -> ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(format!("keirin/{version}"))
        .connect_timeout(CONNECT)
        .tcp_keepalive(UNACKNOWLEDGED)
        .tcp_user_timeout(UNACKNOWLEDGED)
        .tcp_nodelay(true)
        .redirect(Policy::none())
        .no_proxy();
    match socket {
        Some(socket) => builder.unix_socket(socket),
        None => builder,
    }
}

/// A server at its address.
#[derive(Debug, Clone)]
pub struct Connection {
    http: std::result::Result<reqwest::Client, Arc<str>>,
    base: String,
}

/// A request as it is put together.
pub(crate) struct Call<'a> {
    connection: &'a Connection,
    request: Result<reqwest::RequestBuilder>,
    limit: Option<Duration>,
    largest: usize,
}

impl Connection {
    /// The server's address, without a slash at its end.
    pub fn address(&self) -> &str {
        &self.base
    }

    pub(crate) fn call(&self, method: Method, path: &str, token: Option<&str>) -> Call<'_> {
        Call {
            connection: self,
            request: self.request(method, path, token),
            limit: Some(CALL),
            largest: LARGEST_ANSWER,
        }
    }

    fn request(&self, method: Method, path: &str, token: Option<&str>) -> Result<reqwest::RequestBuilder> {
        let http = self.http.as_ref();
        let http = http.map_err(|reason| ClientError::Unusable(reason.to_string()))?;
        let mut request = http.request(method, format!("{}{path}", self.base));
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
                ClientError::Unusable(
                    "the token holds characters that no token has; copy it again, without line breaks"
                        .to_owned(),
                )
            })?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        Ok(request)
    }

    pub(crate) fn unreadable(&self, reason: impl ToString) -> ClientError {
        ClientError::Protocol {
            address: self.base.clone(),
            status: None,
            reason: reason.to_string(),
        }
    }

    pub(crate) fn unreachable(&self, reason: impl ToString) -> ClientError {
        ClientError::Unreachable {
            address: self.base.clone(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn broken(&self, error: &reqwest::Error) -> ClientError {
        if error.is_builder() {
            return ClientError::Unusable(format!("the call cannot be made: {}", innermost(error)));
        }
        if error.is_timeout() {
            return self.unreachable("it did not answer in time");
        }
        self.unreachable(innermost(error))
    }
}

impl Call<'_> {
    pub(crate) fn query(self, query: &(impl Serialize + ?Sized)) -> Self {
        self.with(|request| request.query(query))
    }

    pub(crate) fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.with(|request| request.json(body))
    }

    /// Sends names and values as a form does.
    pub(crate) fn form(self, pairs: &[(&str, String)]) -> Self {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.typed("application/x-www-form-urlencoded", form.into_bytes())
    }

    /// Sends bytes of this type.
    pub(crate) fn typed(self, content_type: &str, body: Vec<u8>) -> Self {
        self.with(|request| request.header(CONTENT_TYPE, content_type).body(body))
    }

    /// Sends bytes as they are; `length` where they come as a stream.
    pub(crate) fn body(self, body: impl Into<reqwest::Body>, length: Option<u64>) -> Self {
        let call = self.with(|request| {
            request
                .header(CONTENT_TYPE, "application/octet-stream")
                .body(body)
        });
        match length {
            Some(length) => call.with(|request| request.header(CONTENT_LENGTH, length)),
            None => call,
        }
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.with(|request| request.header(name, value))
    }

    /// How long the call may take, its answer included; `None` for an answer that does not end by itself.
    pub(crate) const fn within(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// How large the answer may be, in bytes.
    pub(crate) const fn at_most(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    fn with(mut self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        self.request = self.request.map(change);
        self
    }

    /// An answer in JSON.
    pub(crate) async fn receive<T: DeserializeOwned>(self) -> Result<T> {
        let (connection, largest) = (self.connection, self.largest);
        let response = self.header(ACCEPT.as_str(), "application/json").send().await?;
        let bytes = collect(connection, response, largest).await?;
        serde_json::from_slice(&bytes).map_err(|error| connection.unreadable(error))
    }

    /// An answer without content.
    pub(crate) async fn done(self) -> Result<()> {
        self.send().await.map(drop)
    }

    /// What stands before the content of an answer.
    pub(crate) async fn head(self) -> Result<HeaderMap> {
        Ok(self.send().await?.headers().clone())
    }

    /// An answer in pieces.
    pub(crate) async fn stream(self) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let connection = self.connection.clone();
        let response = self.send().await?;
        Ok(response
            .bytes_stream()
            .map(move |piece| piece.map_err(|error| connection.broken(&error))))
    }

    async fn send(self) -> Result<Response> {
        let connection = self.connection;
        let request = match self.limit {
            Some(limit) => self.request?.timeout(limit),
            None => self.request?,
        };
        let response = request.send().await.map_err(|error| connection.broken(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(connection, response).await)
    }
}

async fn refusal(connection: &Connection, response: Response) -> ClientError {
    let status = response.status();
    let elsewhere = response.headers().get(LOCATION).cloned();
    let bytes = match collect(connection, response, LARGEST_PROBLEM).await {
        Ok(bytes) => bytes,
        Err(error) => return error,
    };
    if let Ok(problem) = serde_json::from_slice::<Problem>(&bytes) {
        return ClientError::Problem(Box::new(problem));
    }
    if let Ok(refusal) = serde_json::from_slice::<QueryRefusal>(&bytes) {
        return ClientError::Query(Box::new(refusal));
    }
    let reason = match (status, elsewhere) {
        // A proxy in between says so while its server is away.
        (StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT, _) => {
            return connection.unreachable(format!("the proxy before it answers {status}"));
        }
        (status, Some(elsewhere)) if status.is_redirection() => format!(
            "it sends callers to {}; give the address that people use",
            String::from_utf8_lossy(elsewhere.as_bytes())
        ),
        (status, _) => format!("it is {status} without a problem document, so it is not Keirin's"),
    };
    ClientError::Protocol {
        address: connection.base.clone(),
        status: Some(status.as_u16()),
        reason,
    }
}

async fn collect(connection: &Connection, mut response: Response, largest: usize) -> Result<Bytes> {
    let too_large = || connection.unreadable(format!("it is larger than {largest} bytes"));
    if response
        .content_length()
        .is_some_and(|length| length > largest as u64)
    {
        return Err(too_large());
    }
    let mut collected = BytesMut::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| connection.broken(&error))?
    {
        if collected.len() + piece.len() > largest {
            return Err(too_large());
        }
        collected.extend_from_slice(&piece);
    }
    Ok(collected.freeze())
}

/// The cause at the bottom: what stands above it repeats the address and says "error".
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
