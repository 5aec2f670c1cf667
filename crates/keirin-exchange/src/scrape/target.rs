//! A target that can be scraped.

use std::time::Duration;

use keirin_formats::text::{TextLimits, is_plain_label};
use keirin_http::{CallLimits, Endpoint, EndpointSettings, HttpError, RetryPolicy};
use keirin_model::series::Labels;

use super::settings::{DEFAULT_TIMEOUT, TargetSettings};
use crate::relabel::{Relabel, RelabelError};

/// The shortest interval: more often is not measuring, it is load.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of a line.
const LINE_BYTES: usize = 256 * 1024;

/// A target that can be scraped.
#[derive(Debug, Clone)]
pub struct ScrapeTarget {
    pub(super) settings: TargetSettings,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) labels: Labels,
    pub(super) relabel: Vec<Relabel>,
    pub(super) honor_labels: bool,
    pub(super) honor_timestamps: bool,
    pub(crate) endpoint: Endpoint,
    pub(super) limits: TextLimits,
}

/// Why a target cannot be scraped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the target `{name}` {fault}")]
pub struct TargetError {
    /// Which.
    pub name: String,
    /// What is wrong; goes on where "the target `node`" begins.
    pub fault: String,
}

impl ScrapeTarget {
    /// Checks a target; nothing is called yet.
    ///
    /// # Errors
    /// It cannot be scraped as it is configured.
    pub fn new(settings: TargetSettings) -> Result<Self, TargetError> {
        let name = settings.name.clone();
        Self::checked(settings).map_err(|fault| TargetError { name, fault })
    }

    fn checked(settings: TargetSettings) -> Result<Self, String> {
        if settings.name.is_empty() {
            return Err("needs a name".to_owned());
        }
        if settings.interval < SHORTEST_INTERVAL {
            return Err("has an interval of less than a second".to_owned());
        }
        let timeout = settings.timeout.unwrap_or(DEFAULT_TIMEOUT.min(settings.interval));
        if timeout.is_zero() || timeout > settings.interval {
            return Err(
                "needs a timeout between nothing and its interval, or scrapes would overlap".to_owned(),
            );
        }
        if let Some(label) = settings
            .labels
            .keys()
            .find(|label| !is_plain_label(label) || label.starts_with("__"))
        {
            return Err(format!(
                "has the label `{label}`, which is not a name that it may have"
            ));
        }
        let relabel: Result<Vec<_>, RelabelError> =
            settings.relabel.iter().cloned().map(Relabel::new).collect();
        let relabel = relabel.map_err(|error| format!("cannot be used: {error}"))?;
        let endpoint = Endpoint::new(
            &settings.url,
            &EndpointSettings {
                sign_in: settings.sign_in.clone(),
                limits: CallLimits {
                    timeout: Some(timeout),
                    answer_bytes: settings.limits.body_bytes,
                },
                // The next scrape is the next try.
                retry: RetryPolicy::NEVER,
                authority: settings.certificate_authority.clone(),
                proxy: settings.proxy.clone(),
                socket: None,
            },
        );
        let endpoint = endpoint.map_err(|error: HttpError| format!("cannot be used: {error}"))?;
        let host = settings.url.host_str().unwrap_or_default();
        let instance = match settings.url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let own = Labels::new([("job", &*settings.name), ("instance", &*instance)]).expect("two names");
        let labels = settings
            .labels
            .iter()
            .fold(own, |labels, (name, value)| labels.with(name, value));
        Ok(Self {
            url: endpoint.address().to_owned(),
            name: settings.name.clone(),
            interval: settings.interval,
            timeout,
            labels,
            relabel,
            honor_labels: settings.honor_labels,
            honor_timestamps: settings.honor_timestamps,
            endpoint,
            limits: TextLimits {
                samples: settings.limits.samples,
                line_bytes: LINE_BYTES,
                labels: settings.limits.labels,
                name_bytes: settings.limits.label_name_bytes,
                value_bytes: settings.limits.label_value_bytes,
            },
            settings,
        })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(yaml: &str) -> Result<ScrapeTarget, String> {
        let settings: TargetSettings = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
        ScrapeTarget::new(settings).map_err(|error| error.to_string())
    }

    #[test]
    fn a_target_by_example() {
        let target = target(
            "name: node\nurl: http://ann:secret@127.0.0.1:9100/metrics\ninterval: 15s\ntimeout: 5s\n\
             labels: {site: here, instance: a}\nlimits: {samples: 5}\n\
             relabel: [{source_labels: [__name__], regex: go_.*, action: drop}]",
        )
        .unwrap();
        assert_eq!(
            target.labels.to_string(),
            r#"{instance="a", job="node", site="here"}"#
        );
        assert_eq!(target.url, "http://127.0.0.1:9100/metrics");
        assert_eq!(target.limits.samples, 5);
        assert!(!format!("{:?}", target.endpoint).contains("secret"));
    }

    #[test]
    fn where_no_timeout_is_said_it_is_ten_seconds_or_a_shorter_interval() {
        for (interval, timeout) in [("5s", 5), ("10s", 10), ("1m", 10)] {
            let target = target(&format!("{{name: a, url: 'http://b', interval: {interval}}}")).unwrap();
            assert_eq!(target.timeout, Duration::from_secs(timeout));
        }
    }

    #[test]
    fn what_cannot_be_scraped_says_why() {
        for (yaml, reason) in [
            (
                "{name: a, url: 'http://b', interval: 100ms}",
                "the target `a` has an interval of less than a second",
            ),
            (
                "{name: a, url: 'http://b', interval: 5s, timeout: 6s}",
                "the target `a` needs a timeout between nothing and its interval, or scrapes would overlap",
            ),
            (
                "{name: a, url: 'ftp://b/c'}",
                "the target `a` cannot be used: ftp://b/c begins with ftp:, which is not how a server is reached; use http: or https:",
            ),
            (
                "{name: a, url: 'http://b', labels: {__x: y}}",
                "the target `a` has the label `__x`, which is not a name that it may have",
            ),
            (
                "{name: a, url: 'http://b', relabel: [{}]}",
                "the target `a` cannot be used: a relabelling rule with the action `replace` needs a target_label",
            ),
            ("{name: '', url: 'http://b'}", "the target `` needs a name"),
        ] {
            assert_eq!(target(yaml).unwrap_err(), reason);
        }
        assert!(
            target("{name: a, url: 'http://b', intervall: 5s}")
                .unwrap_err()
                .contains("intervall")
        );
    }
}
