//! A proxy connects where one is named, and nowhere else.

use axum::Router;
use axum::http::Uri;
use axum::routing::get;
use keirin_http::{Endpoint, EndpointSettings, HttpError, ProxyRule, RetryPolicy};
use keirin_testkit::loopback::{LoopbackServer, nobody};
use reqwest::Method;
use url::Url;

/// A server that is called as a proxy is: the whole address stands in the request. It answers with that.
async fn proxy() -> LoopbackServer {
    LoopbackServer::start(Router::new().fallback(get(async |uri: Uri| uri.to_string()))).await
}

async fn ask(address: &Url, proxy: ProxyRule) -> Result<String, HttpError> {
    let settings = EndpointSettings {
        proxy,
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
    let through = ProxyRule::At(proxy.url.clone());
    assert_eq!(
        ask(&address, through).await.unwrap(),
        "http://node.invalid:9100/metrics"
    );
}

#[tokio::test]
async fn a_proxy_that_is_away_is_an_unreachable_server() {
    let address: Url = "http://node.invalid/".parse().unwrap();
    let error = ask(&address, ProxyRule::At(nobody().await)).await.unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn this_machine_is_reached_directly_unless_a_proxy_is_named_for_it() {
    let server = LoopbackServer::start(Router::new().route("/", get(async || "direct"))).await;
    for rule in [ProxyRule::None, ProxyRule::Environment] {
        assert_eq!(ask(&server.url, rule).await.unwrap(), "direct");
    }
    let proxy = proxy().await;
    let through = ProxyRule::At(proxy.url.clone());
    assert_eq!(ask(&server.url, through).await.unwrap(), server.url.to_string());
}
