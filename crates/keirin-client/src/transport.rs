//! One request and its answer: addresses, timeouts, bounds, and errors told apart.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use keirin_wire::api::Problem;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::Result;
use crate::error::ClientError;

/// How long it may take until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the server may be silent within an answer. A long poll is silent for 20 s, a stream of events for 15 s.
const SILENCE: Duration = Duration::from_secs(60);

/// The largest answer that is read into memory.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// How connections are made; one is enough for a program.
#[derive(Debug, Clone)]
pub struct Connector {
    http: reqwest::Client,
}

impl Connector {
    /// Connections that reach their servers directly, or by this proxy.
    ///
    /// # Errors
    /// The proxy's address cannot be used.
    pub fn new(version: &str, proxy: Option<&Url>) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .user_agent(format!("keirin/{version}"))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true);
        let wrong = |error: reqwest::Error| ClientError::Unreachable {
            address: proxy.map(Url::to_string).unwrap_or_default(),
            reason: causes(&error),
        };
        if let Some(proxy) = proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(wrong)?);
        }
        let http = builder.build().map_err(wrong)?;
        Ok(Self { http })
    }

    /// A server at this address.
    pub fn at(&self, address: &Url) -> Connection {
        Connection {
            http: self.http.clone(),
            base: address.as_str().trim_end_matches('/').to_owned(),
        }
    }
}

/// A server at its address.
#[derive(Debug, Clone)]
pub struct Connection {
    http: reqwest::Client,
    base: String,
}

/// A request as it is put together.
pub(crate) struct Call<'a> {
    connection: &'a Connection,
    request: reqwest::RequestBuilder,
}

impl Connection {
    /// The server's address, without a slash at its end.
    pub fn address(&self) -> &str {
        &self.base
    }

    pub(crate) fn call(&self, method: Method, path: &str, token: Option<&str>) -> Call<'_> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header(ACCEPT, "application/json");
        if let Some(mut value) = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok()) {
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        Call {
            connection: self,
            request,
        }
    }

    pub(crate) fn unreadable(&self, reason: impl ToString) -> ClientError {
        ClientError::Protocol {
            address: self.base.clone(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn broken(&self, error: &reqwest::Error) -> ClientError {
        ClientError::Unreachable {
            address: self.base.clone(),
            reason: causes(error),
        }
    }
}

impl Call<'_> {
    pub(crate) fn query(mut self, query: &(impl Serialize + ?Sized)) -> Self {
        self.request = self.request.query(query);
        self
    }

    pub(crate) fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.request = self.request.json(body);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        self.request = self
            .request
            .header(reqwest::header::CONTENT_TYPE, "application/octet-stream")
            .body(body);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// An answer in JSON.
    pub(crate) async fn receive<T: DeserializeOwned>(self) -> Result<T> {
        let connection = self.connection;
        let response = self.send().await?;
        let bytes = collect(connection, response).await?;
        serde_json::from_slice(&bytes).map_err(|error| connection.unreadable(error))
    }

    /// An answer without content.
    pub(crate) async fn done(self) -> Result<()> {
        self.send().await.map(drop)
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
        let response = self
            .request
            .send()
            .await
            .map_err(|error| connection.broken(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(refusal(connection, status, response).await)
    }
}

async fn refusal(connection: &Connection, status: StatusCode, response: Response) -> ClientError {
    let bytes = match collect(connection, response).await {
        Ok(bytes) => bytes,
        Err(error) => return error,
    };
    match serde_json::from_slice::<Problem>(&bytes) {
        Ok(problem) => ClientError::Problem(Box::new(problem)),
        // A proxy in between says so while its server is away.
        Err(_) if matches!(status.as_u16(), 502..=504) => ClientError::Unreachable {
            address: connection.base.clone(),
            reason: format!("the proxy before it answers {status}"),
        },
        Err(_) => connection.unreadable(format!("it is {status} without a problem document, so it is not Keirin's")),
    }
}

async fn collect(connection: &Connection, mut response: Response) -> Result<Bytes> {
    let mut collected = BytesMut::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| connection.broken(&error))?
    {
        if collected.len() + piece.len() > LARGEST_ANSWER {
            return Err(connection.unreadable(format!("it is larger than {LARGEST_ANSWER} bytes")));
        }
        collected.extend_from_slice(&piece);
    }
    Ok(collected.freeze())
}

/// An error with what caused it, since the outermost alone says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        cause = error.source();
    }
    texts.join(": ")
}
