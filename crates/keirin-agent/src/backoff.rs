//! How long to wait before a call is made again.

use std::time::Duration;

use crate::config::Random;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double up to a bound, each shortened by chance so that many agents do not come back at one moment.
pub(crate) struct Backoff {
    failures: u32,
    random: Random,
}

impl Backoff {
    pub(crate) fn new(random: Random) -> Self {
        Self { failures: 0, random }
    }

    /// A call succeeded: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure: between half of and the full length of this round.
    pub(crate) fn next(&mut self) -> Duration {
        let full = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let chance = (self.random)() as f64 / u64::MAX as f64;
        full.mul_f64(0.5 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_begin_anew_after_success() {
        let mut backoff = Backoff::new(Arc::new(|| u64::MAX));
        let waits: Vec<u128> = (0..9).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        backoff.reset();
        assert_eq!(backoff.next().as_millis(), 100);
    }

    #[test]
    fn chance_takes_away_at_most_half() {
        let mut backoff = Backoff::new(Arc::new(|| 0));
        assert_eq!(backoff.next().as_millis(), 50);
    }
}
