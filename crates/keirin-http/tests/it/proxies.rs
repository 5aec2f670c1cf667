//! A proxy connects where one is named, and nowhere else.

use axum::Router;
use axum::http::Uri;
use axum::routing::get;
use keirin_http::{Endpoint, EndpointSettings, HttpError, ProxyAddress, RetryPolicy};
use keirin_testkit::loopback::{LoopbackServer, nobody};
use reqwest::Method;
use url::Url;

/// A server that is called as a proxy is: the whole address stands in the request. It answers with that.
async fn proxy() -> LoopbackServer {
    LoopbackServer::start(Router::new().fallback(get(async |uri: Uri| uri.to_string()))).await
}

async fn ask(address: &Url, proxy: Option<&Url>) -> Result<String, HttpError> {
    let settings = EndpointSettings {
        proxy: proxy.map(|proxy| proxy.as_str().parse::<ProxyAddress>().unwrap()),
        retry: RetryPolicy::NEVER,
        ..EndpointSettings::default()
    };
    let endpoint = Endpoint::new(address, &settings)?;
    let body = endpoint
        .call(|| endpoint.request(Method::GET, address.clone()))
        .await?;
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_proxy_that_is_named_connects_and_looks_the_name_up() {
    let proxy = proxy().await;
    let address: Url = "http://node.invalid:9100/metrics".parse().unwrap();
    assert_eq!(
        ask(&address, Some(&proxy.url)).await.unwrap(),
        "http://node.invalid:9100/metrics"
    );
}

#[tokio::test]
async fn a_proxy_that_is_away_is_named_without_its_password() {
    let address: Url = "http://node.invalid/".parse().unwrap();
    let mut away = nobody().await;
    let shown = away.as_str().trim_end_matches('/').to_owned();
    away.set_username("ann").unwrap();
    away.set_password(Some("hunter2")).unwrap();
    let error = ask(&address, Some(&away)).await.unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
    let said = error.to_string();
    let expected = format!("http://node.invalid cannot be reached: by the proxy {shown}: ");
    assert!(said.starts_with(&expected), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn without_one_a_server_is_reached_directly() {
    let server = LoopbackServer::start(Router::new().route("/", get(async || "direct"))).await;
    assert_eq!(ask(&server.url, None).await.unwrap(), "direct");
    let proxy = proxy().await;
    assert_eq!(
        ask(&server.url, Some(&proxy.url)).await.unwrap(),
        server.url.to_string()
    );
}
