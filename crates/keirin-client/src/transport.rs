//! One request to a server of ours, with its answer: addresses, timeouts, bounds, and errors told apart.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use keirin_http::{CallLimits, Endpoint, EndpointSettings, HttpError, OpenAnswer, without_sign_in};
use keirin_wire::api::{Problem, QueryRefusal};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

use crate::Result;
use crate::error::ClientError;

/// How long a call may take where nothing else is said. The slowest, making a project, fetches its repository.
const CALL: Duration = Duration::from_secs(90);

/// The largest answer that is read into memory where nothing else is said, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// The largest problem document, in bytes.
const LARGEST_PROBLEM: usize = 1024 * 1024;

/// A server at its address.
#[derive(Debug, Clone)]
pub struct Connection {
    /// As it may be shown.
    address: String,
    /// Where no call can be made, each says why.
    endpoint: std::result::Result<Endpoint, HttpError>,
}

/// A request as it is put together.
pub(crate) struct Call<'a> {
    connection: &'a Connection,
    request: Result<reqwest::RequestBuilder>,
    limits: CallLimits,
}

impl Connection {
    /// A server at this address, reached directly; or by a Unix socket on this machine, and the address stands in requests
    /// alone.
    pub fn new(address: &Url, socket: Option<&Path>) -> Self {
        let settings = EndpointSettings {
            socket: socket.map(Path::to_owned),
            ..EndpointSettings::default()
        };
        Self {
            address: without_sign_in(address),
            endpoint: Endpoint::new(address, &settings),
        }
    }

    /// The server's address, without user and password, and without a slash at its end.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn call(&self, method: Method, path: &str, token: Option<&str>) -> Call<'_> {
        Call {
            connection: self,
            request: self.request(method, path, token),
            limits: CallLimits {
                timeout: Some(CALL),
                answer_bytes: LARGEST_ANSWER,
            },
        }
    }

    fn endpoint(&self) -> Result<&Endpoint> {
        let endpoint = self.endpoint.as_ref();
        endpoint.map_err(|error| ClientError::from(error.clone()))
    }

    fn request(&self, method: Method, path: &str, token: Option<&str>) -> Result<reqwest::RequestBuilder> {
        let endpoint = self.endpoint()?;
        let mut url = endpoint.base().clone();
        url.set_query(None);
        url.set_fragment(None);
        let base = url.as_str().trim_end_matches('/');
        let mut request = endpoint.request(method, format!("{base}{path}"));
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
            address: self.address().to_owned(),
            status: None,
            reason: reason.to_string(),
        }
    }

    pub(crate) fn unreachable(&self, reason: impl ToString) -> ClientError {
        ClientError::Unreachable {
            address: self.address().to_owned(),
            reason: reason.to_string(),
        }
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
        self.limits.timeout = limit;
        self
    }

    /// How large the answer may be, in bytes.
    pub(crate) const fn at_most(mut self, bytes: usize) -> Self {
        self.limits.answer_bytes = bytes;
        self
    }

    fn with(mut self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        self.request = self.request.map(change);
        self
    }

    /// An answer in JSON.
    pub(crate) async fn receive<T: DeserializeOwned>(self) -> Result<T> {
        let connection = self.connection;
        let mut answer = self.header(ACCEPT.as_str(), "application/json").send().await?;
        let body = answer.body().await?;
        serde_json::from_slice(&body).map_err(|error| connection.unreadable(error))
    }

    /// An answer without content.
    pub(crate) async fn done(self) -> Result<()> {
        self.send().await.map(drop)
    }

    /// What stands before the content of an answer.
    pub(crate) async fn head(self) -> Result<HeaderMap> {
        Ok(self.send().await?.headers().clone())
    }

    /// An answer in pieces, however many.
    pub(crate) async fn stream(self) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let answer = self.at_most(usize::MAX).send().await?;
        Ok(answer.pieces().map_err(ClientError::from))
    }

    async fn send(self) -> Result<OpenAnswer> {
        let connection = self.connection;
        let answer = connection.endpoint()?.send(self.request?, self.limits).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        Err(refusal(connection, answer).await)
    }
}

async fn refusal(connection: &Connection, answer: OpenAnswer) -> ClientError {
    let mut answer = answer.at_most(LARGEST_PROBLEM);
    let bytes = match answer.body().await {
        Ok(bytes) => bytes,
        Err(error) => return error.into(),
    };
    if let Ok(problem) = serde_json::from_slice::<Problem>(&bytes) {
        return ClientError::Problem(Box::new(problem));
    }
    if let Ok(refusal) = serde_json::from_slice::<QueryRefusal>(&bytes) {
        return ClientError::Query(Box::new(refusal));
    }
    let status = answer.status();
    let reason = match (status, answer.elsewhere()) {
        // A proxy in between says so while its server is away.
        (StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT, _) => {
            return connection.unreachable(format!("the proxy before it answers {status}"));
        }
        (_, Some(elsewhere)) => {
            format!("it sends callers to {elsewhere}; give the address that people use")
        }
        (status, None) => format!("it is {status} without a problem document, so it is not Keirin's"),
    };
    ClientError::Protocol {
        address: connection.address().to_owned(),
        status: Some(status.as_u16()),
        reason,
    }
}
