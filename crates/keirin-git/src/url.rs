//! Addresses of repositories: a short list of protocols, and nothing that git could read as anything but an address.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// Longest address, in bytes.
const LONGEST: usize = 2048;

/// A checked address: `https://`, `http://`, `ssh://`, `user@host:path`, or an absolute path (also as `file://`).
///
/// It holds no password or token; those belong to the stored credential.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryUrl {
    text: String,
    protocol: Protocol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Protocol {
    Https,
    Http,
    Ssh,
    Local,
}

/// Why a text is no address that Keirin fetches from. The text itself is left out, for it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUrl {
    /// Nothing there.
    #[error("the repository's address is empty")]
    Empty,
    /// Longer than any address.
    #[error("the repository's address is longer than {LONGEST} bytes")]
    TooLong,
    /// Would be taken for an option.
    #[error("the repository's address begins with `-`, which git would take for an option")]
    Option,
    /// Control characters or spaces.
    #[error("the repository's address holds a control character or a space")]
    Character,
    /// `ext::` and its like run programs.
    #[error(
        "the repository's address names a helper program (`NAME::`); use https://, ssh:// or an absolute path"
    )]
    Helper,
    /// Something that is not on the list.
    #[error("repositories are not fetched by {0}://; use https://, http://, ssh:// or an absolute path")]
    Protocol(String),
    /// A user or password in the address.
    #[error(
        "the repository's address holds a user or a password; store them as the project's credential instead"
    )]
    Credentials,
    /// A query or a fragment.
    #[error("the repository's address ends in a query or a fragment; leave out what follows `?` or `#`")]
    Query,
    /// The host is missing or odd.
    #[error("the repository's address has no usable host name")]
    Host,
    /// The path is missing or odd.
    #[error("the repository's address has no usable path")]
    Path,
    /// A relative path, or something unknown.
    #[error(
        "the repository's address is neither a URL (https://host/path), nor user@host:path, nor an absolute path"
    )]
    Unknown,
}

impl RepositoryUrl {
    /// Checks an address. No file and no host is looked at.
    ///
    /// # Errors
    /// [`InvalidUrl`] says what to write instead.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        if text.is_empty() {
            return Err(InvalidUrl::Empty);
        }
        if text.len() > LONGEST {
            return Err(InvalidUrl::TooLong);
        }
        if text.starts_with('-') {
            return Err(InvalidUrl::Option);
        }
        if text.starts_with('/') {
            return Self::local(text);
        }
        if text
            .chars()
            .any(|character| character.is_control() || character.is_whitespace() || character == '\\')
        {
            return Err(InvalidUrl::Character);
        }
        if names_helper(text) {
            return Err(InvalidUrl::Helper);
        }
        if text.contains("://") {
            Self::url(text)
        } else {
            Self::scp(text)
        }
    }

    fn local(path: &str) -> Result<Self, InvalidUrl> {
        if path.chars().any(char::is_control) {
            return Err(InvalidUrl::Character);
        }
        Ok(Self {
            text: path.to_owned(),
            protocol: Protocol::Local,
        })
    }

    fn url(text: &str) -> Result<Self, InvalidUrl> {
        let url = Url::parse(text).map_err(|_| InvalidUrl::Host)?;
        let protocol = match url.scheme() {
            "https" => Protocol::Https,
            "http" => Protocol::Http,
            "ssh" => Protocol::Ssh,
            "file" => {
                let path = url.to_file_path().map_err(|()| InvalidUrl::Path)?;
                return Self::local(path.to_str().ok_or(InvalidUrl::Path)?);
            }
            other => return Err(InvalidUrl::Protocol(other.to_owned())),
        };
        let user_allowed = protocol == Protocol::Ssh;
        if url.password().is_some() || (!user_allowed && !url.username().is_empty()) {
            return Err(InvalidUrl::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidUrl::Query);
        }
        let host = url.host_str().ok_or(InvalidUrl::Host)?;
        if !is_host(host) || !(url.username().is_empty() || is_user(url.username())) {
            return Err(InvalidUrl::Host);
        }
        if url.path().len() < 2 {
            return Err(InvalidUrl::Path);
        }
        // What was checked is what git gets, so there is no second reading of the same text.
        Ok(Self {
            text: url.to_string(),
            protocol,
        })
    }

    fn scp(text: &str) -> Result<Self, InvalidUrl> {
        let (login, path) = text.split_once(':').ok_or(InvalidUrl::Unknown)?;
        let (user, host) = login.split_once('@').ok_or(InvalidUrl::Unknown)?;
        if user.contains('/') {
            return Err(InvalidUrl::Unknown);
        }
        if !is_user(user) || !is_host(host) {
            return Err(InvalidUrl::Host);
        }
        if path.is_empty() || path.starts_with('-') {
            return Err(InvalidUrl::Path);
        }
        Ok(Self {
            text: text.to_owned(),
            protocol: Protocol::Ssh,
        })
    }

    /// The address as git gets it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the repository lies on this machine.
    pub fn is_local(&self) -> bool {
        self.protocol == Protocol::Local
    }

    /// The folder of a repository on this machine.
    pub fn local_path(&self) -> Option<&Path> {
        self.is_local().then(|| Path::new(&self.text))
    }

    /// What `GIT_ALLOW_PROTOCOL` may hold while this address is fetched. A redirect may lead to TLS, never away from it.
    pub(crate) fn allowed_protocols(&self) -> &'static str {
        match self.protocol {
            Protocol::Https => "https",
            Protocol::Http => "http:https",
            Protocol::Ssh => "ssh",
            Protocol::Local => "file",
        }
    }

    /// Scheme, host and port with a slash at the end, for settings that may apply to this server alone.
    pub(crate) fn http_origin(&self) -> Option<String> {
        match self.protocol {
            Protocol::Https | Protocol::Http => {
                let url = Url::parse(&self.text).ok()?;
                Some(format!("{}/", url.origin().ascii_serialization()))
            }
            Protocol::Ssh | Protocol::Local => None,
        }
    }

    /// `https` or `http`; none for what goes another way.
    pub(crate) const fn http_scheme(&self) -> Option<&'static str> {
        match self.protocol {
            Protocol::Https => Some("https"),
            Protocol::Http => Some("http"),
            Protocol::Ssh | Protocol::Local => None,
        }
    }

    /// The host and port that are connected to; none for a repository on this machine.
    pub(crate) fn host_and_port(&self) -> Option<(String, u16)> {
        if self.protocol == Protocol::Local {
            return None;
        }
        if let Ok(url) = Url::parse(&self.text)
            && let Some(host) = url.host_str()
        {
            let usual = if self.protocol == Protocol::Ssh { 22 } else { 0 };
            return Some((host.to_owned(), url.port_or_known_default().unwrap_or(usual)));
        }
        let (login, _) = self.text.split_once(':')?;
        let (_, host) = login.split_once('@')?;
        Some((host.to_owned(), 22))
    }

    pub(crate) fn is_ssh(&self) -> bool {
        self.protocol == Protocol::Ssh
    }
}

/// `ext::sh -c ...`, `fd::7`, `::`: what stands before the colons is a program `git-remote-NAME`.
fn names_helper(text: &str) -> bool {
    text.split_once("::").is_some_and(|(name, _)| {
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c))
    })
}

fn is_host(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = address {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !host.is_empty()
        && !host.starts_with('-')
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

fn is_user(user: &str) -> bool {
    !user.is_empty()
        && !user.starts_with('-')
        && user
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for RepositoryUrl {
    type Err = InvalidUrl;
    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        Self::parse(text)
    }
}

impl TryFrom<String> for RepositoryUrl {
    type Error = InvalidUrl;
    fn try_from(text: String) -> Result<Self, InvalidUrl> {
        Self::parse(&text)
    }
}

impl From<RepositoryUrl> for String {
    fn from(url: RepositoryUrl) -> Self {
        url.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_paste_are_taken() {
        for (text, protocols, local) in [
            ("https://forge.example/team/project.git", "https", false),
            ("http://127.0.0.1:3000/team/project", "http:https", false),
            ("ssh://git@forge.example:2222/team/project.git", "ssh", false),
            ("ssh://git@[::1]/team/project.git", "ssh", false),
            ("git@forge.example:team/project.git", "ssh", false),
            ("/srv/git/project.git", "file", true),
            ("/srv/my projects/100%", "file", true),
        ] {
            let url = RepositoryUrl::parse(text).unwrap();
            assert_eq!(
                (url.as_str(), url.allowed_protocols(), url.is_local()),
                (text, protocols, local)
            );
        }
        assert_eq!(
            RepositoryUrl::parse("file:///srv/git/a%20b").unwrap().as_str(),
            "/srv/git/a b"
        );
    }

    #[test]
    fn what_could_run_a_program_is_refused() {
        let refused = |text: &str| RepositoryUrl::parse(text).unwrap_err();
        assert_eq!(refused("--upload-pack=touch x"), InvalidUrl::Option);
        assert_eq!(refused("-x"), InvalidUrl::Option);
        assert_eq!(refused("ext::sh"), InvalidUrl::Helper);
        assert_eq!(refused("ext::sh -c touch% x"), InvalidUrl::Character);
        assert_eq!(refused("fd::17/https://forge.example/x"), InvalidUrl::Helper);
        assert_eq!(refused("http::https://forge.example/x"), InvalidUrl::Helper);
        assert_eq!(refused("::x"), InvalidUrl::Helper);
        assert_eq!(refused("ssh://-oProxyCommand=touch/x"), InvalidUrl::Host);
        assert_eq!(refused("ssh://%2doProxyCommand=touch/x"), InvalidUrl::Host);
        assert_eq!(refused("git@-oProxyCommand=touch:x"), InvalidUrl::Host);
        assert_eq!(refused("-oProxyCommand=touch@host:x"), InvalidUrl::Option);
        assert_eq!(refused("git@host:-x"), InvalidUrl::Path);
        assert_eq!(refused("/srv/git\n/x"), InvalidUrl::Character);
        assert_eq!(
            refused("https://forge.example\\@evil.example/x"),
            InvalidUrl::Character
        );
    }

    #[test]
    fn unknown_protocols_and_relative_paths_are_refused() {
        let refused = |text: &str| RepositoryUrl::parse(text).unwrap_err();
        assert_eq!(
            refused("git://forge.example/x"),
            InvalidUrl::Protocol("git".into())
        );
        assert_eq!(
            refused("ftp://forge.example/x"),
            InvalidUrl::Protocol("ftp".into())
        );
        assert_eq!(refused("project"), InvalidUrl::Unknown);
        assert_eq!(refused("./project"), InvalidUrl::Unknown);
        assert_eq!(refused("host:path"), InvalidUrl::Unknown);
        assert_eq!(refused(""), InvalidUrl::Empty);
        assert_eq!(refused("https://forge.example"), InvalidUrl::Path);
        assert_eq!(refused("https://forge.example/x?y=z"), InvalidUrl::Query);
        assert_eq!(refused(&format!("/{}", "x".repeat(2048))), InvalidUrl::TooLong);
    }

    #[test]
    fn passwords_in_addresses_are_refused_and_not_repeated() {
        for text in [
            "https://me:hunter2@forge.example/x",
            "https://hunter2@forge.example/x",
            "ssh://git:hunter2@forge.example/x",
        ] {
            let refused = RepositoryUrl::parse(text).unwrap_err();
            assert_eq!(refused, InvalidUrl::Credentials);
            assert!(!refused.to_string().contains("hunter2"));
        }
    }
}
