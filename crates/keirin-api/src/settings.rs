//! What can be set about the HTTP layer.

use std::net::IpAddr;

use jiff::SignedDuration;
use url::Url;

/// What can be set about the HTTP layer.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where people reach the server; its path is the sub-path that everything lies under.
    pub external_url: Url,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Keirin's version.
    pub version: String,
    /// How long a session lasts that is not used.
    pub session_idle: SignedDuration,
    /// How long a session lasts however much it is used.
    pub session_longest: SignedDuration,
    /// How long a one-time link works.
    pub link_lasts: SignedDuration,
    /// The largest body in JSON, in bytes.
    pub json_bytes: usize,
    /// The largest chunk of a log, encoded, in bytes.
    pub log_chunk_bytes: usize,
    /// The largest report of test results, in bytes.
    pub test_report_bytes: usize,
    /// The largest part of a repository's history, in bytes.
    pub history_bytes: usize,
    /// The largest body of samples, in bytes, before and after it is unpacked.
    pub samples_bytes: usize,
    /// The largest artifact, in bytes.
    pub artifact_bytes: u64,
    /// The largest request of git, in bytes.
    pub git_request_bytes: usize,
    /// How many calls one caller may make in a minute, the agent protocol aside.
    pub calls_per_minute: u32,
}

impl HttpSettings {
    /// The defaults for a server at this address.
    pub fn at(external_url: Url) -> Self {
        Self {
            external_url,
            trusted_proxies: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            session_idle: SignedDuration::from_hours(24 * 7),
            session_longest: SignedDuration::from_hours(24 * 30),
            link_lasts: SignedDuration::from_mins(15),
            json_bytes: 1024 * 1024,
            log_chunk_bytes: 4 * 1024 * 1024,
            test_report_bytes: 64 * 1024 * 1024,
            history_bytes: 16 * 1024 * 1024,
            samples_bytes: 16 * 1024 * 1024,
            artifact_bytes: 2 * 1024 * 1024 * 1024,
            git_request_bytes: 16 * 1024 * 1024,
            calls_per_minute: 3000,
        }
    }

    /// The sub-path without a slash at its end: empty where the server lies at the root.
    pub fn base(&self) -> &str {
        self.external_url.path().trim_end_matches('/')
    }

    /// The name of the cookie that holds a session. Browsers do not tell the ports of a machine apart when they send
    /// cookies, so two servers on one machine need two names.
    pub fn cookie(&self) -> String {
        match self.external_url.port() {
            Some(port) => format!("keirin_session_{port}"),
            None => "keirin_session".to_owned(),
        }
    }

    /// The address of a path below the server's own.
    pub fn link(&self, path: &str) -> String {
        let origin = self.external_url.origin().ascii_serialization();
        format!("{origin}{}{path}", self.base())
    }
}
