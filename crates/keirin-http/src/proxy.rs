//! The proxy that connects to a server.

use std::fmt;
use std::str::FromStr;

use reqwest::{ClientBuilder, Proxy};
use serde::Deserialize;
use url::Url;

use crate::endpoint::without_sign_in;
use crate::error::{HttpError, innermost};

/// Where the proxy is that connects to a server. It is shown without user and password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ProxyAddress(Url);

impl ProxyAddress {
    /// Has all connections go by it.
    pub(crate) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, HttpError> {
        let proxy = Proxy::all(self.0.clone());
        let proxy = proxy.map_err(|error| {
            HttpError::Unusable(format!("the proxy {self} cannot be used: {}", innermost(&error)))
        })?;
        Ok(builder.proxy(proxy))
    }

    /// Whether it proves by a certificate who it is.
    pub(crate) fn has_certificate(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl FromStr for ProxyAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).ok().filter(|url| {
            let is_known = matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h");
            // What the library cannot read as an address it leaves out, and connects directly.
            is_known && url.has_host() && url.as_str().parse::<http::Uri>().is_ok()
        });
        url.map(Self).ok_or_else(|| {
            "a proxy is an address like http://proxy.example.org:3128 or socks5://127.0.0.1:1080".to_owned()
        })
    }
}

impl TryFrom<String> for ProxyAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&without_sign_in(&self.0))
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_by_example() {
        for (text, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("https://ann:hunter2@proxy.example/", "https://proxy.example"),
            ("socks5h://ann:hunter2@127.0.0.1:1080", "socks5h://127.0.0.1:1080"),
        ] {
            let proxy: ProxyAddress = text.parse().unwrap();
            assert_eq!(
                (proxy.to_string(), format!("{proxy:?}")),
                (shown.to_owned(), shown.to_owned())
            );
        }
        for text in [
            "",
            "proxy",
            "proxy.example:3128",
            "ftp://proxy.example",
            "http://",
            "socks5://pröxy.example:1080",
        ] {
            let refused = text.parse::<ProxyAddress>().unwrap_err();
            assert!(
                refused.starts_with("a proxy is an address like http://"),
                "{text}"
            );
        }
    }
}
