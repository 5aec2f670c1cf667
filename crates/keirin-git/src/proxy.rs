//! Which addresses a proxy connects to: what the variables of the environment tell libcurl, by which git speaks http.

use std::ffi::OsString;
use std::net::IpAddr;

use crate::rules::HostRule;
use crate::url::RepositoryUrl;

/// The proxies that this program's environment names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proxies<'a> {
    variables: &'a [(&'static str, OsString)],
}

impl<'a> Proxies<'a> {
    pub(crate) const fn new(variables: &'a [(&'static str, OsString)]) -> Self {
        Self { variables }
    }

    /// Whether a proxy connects to this address: it then looks the name up itself, and no other program can hold it to
    /// what was looked at. Never over ssh.
    pub(crate) fn connect_to(&self, url: &RepositoryUrl) -> bool {
        let Some(scheme) = url.http_scheme() else {
            return false;
        };
        let named: &[&str] = match scheme {
            "https" => &["https_proxy", "HTTPS_PROXY"],
            _ => &["http_proxy"],
        };
        let general = ["all_proxy", "ALL_PROXY"];
        let is_named = named
            .iter()
            .chain(&general)
            .any(|name| self.value(name).is_some());
        is_named
            && url
                .host_and_port()
                .is_some_and(|(host, _)| !self.leaves_out(&host))
    }

    fn leaves_out(&self, host: &str) -> bool {
        let list = self.value("no_proxy").or_else(|| self.value("NO_PROXY"));
        let host = host
            .trim_matches(['[', ']'])
            .trim_end_matches('.')
            .to_ascii_lowercase();
        let mut entries = list
            .unwrap_or_default()
            .split([',', ' '])
            .filter(|entry| !entry.is_empty());
        entries.any(|entry| {
            let name = entry.trim_matches('.').to_ascii_lowercase();
            let is_below = || host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'));
            let in_network = || match (host.parse::<IpAddr>(), entry.parse::<HostRule>()) {
                (Ok(address), Ok(rule)) => rule.holds(address),
                _ => false,
            };
            entry == "*" || host == name || (!name.is_empty() && is_below()) || in_network()
        })
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        let mut variables = self.variables.iter();
        let (_, value) = variables.find(|(known, _)| *known == name)?;
        // One that is not text leads nowhere.
        value.to_str().filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(variables: &[(&'static str, &str)], url: &str) -> bool {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (*name, OsString::from(value)))
            .collect();
        Proxies::new(&variables).connect_to(&RepositoryUrl::parse(url).unwrap())
    }

    #[test]
    fn a_proxy_is_for_its_scheme_and_never_for_ssh() {
        let https = &[("https_proxy", "http://proxy.example:3128")];
        assert!(connect(https, "https://forge.example/x"));
        assert!(!connect(https, "http://forge.example/x"));
        assert!(connect(
            &[("http_proxy", "proxy.example")],
            "http://forge.example/x"
        ));
        assert!(connect(
            &[("HTTPS_PROXY", "proxy.example")],
            "https://forge.example/x"
        ));
        let all = &[("ALL_PROXY", "socks5://proxy.example")];
        assert!(connect(all, "http://forge.example/x") && connect(all, "https://forge.example/x"));
        for variables in [&https[..], all, &[("http_proxy", "proxy.example")]] {
            assert!(!connect(variables, "ssh://git@forge.example/x"));
            assert!(!connect(variables, "git@forge.example:x"));
            assert!(!connect(variables, "/srv/git/x"));
        }
        assert!(!connect(&[("https_proxy", "")], "https://forge.example/x"));
    }

    #[test]
    fn what_goes_by_no_proxy_is_reached_directly() {
        for (left_out, host, expected) in [
            ("*", "forge.example", false),
            ("forge.example", "forge.example", false),
            ("example", "forge.example", false),
            (".example", "Forge.example", false),
            ("other.example,forge.example", "forge.example", false),
            ("orge.example", "forge.example", true),
            ("10.0.0.0/8", "10.1.2.3", false),
            ("10.1.2.3", "10.1.2.4", true),
            ("", "forge.example", true),
        ] {
            for name in ["no_proxy", "NO_PROXY"] {
                let variables = &[("https_proxy", "proxy.example"), (name, left_out)];
                let url = format!("https://{host}/x");
                assert_eq!(connect(variables, &url), expected, "{left_out} {host}");
            }
        }
    }
}
