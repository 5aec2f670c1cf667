//! A server at its address.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Response};
use rustls::crypto::{CryptoProvider, ring};
use url::Url;

use super::{Authentication, HttpError, RetryPolicy};

/// How much is read of what a server says to a call that it refuses, in bytes.
const LARGEST_REFUSAL: usize = 4096;

/// How a server is called.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// Who the caller is.
    pub sign_in: Authentication,
    /// How long a call may take, its answer included.
    pub timeout: Duration,
    /// When a call is made again.
    pub retry: RetryPolicy,
    /// How large an answer may be, in bytes after decompression.
    pub largest_answer: usize,
    /// A certificate authority in PEM that is trusted beside the system's.
    pub authority: Option<String>,
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self {
            sign_in: Authentication::None,
            timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            largest_answer: 64 * 1024 * 1024,
            authority: None,
        }
    }
}

/// A server at its address.
#[derive(Debug, Clone)]
pub struct Endpoint {
    http: Client,
    base: Url,
    shown: String,
    settings: EndpointSettings,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The header `Content-Type`; empty where there is none.
    pub content_type: String,
    /// The content, decompressed.
    pub body: Bytes,
}

/// An answer whose content is still to come.
#[derive(Debug)]
pub struct OpenAnswer {
    response: Response,
    shown: String,
    most_bytes: usize,
    read_bytes: usize,
}

impl Endpoint {
    /// A server at this address; no connection is made yet.
    ///
    /// # Errors
    /// The address is not one of HTTP, or TLS cannot be used.
    pub fn new(address: &Url, settings: EndpointSettings) -> Result<Self, HttpError> {
        // The program has installed the same provider, or none; a second one is not taken.
        if CryptoProvider::get_default().is_none() {
            drop(ring::default_provider().install_default());
        }
        let shown = without_sign_in(address);
        let builder = Client::builder()
            .user_agent(concat!("keirin/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.timeout.min(Duration::from_secs(10)))
            .tcp_nodelay(true)
            .redirect(Policy::none())
            .no_proxy();
        let builder = match (address.scheme(), &settings.authority) {
            // The system's certificates are read only where they are needed: a small machine may have none.
            ("http", _) => builder.tls_certs_only([]),
            ("https", None) => builder,
            ("https", Some(pem)) => {
                let authority = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| {
                    HttpError::Unusable(format!(
                        "the certificate authority of {shown} cannot be read: {}; it is expected in PEM",
                        innermost(&error)
                    ))
                })?;
                builder.tls_certs_merge(authority)
            }
            (scheme, _) => {
                return Err(HttpError::Unusable(format!(
                    "{shown} begins with {scheme}:, which is not how a server is reached; use http: or https:"
                )));
            }
        };
        let http = builder.build().map_err(|error| {
            HttpError::Unusable(format!(
                "{shown} cannot be called: {}; install the system's certificates (`ca-certificates`)",
                innermost(&error)
            ))
        })?;
        Ok(Self {
            http,
            base: address.clone(),
            shown,
            settings,
        })
    }

    /// The address without user and password.
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

    /// Makes a call, again where that may help, and takes the whole answer.
    ///
    /// # Errors
    /// The last call got no answer of success within the time and the size that may be.
    pub async fn call(
        &self,
        build: impl Fn(&Client) -> RequestBuilder + Sync,
    ) -> Result<HttpAnswer, HttpError> {
        let mut made = 0;
        loop {
            made += 1;
            let error = match self.once(&build).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = self.settings.retry.wait(made, error.retry_after());
            match wait.filter(|_| error.is_transient()) {
                None => return Err(error),
                Some(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    async fn once(
        &self,
        build: &(impl Fn(&Client) -> RequestBuilder + Sync),
    ) -> Result<HttpAnswer, HttpError> {
        let mut open = self.open(build).await?;
        let mut body = BytesMut::new();
        while let Some(piece) = open.piece().await? {
            body.extend_from_slice(&piece);
        }
        Ok(HttpAnswer {
            status: open.response.status().as_u16(),
            content_type: open.content_type().to_owned(),
            body: body.freeze(),
        })
    }

    /// Makes a call once and takes the head of its answer; its content is read piece by piece, within the same time.
    ///
    /// # Errors
    /// There is no answer of success in time.
    pub async fn open(&self, build: impl Fn(&Client) -> RequestBuilder) -> Result<OpenAnswer, HttpError> {
        let request = self.settings.sign_in.apply(build(&self.http))?;
        let response = request.timeout(self.settings.timeout).send().await;
        let response = response.map_err(|error| broken(&self.shown, &error))?;
        let open = OpenAnswer {
            response,
            shown: self.shown.clone(),
            most_bytes: self.settings.largest_answer,
            read_bytes: 0,
        };
        if open.response.status().is_success() {
            Ok(open)
        } else {
            Err(open.refusal().await)
        }
    }
}

impl OpenAnswer {
    /// The header `Content-Type`; empty where there is none.
    pub fn content_type(&self) -> &str {
        header(self.response.headers(), CONTENT_TYPE.as_str())
    }

    /// The next piece of the content, decompressed; `None` at its end.
    ///
    /// # Errors
    /// The connection breaks, the time is over, or the content is larger than may be.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, HttpError> {
        let piece = self
            .response
            .chunk()
            .await
            .map_err(|error| broken(&self.shown, &error))?;
        self.read_bytes += piece.as_ref().map_or(0, Bytes::len);
        if self.read_bytes > self.most_bytes {
            return Err(HttpError::TooLarge {
                address: self.shown.clone(),
                most_bytes: self.most_bytes,
            });
        }
        Ok(piece)
    }

    async fn refusal(mut self) -> HttpError {
        let status = self.response.status();
        let headers = self.response.headers().clone();
        self.most_bytes = LARGEST_REFUSAL;
        let mut said = Vec::new();
        // What could not be read of a refusal is left out: the status says the most.
        while let Ok(Some(piece)) = self.piece().await {
            said.extend_from_slice(&piece);
        }
        let said = match header(&headers, LOCATION.as_str()) {
            elsewhere if status.is_redirection() && !elsewhere.is_empty() => {
                format!("it sends callers to {elsewhere}; give that address if it is the right one")
            }
            _ if said.trim_ascii().is_empty() => "nothing more".to_owned(),
            _ => String::from_utf8_lossy(&said).trim().to_owned(),
        };
        HttpError::Refused {
            address: self.shown,
            status: status.as_u16(),
            said,
            // As a date it is passed over; the wait that would have been is right then too.
            retry_after: header(&headers, RETRY_AFTER.as_str())
                .parse()
                .ok()
                .map(Duration::from_secs),
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn without_sign_in(address: &Url) -> String {
    let mut shown = address.clone();
    // An address that can have neither has none to hide.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.as_str().trim_end_matches('/').to_owned()
}

fn broken(shown: &str, error: &reqwest::Error) -> HttpError {
    if error.is_builder() {
        return HttpError::Unusable(format!("{shown} cannot be called: {}", innermost(error)));
    }
    let address = shown.to_owned();
    if error.is_decode() {
        return HttpError::Unreadable {
            address,
            reason: innermost(error),
        };
    }
    let reason = if error.is_timeout() {
        "it did not answer in time".to_owned()
    } else {
        innermost(error)
    };
    HttpError::Unreachable { address, reason }
}

/// The cause at the bottom: what stands above it repeats the address and says "error".
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
