//! When a job that has failed is tried again.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use crate::kind::{JobFailure, RetrySchedule};

/// After this many doublings every wait is the longest.
const DOUBLINGS: u32 = 30;

impl RetrySchedule {
    /// How long after a failure the job is tried again; `None` where it is left for a person. `attempts` counts how often it
    /// has been begun. Jobs that fail together come back apart: the wait differs by up to a quarter, by what `seed` tells
    /// them apart.
    pub(crate) fn wait(&self, failure: &JobFailure, attempts: u32, seed: i64) -> Option<Duration> {
        let is_over = self.attempts.is_some_and(|limit| attempts >= limit);
        if is_over || matches!(failure, JobFailure::Lasting(_)) {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(DOUBLINGS);
        let wait = self.first.saturating_mul(1 << doublings).min(self.longest);
        let mut hasher = DefaultHasher::new();
        (seed, attempts).hash(&mut hasher);
        // Of 1,024 parts between three and five quarters.
        let part = 768 + u32::try_from(hasher.finish() % 513).unwrap_or(0);
        Some(wait.saturating_mul(part) / 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: RetrySchedule = RetrySchedule {
        first: Duration::from_secs(10),
        longest: Duration::from_secs(3600),
        attempts: Some(5),
    };

    #[test]
    fn the_wait_doubles_up_to_its_end_and_then_a_person_is_waited_for() {
        let passing = JobFailure::Passing("the disk is full".to_owned());
        for (attempts, expected) in [(1, 10.0), (2, 20.0), (3, 40.0), (4, 80.0)] {
            let wait = RETRY.wait(&passing, attempts, 7).unwrap().as_secs_f64();
            assert!(
                wait >= expected * 0.75 && wait <= expected * 1.25,
                "{attempts}: {wait}"
            );
        }
        assert_eq!(RETRY.wait(&passing, 5, 7), None);
        let for_ever = RetrySchedule {
            attempts: None,
            ..RETRY
        };
        let longest = for_ever.wait(&passing, u32::MAX, 7).unwrap();
        assert!(longest >= RETRY.longest * 3 / 4 && longest <= RETRY.longest * 5 / 4);
        let lasting = JobFailure::Lasting("there is no such bucket".to_owned());
        assert_eq!(for_ever.wait(&lasting, 1, 7), None);
    }

    #[test]
    fn jobs_that_fail_together_come_back_apart() {
        let passing = JobFailure::Passing(String::new());
        let waits: std::collections::HashSet<_> = (1..=50).map(|job| RETRY.wait(&passing, 1, job)).collect();
        assert!(waits.len() > 40, "{}", waits.len());
    }
}
