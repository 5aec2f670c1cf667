//! How connections to a server are made.

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

use crate::endpoint::EndpointSettings;
use crate::error::{HttpError, innermost};
use crate::proxy::ProxyAddress;

/// How long it may take until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// How long what was sent may stay unacknowledged before the connection counts as broken.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Has the whole program use one TLS provider, ring. Where one is installed already, that one stays.
pub fn install_tls() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may have been quicker, with the same one.
        drop(ring::default_provider().install_default());
    }
}

/// What makes calls to the server at this address, which is shown as it says.
///
/// # Errors
/// The address is not one of HTTP, or a setting cannot be used.
pub(crate) fn client(address: &Url, shown: &str, settings: &EndpointSettings) -> Result<Client, HttpError> {
    install_tls();
    let timeout = settings.limits.timeout.unwrap_or(CONNECT);
    let mut builder = Client::builder()
        .user_agent(concat!("keirin/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeout.min(CONNECT))
        .tcp_keepalive(UNACKNOWLEDGED)
        .tcp_user_timeout(UNACKNOWLEDGED)
        .tcp_nodelay(true)
        .redirect(Policy::none());
    if let Some(value) = settings.sign_in.header()? {
        // The library would send the one in the address, and nobody would know.
        if !address.username().is_empty() || address.password().is_some() {
            return Err(HttpError::Unusable(format!(
                "{shown} is signed in to by its address and by a setting; leave one of them out"
            )));
        }
        builder = builder.default_headers(HeaderMap::from_iter([(AUTHORIZATION, value)]));
    }
    builder = match (&settings.socket, &settings.proxy) {
        (Some(socket), _) => builder.no_proxy().unix_socket(&**socket),
        (None, Some(proxy)) => proxy.apply(builder)?,
        (None, None) => builder.no_proxy(),
    };
    let is_plain_to_proxy = !settings.proxy.as_ref().is_some_and(ProxyAddress::has_certificate);
    builder = match (address.scheme(), &settings.authority) {
        // The system's certificates are read only where they are needed: a small machine may have none.
        ("http", _) if is_plain_to_proxy => builder.tls_certs_only([]),
        ("http" | "https", None) => builder,
        ("http" | "https", Some(pem)) => builder.tls_certs_merge(authorities(pem, shown)?),
        (scheme, _) => {
            return Err(HttpError::Unusable(format!(
                "{shown} begins with {scheme}:, which is not how a server is reached; use http: or https:"
            )));
        }
    };
    builder.build().map_err(|error| {
        HttpError::Unusable(format!(
            "{shown} cannot be called: {}; install the system's certificates (`ca-certificates`)",
            innermost(&error)
        ))
    })
}

/// The certificates of a text in PEM.
fn authorities(pem: &str, shown: &str) -> Result<Vec<Certificate>, HttpError> {
    let refused = |reason: &dyn fmt::Display| {
        HttpError::Unusable(format!(
            "the certificate authority of {shown} cannot be read: {reason}; it is expected in PEM"
        ))
    };
    let mut trusted = RootCertStore::empty();
    let mut authorities = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| refused(&error))?;
        authorities.push(Certificate::from_der(&certificate).map_err(|error| refused(&innermost(&error)))?);
        // Otherwise it is looked at only where all are used together, and nobody would know which it was.
        trusted.add(certificate).map_err(|error| refused(&error))?;
    }
    if authorities.is_empty() {
        return Err(refused(&"it holds no certificate"));
    }
    Ok(authorities)
}
