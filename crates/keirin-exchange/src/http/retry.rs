//! When a call is made again, and how long is waited before.

use std::time::Duration;

use serde::Deserialize;

/// How often a call is made before it counts as failed. Only what may go better next time is tried again: no answer,
/// an error of the server (5xx), too many calls (429).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Calls in all, the first among them.
    pub attempts: u32,
    /// Before the second call; then twice as long before each that follows.
    #[serde(with = "crate::duration")]
    pub first_wait: Duration,
    /// No wait is longer, not even where the server asks for it.
    #[serde(with = "crate::duration")]
    pub longest_wait: Duration,
}

impl RetryPolicy {
    /// One call and no other.
    pub const NEVER: Self = Self {
        attempts: 1,
        first_wait: Duration::ZERO,
        longest_wait: Duration::ZERO,
    };

    /// How long to wait before the next call, when so many were made; `None` when there is to be none. A server may
    /// have said how long.
    pub fn wait(&self, made: u32, asked: Option<Duration>) -> Option<Duration> {
        if made >= self.attempts {
            return None;
        }
        let doubled = self
            .first_wait
            .saturating_mul(2_u32.saturating_pow(made.saturating_sub(1)));
        Some(
            asked
                .map_or(doubled, |asked| asked.max(doubled))
                .min(self.longest_wait),
        )
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
        let waits: Vec<_> = (1..=5)
            .map(|made| retry.wait(made, None).map(|wait| wait.as_secs()))
            .collect();
        assert_eq!(waits, [Some(1), Some(2), Some(4), Some(5), None]);
        assert_eq!(
            retry.wait(1, Some(Duration::from_secs(3))),
            Some(Duration::from_secs(3))
        );
        assert_eq!(
            retry.wait(1, Some(Duration::from_secs(3600))),
            Some(Duration::from_secs(5))
        );
        assert_eq!(RetryPolicy::NEVER.wait(1, None), None);
    }
}
