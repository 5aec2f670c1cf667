//! A server at its address.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, IntoUrl, Method, RequestBuilder};
use tokio::time::{Instant, sleep};
use url::Url;

use crate::answer::OpenAnswer;
use crate::authentication::Authentication;
use crate::connect;
use crate::error::HttpError;
use crate::figures::{CallFigures, SharedFigures};
use crate::proxy::ProxyAddress;
use crate::retry::RetryPolicy;

/// How much a call may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// How long it may take, its answer included; `None` for an answer that does not end by itself.
    pub timeout: Option<Duration>,
    /// How large its answer may be, in bytes after decompression.
    pub answer_bytes: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            timeout: Some(Duration::from_secs(30)),
            answer_bytes: 64 * 1024 * 1024,
        }
    }
}

/// How a server is called.
#[derive(Debug, Clone, Default)]
pub struct EndpointSettings {
    /// Who the caller is.
    pub sign_in: Authentication,
    /// How much a call may cost.
    pub limits: CallLimits,
    /// When a call is made again.
    pub retry: RetryPolicy,
    /// A certificate authority in PEM that is trusted beside the system's.
    pub authority: Option<String>,
    /// The proxy that connects; without one the server is reached directly.
    pub proxy: Option<ProxyAddress>,
    /// The Unix socket that all connections go to; the address stands in requests alone then.
    pub socket: Option<PathBuf>,
}

/// A server at its address.
#[derive(Clone)]
pub struct Endpoint {
    http: Client,
    base: Url,
    shown: String,
    proxy: Option<ProxyAddress>,
    limits: CallLimits,
    retry: RetryPolicy,
    figures: Arc<SharedFigures>,
}

impl Endpoint {
    /// A server at this address; no connection is made yet.
    ///
    /// # Errors
    /// The address is not one of HTTP, or TLS, the sign-in or the proxy cannot be used.
    pub fn new(address: &Url, settings: &EndpointSettings) -> Result<Self, HttpError> {
        let shown = without_sign_in(address);
        Ok(Self {
            http: connect::client(address, &shown, settings)?,
            base: address.clone(),
            shown,
            proxy: settings.proxy.clone(),
            limits: settings.limits,
            retry: settings.retry,
            figures: Arc::default(),
        })
    }

    /// The address without user and password, and without a slash at its end.
    pub fn address(&self) -> &str {
        &self.shown
    }

    /// The address with this path behind it.
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let joined = format!(
            "{}/{}",
            url.path().trim_end_matches('/'),
            path.trim_start_matches('/')
        );
        url.set_path(&joined);
        url
    }

    /// The address as it was given.
    pub const fn base(&self) -> &Url {
        &self.base
    }

    /// A request to this server, to be completed.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Makes a call, again where that may help, and gives the whole content of the answer.
    ///
    /// # Errors
    /// The last call got no answer of success within the time and the size that may be.
    pub async fn call(&self, request: impl Fn() -> RequestBuilder + Sync) -> Result<Bytes, HttpError> {
        let mut waits = self.retry.waits();
        loop {
            let error = match self.once(request()).await {
                Ok(body) => return Ok(body),
                Err(error) if error.is_transient() => error,
                Err(error) => return Err(error),
            };
            match self.retry.wait(waits.next(), error.retry_after()) {
                None => return Err(error),
                Some(wait) => sleep(wait).await,
            }
        }
    }

    async fn once(&self, request: RequestBuilder) -> Result<Bytes, HttpError> {
        self.open(request).await?.body().await
    }

    /// Makes a call once and takes the head of its answer; its content is read piece by piece, within the same time.
    ///
    /// # Errors
    /// There is no answer of success in time.
    pub async fn open(&self, request: RequestBuilder) -> Result<OpenAnswer, HttpError> {
        let open = self.send(request, self.limits).await?;
        if open.is_success() {
            Ok(open)
        } else {
            Err(open.refusal().await)
        }
    }

    /// Makes a call once, within limits of its own, and takes the head of its answer, whatever it says.
    ///
    /// # Errors
    /// There is no answer in time.
    pub async fn send(&self, request: RequestBuilder, limits: CallLimits) -> Result<OpenAnswer, HttpError> {
        let request = match limits.timeout {
            Some(timeout) => request.timeout(timeout),
            None => request,
        };
        let begun = Instant::now();
        let response = request.send().await;
        let status = response.as_ref().ok().map(|response| response.status().as_u16());
        self.figures.count(status, begun.elapsed());
        let response = response.map_err(|error| self.unanswered(&error))?;
        Ok(OpenAnswer::new(response, &self.shown, limits.answer_bytes))
    }

    /// Why there is no answer; a proxy that connects may be what is at fault.
    fn unanswered(&self, error: &reqwest::Error) -> HttpError {
        match (HttpError::broken(&self.shown, error), &self.proxy) {
            (HttpError::Unreachable { address, reason }, Some(proxy)) => HttpError::Unreachable {
                address,
                reason: format!("by the proxy {proxy}: {reason}"),
            },
            (error, _) => error,
        }
    }

    /// What has come of its calls since the program started.
    pub fn figures(&self) -> CallFigures {
        self.figures.get()
    }
}

impl fmt::Debug for Endpoint {
    /// Leaves user and password out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Endpoint")
            .field("address", &self.shown)
            .finish_non_exhaustive()
    }
}

/// An address as it may be shown: without user and password, without what stands behind its path, and without a slash at its
/// end.
pub fn without_sign_in(address: &Url) -> String {
    let mut shown = address.clone();
    // An address that can have neither has none to hide.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.as_str().trim_end_matches('/').to_owned()
}
