//! A target as it is configured.

use std::collections::BTreeMap;
use std::time::Duration;

use keirin_http::{Authentication, ProxyAddress};
use keirin_model::configured_duration;
use serde::Deserialize;
use url::Url;

use crate::relabel::RelabelSettings;

/// A target as it is configured. Every field but the first two has a default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSettings {
    /// What it is called: the label `job` of its series, and its name on pages. Each name once.
    pub name: String,
    /// The whole address, such as `http://127.0.0.1:9100/metrics`. Its host and port are the label `instance`.
    pub url: Url,
    /// From the start of a scrape to the start of the next.
    #[serde(default = "default_interval", with = "configured_duration")]
    pub interval: Duration,
    /// How long a scrape may take; the interval at most. Ten seconds, or a shorter interval, where nothing is said.
    #[serde(default, with = "configured_duration::optional")]
    pub timeout: Option<Duration>,
    /// Labels that its series get, over `job` and `instance`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Applied to every series that it exposes, with those labels on it.
    #[serde(default)]
    pub relabel: Vec<RelabelSettings>,
    /// Whether labels that the target exposes win over those that it is given. Otherwise the target's own are kept as
    /// `exported_NAME`.
    #[serde(default)]
    pub honor_labels: bool,
    /// Whether times that the target exposes are taken; otherwise every sample is of the time of the scrape.
    #[serde(default = "default_honor_timestamps")]
    pub honor_timestamps: bool,
    /// Who we are there.
    #[serde(default)]
    pub sign_in: Authentication,
    /// A certificate authority in PEM that is trusted beside the system's.
    #[serde(default)]
    pub certificate_authority: Option<String>,
    /// The proxy that connects, as in `http://proxy.example.org:3128`; none where nothing is said.
    #[serde(default)]
    pub proxy: Option<ProxyAddress>,
    /// How much it may expose.
    #[serde(default)]
    pub limits: TargetLimits,
}

/// How much a target may expose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetLimits {
    /// Bytes of the whole answer, after decompression. A scrape that passes this limit has failed.
    pub body_bytes: usize,
    /// Samples. A scrape that passes this limit has failed.
    pub samples: usize,
    /// Labels of a series, the metric's name among them. A series that passes this limit or one of those below is refused
    /// alone.
    pub labels: usize,
    /// Bytes of a label's name.
    pub label_name_bytes: usize,
    /// Bytes of a label's value.
    pub label_value_bytes: usize,
}

impl Default for TargetLimits {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024 * 1024,
            samples: 100_000,
            labels: 64,
            label_name_bytes: 512,
            label_value_bytes: 4096,
        }
    }
}

const fn default_interval() -> Duration {
    Duration::from_secs(60)
}

/// How long a scrape may take where nothing is said, unless the interval is shorter.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

const fn default_honor_timestamps() -> bool {
    true
}
