//! Which proxy connects to a server.

use std::str::FromStr;

use reqwest::{ClientBuilder, Proxy};
use serde::Deserialize;
use url::{Host, Url};

use crate::error::{HttpError, innermost};

/// Which proxy connects to a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ProxyRule {
    /// None: the server is reached directly.
    #[default]
    None,
    /// The one that the environment names for it, as libcurl reads it: `HTTPS_PROXY`, `http_proxy`, `ALL_PROXY`, and
    /// `NO_PROXY` for what is reached directly. This machine's own addresses always are.
    Environment,
    /// This one.
    At(Url),
}

impl ProxyRule {
    pub(crate) fn apply(&self, builder: ClientBuilder, address: &Url) -> Result<ClientBuilder, HttpError> {
        match self {
            Self::Environment if !is_this_machine(address) => Ok(builder),
            Self::None | Self::Environment => Ok(builder.no_proxy()),
            Self::At(url) => {
                let proxy = Proxy::all(url.clone()).map_err(|error| {
                    HttpError::Unusable(format!("the proxy cannot be used: {}", innermost(&error)))
                })?;
                Ok(builder.proxy(proxy))
            }
        }
    }
}

impl FromStr for ProxyRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "environment" => Ok(Self::Environment),
            _ => {
                let url = Url::parse(text).ok().filter(|url| {
                    matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.has_host()
                });
                url.map(Self::At).ok_or_else(|| {
                    "a proxy is an address like http://proxy.example.org:3128 or socks5://127.0.0.1:1080, `environment` for \
                     those that HTTPS_PROXY and its like name, or `none`"
                        .to_owned()
                })
            }
        }
    }
}

impl TryFrom<String> for ProxyRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

fn is_this_machine(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_by_example() {
        assert_eq!("none".parse(), Ok(ProxyRule::None));
        assert_eq!("environment".parse(), Ok(ProxyRule::Environment));
        let at = |text: &str| Ok(ProxyRule::At(text.parse().unwrap()));
        for text in ["http://proxy.example:3128", "socks5h://127.0.0.1:1080"] {
            assert_eq!(text.parse(), at(text));
        }
        for text in [
            "",
            "proxy",
            "proxy.example:3128",
            "ftp://proxy.example",
            "http://",
        ] {
            let refused = text.parse::<ProxyRule>().unwrap_err();
            assert!(
                refused.starts_with("a proxy is an address like http://"),
                "{text}"
            );
        }
    }

    #[test]
    fn this_machine_by_example() {
        for text in [
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "https://[::1]:2/x",
            "http://a.localhost",
        ] {
            assert!(is_this_machine(&text.parse().unwrap()), "{text}");
        }
        for text in [
            "http://10.0.0.1",
            "https://keirin.example",
            "http://localhost.example",
        ] {
            assert!(!is_this_machine(&text.parse().unwrap()), "{text}");
        }
    }
}
