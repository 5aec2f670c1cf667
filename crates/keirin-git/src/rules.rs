//! Which repositories the server fetches for whom: an address must not lead people to what only the server reaches.
//!
//! Without a list, whoever administers the server names what they like, and everybody else what lies on the public
//! Internet. With a list nobody names anything else. A host is judged by the addresses that its name leads to, and git is
//! then told to connect to these and no others, so that a name that means something else a moment later leads nowhere new.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::error::GitError;
use crate::layout;
use crate::mirror::in_background;
use crate::url::RepositoryUrl;

/// How long the name server may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(20);

/// Who has named the address of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// Somebody who administers the server, and could read its files and reach its network anyway.
    Admin,
    /// Anybody else.
    Maintainer,
}

/// Which repositories may be fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryRules {
    /// The hosts that repositories may lie on; by who has named them where `None`.
    pub hosts: Option<Vec<HostRule>>,
    /// The folders that repositories on this machine may lie in; by who has named them where `None`.
    pub paths: Option<Vec<PathBuf>>,
}

/// Some hosts: a name (`forge.example`), the names below one (`*.forge.example`), an IP address or a network (`10.0.0.0/8`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostRule {
    /// One name.
    Name(String),
    /// Every name below this one.
    Below(String),
    /// The IP addresses that share this many first bits with this one.
    Network(IpAddr, u32),
}

/// A text is no [`HostRule`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a host: write a name (`forge.example`), `*.forge.example`, an IP address or a network (`10.0.0.0/8`)"
)]
pub struct InvalidHostRule(String);

/// What an address may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Wherever it leads.
    Any,
    /// To these addresses of its host alone, and to no other host by a redirect.
    Only(Vec<IpAddr>),
}

impl RepositoryRules {
    /// Decides whether a repository may be fetched, and how. `is_proxied` says that a proxy connects to it, and looks its
    /// name up.
    pub(crate) async fn route(
        &self,
        url: &RepositoryUrl,
        named_by: NamedBy,
        is_proxied: bool,
    ) -> Result<Route, GitError> {
        let Some((host, port)) = url.host_and_port() else {
            return self.check_path(url, named_by).await;
        };
        if self.hosts.is_none() && named_by == NamedBy::Admin {
            return Ok(Route::Any);
        }
        let addresses = match look_up(&host, port).await {
            Ok(addresses) => addresses,
            // Only the proxy knows. A list may name it all the same; whether it is public nobody can say.
            Err(_) if is_proxied && self.hosts.is_some() => Vec::new(),
            Err(failed) => return Err(failed.of(url.clone())),
        };
        if self.allows(&host, &addresses) {
            Ok(Route::Only(addresses))
        } else {
            Err(GitError::NotAllowed { url: url.clone() })
        }
    }

    fn allows(&self, host: &str, addresses: &[IpAddr]) -> bool {
        match &self.hosts {
            None => !addresses.is_empty() && addresses.iter().all(|address| is_public(*address)),
            Some(rules) => {
                let by_name = rules.iter().any(|rule| rule.names(host));
                let in_network = |address: &IpAddr| rules.iter().any(|rule| rule.holds(*address));
                by_name || (!addresses.is_empty() && addresses.iter().all(in_network))
            }
        }
    }

    /// A path is judged by all folders that git reads for it, once all links are followed.
    async fn check_path(&self, url: &RepositoryUrl, named_by: NamedBy) -> Result<Route, GitError> {
        let refused = || GitError::NotAllowed { url: url.clone() };
        match (&self.paths, url.local_path()) {
            (Some(folders), Some(path)) => {
                let (path, folders) = (path.to_owned(), folders.clone());
                let is_below = in_background("look at the repository's path", move || {
                    Ok(is_below_any(&path, &folders))
                });
                if is_below.await? {
                    Ok(Route::Any)
                } else {
                    Err(refused())
                }
            }
            (None, _) if named_by == NamedBy::Admin => Ok(Route::Any),
            _ => Err(refused()),
        }
    }
}

/// What cannot be looked at is refused as what lies elsewhere is: the answer tells nothing of other folders.
fn is_below_any(path: &Path, folders: &[PathBuf]) -> bool {
    let folders: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| folder.canonicalize().ok())
        .collect();
    let is_below = |read: &PathBuf| folders.iter().any(|folder| read.starts_with(folder));
    layout::folders_read(path).is_ok_and(|read| !read.is_empty() && read.iter().all(is_below))
}

/// Why a name leads nowhere.
enum LookupError {
    /// There is no such name.
    Unknown(String),
    /// It could not be asked for.
    NotAsked(String),
}

impl LookupError {
    /// Git's own look-ups say no more than this, so it is told by the words of the operating system.
    fn new(error: &io::Error) -> Self {
        let detail = error.to_string();
        if error.raw_os_error().is_some() || detail.contains("Temporary failure") {
            Self::NotAsked(detail)
        } else {
            Self::Unknown(detail)
        }
    }

    fn of(self, url: RepositoryUrl) -> GitError {
        match self {
            Self::Unknown(detail) => GitError::HostUnknown { url, detail },
            Self::NotAsked(detail) => GitError::NameServerUnavailable { url, detail },
        }
    }
}

async fn look_up(host: &str, port: u16) -> Result<Vec<IpAddr>, LookupError> {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = plain.parse::<IpAddr>() {
        return Ok(vec![address]);
    }
    let found = tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((plain, port))).await;
    let found = found.map_err(|_| LookupError::NotAsked("it took too long".to_owned()))?;
    let addresses: Vec<IpAddr> = found
        .map_err(|error| LookupError::new(&error))?
        .map(|address: SocketAddr| address.ip())
        .collect();
    if addresses.is_empty() {
        return Err(LookupError::Unknown("the name has no address".to_owned()));
    }
    Ok(addresses)
}

impl HostRule {
    fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        match self {
            Self::Name(name) => host == *name,
            Self::Below(name) => host
                .strip_suffix(name.as_str())
                .is_some_and(|rest| rest.ends_with('.')),
            Self::Network(..) => false,
        }
    }

    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        let Self::Network(network, bits) = self else {
            return false;
        };
        match (*network, plain(address)) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                (u32::from(network) ^ u32::from(address)) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                (u128::from(network) ^ u128::from(address)) & mask == 0
            }
            _ => false,
        }
    }
}

impl FromStr for HostRule {
    type Err = InvalidHostRule;

    fn from_str(text: &str) -> Result<Self, InvalidHostRule> {
        let invalid = || InvalidHostRule(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        if let Ok(address) = address.parse::<IpAddr>() {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| invalid()))?;
            return if bits <= most {
                Ok(Self::Network(address, bits))
            } else {
                Err(invalid())
            };
        }
        let (name, is_below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if name.is_empty() || name.starts_with(['.', '-']) || !name.chars().all(plain) {
            return Err(invalid());
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        Ok(if is_below {
            Self::Below(name)
        } else {
            Self::Name(name)
        })
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Below(name) => write!(formatter, "*.{name}"),
            Self::Network(address, bits) => write!(formatter, "{address}/{bits}"),
        }
    }
}

/// An IPv4 address that is written as IPv6 is what it is.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Whether an address is for everybody: none of the ranges that IANA keeps for a machine, a link, a site or a purpose.
fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(four) => is_public_v4(four),
        IpAddr::V6(six) => is_public_v6(six),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || first == 0
        // Shared between a provider's customers.
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (18..20).contains(&second))
        // Multicast and what is reserved.
        || first >= 224;
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Global unicast; of it, not what carries or translates IPv4 addresses, nor documentation.
    let is_global = first & 0xe000 == 0x2000;
    let is_special =
        (first == 0x2001 && (second < 0x200 || second == 0xdb8)) || first == 0x2002 || first == 0x3fff;
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(hosts: &[&str]) -> RepositoryRules {
        RepositoryRules {
            hosts: Some(hosts.iter().map(|host| host.parse().unwrap()).collect()),
            paths: None,
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_for_everybody_is_told_from_the_rest() {
        for public in [
            "8.8.8.8",
            "140.82.121.4",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(address(public)), "{public}");
        }
        for other in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1::",
        ] {
            assert!(!is_public(address(other)), "{other}");
        }
    }

    #[test]
    fn hosts_are_named_or_lie_in_networks() {
        let named = rules(&[
            "Forge.example",
            "*.corp.example",
            "10.0.0.0/8",
            "192.0.2.7",
            "fd00::/8",
        ]);
        assert!(named.allows("forge.example", &[address("127.0.0.1")]));
        assert!(named.allows("git.corp.example.", &[]));
        assert!(!named.allows("corp.example", &[]) && !named.allows("evilcorp.example", &[]));
        assert!(named.allows("other.example", &[address("10.9.9.9"), address("fd00::1")]));
        assert!(!named.allows("other.example", &[address("10.9.9.9"), address("8.8.8.8")]));
        assert!(!named.allows("other.example", &[]));
        assert!(named.allows("192.0.2.7", &[address("192.0.2.7")]));
        assert!(!rules(&[]).allows("forge.example", &[address("8.8.8.8")]));
    }

    #[tokio::test]
    async fn a_name_that_only_a_proxy_knows_is_reached_where_a_list_names_it() {
        let url = RepositoryUrl::parse("https://no-such-host.invalid/x").unwrap();
        let route = async |rules: RepositoryRules, named_by, is_proxied| {
            rules.route(&url, named_by, is_proxied).await
        };
        let named = rules(&["no-such-host.invalid"]);
        let nowhere = Route::Only(Vec::new());
        assert_eq!(
            route(named.clone(), NamedBy::Maintainer, true).await.unwrap(),
            nowhere
        );
        let others = rules(&["forge.example"]);
        for (rules, named_by, is_proxied) in [
            (RepositoryRules::default(), NamedBy::Maintainer, true),
            (RepositoryRules::default(), NamedBy::Maintainer, false),
            (named, NamedBy::Admin, false),
            (others, NamedBy::Admin, true),
        ] {
            let refused = route(rules, named_by, is_proxied).await;
            assert!(refused.is_err(), "{named_by:?} {is_proxied}: {refused:?}");
        }
    }

    #[test]
    fn texts_that_are_no_hosts_are_refused() {
        for text in [
            "",
            "*",
            "*.",
            "a b",
            "https://forge.example",
            "10.0.0.0/33",
            "10.0.0.0/x",
            "-x",
        ] {
            assert!(text.parse::<HostRule>().is_err(), "{text}");
        }
        for text in ["forge.example", "*.forge.example", "10.0.0.0/8"] {
            assert_eq!(text.parse::<HostRule>().unwrap().to_string(), text);
        }
    }
}
