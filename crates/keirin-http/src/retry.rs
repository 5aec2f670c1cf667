//! When a call is made again, and how long is waited before.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use keirin_model::configured_duration;
use serde::Deserialize;

/// How often a call is made before it counts as failed. Only what may go better next time is tried again: no answer,
/// an error of the server (5xx), too many calls (429).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Calls in all, the first among them.
    pub attempts: u32,
    /// Before the second call; then twice as long before each that follows.
    #[serde(with = "configured_duration")]
    pub first_wait: Duration,
    /// No wait is longer, not even where the server asks for it.
    #[serde(with = "configured_duration")]
    pub longest_wait: Duration,
}

impl RetryPolicy {
    /// One call and no other.
    pub const NEVER: Self = Self {
        attempts: 1,
        first_wait: Duration::ZERO,
        longest_wait: Duration::ZERO,
    };

    /// The waits between the calls.
    pub(crate) fn waits(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .with_max_times(self.attempts.saturating_sub(1) as usize)
            .build()
    }

    /// The wait before the next call, where there is to be one, when a server may have said how long.
    pub(crate) fn wait(&self, next: Option<Duration>, asked: Option<Duration>) -> Option<Duration> {
        next.map(|next| next.max(asked.unwrap_or_default()).min(self.longest_wait))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = RetryPolicy {
            attempts: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(5),
        };
        let waits: Vec<_> = retry
            .waits()
            .filter_map(|next| retry.wait(Some(next), None))
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 5]);
        let asked = |seconds| retry.wait(retry.waits().next(), Some(Duration::from_secs(seconds)));
        assert_eq!(asked(3), Some(Duration::from_secs(3)));
        assert_eq!(asked(3600), Some(Duration::from_secs(5)));
        assert_eq!(RetryPolicy::NEVER.waits().next(), None);
    }
}
