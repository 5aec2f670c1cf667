//! Whom a server's certificate must come from.

use std::sync::Arc;

use keirin_http::{Endpoint, EndpointSettings, HttpError, RetryPolicy};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::Method;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// An authority, and a server on loopback whose certificate it has made; it answers one call after the other.
async fn served() -> (String, Url) {
    keirin_http::install_tls();
    let mut of_authority = CertificateParams::default();
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(of_authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let of_server = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = of_server.signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            // Whoever does not trust it hangs up.
            let Ok(mut connection) = acceptor.accept(connection).await else {
                continue;
            };
            let mut asked = [0; 4096];
            if connection.read(&mut asked).await.is_ok_and(|read| read > 0) {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\ntrusted";
                connection.write_all(answer).await.unwrap();
                connection.shutdown().await.unwrap();
            }
        }
    });
    (authority.pem(), address.parse().unwrap())
}

async fn ask(address: &Url, authority: Option<String>) -> Result<bytes::Bytes, HttpError> {
    let settings = EndpointSettings {
        authority,
        retry: RetryPolicy::NEVER,
        ..EndpointSettings::default()
    };
    let endpoint = Endpoint::new(address, &settings)?;
    endpoint
        .call(|| endpoint.request(Method::GET, address.clone()))
        .await
}

#[tokio::test]
async fn a_server_is_trusted_by_the_authority_that_is_named_and_by_no_other() {
    let (authority, address) = served().await;
    let (stranger, _) = served().await;
    assert_eq!(ask(&address, Some(authority.clone())).await.unwrap(), "trusted");
    // Several in one text are trusted alike.
    let both = format!("{stranger}{authority}");
    assert_eq!(ask(&address, Some(both)).await.unwrap(), "trusted");
    for authority in [None, Some(stranger)] {
        let error = ask(&address, authority).await.unwrap_err();
        assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains("invalid peer certificate"), "{error}");
    }
}
