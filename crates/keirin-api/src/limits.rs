//! How often somebody may try: buckets that fill with time and are emptied by calls.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::error::ApiError;

/// How many callers are remembered at most; beyond that, those whose buckets are full are forgotten.
const REMEMBERED: usize = 10_000;

/// How many wrong passwords one name or one address may have in a row.
const SIGN_INS: f64 = 10.0;

/// How many more it may have with each minute.
const SIGN_INS_PER_MINUTE: f64 = 1.0;

/// All limits of the HTTP layer.
pub(crate) struct Limits {
    calls: Throttle,
    sign_ins: Throttle,
}

impl Limits {
    pub(crate) fn new(calls_per_minute: u32) -> Self {
        Self {
            calls: Throttle::new(f64::from(calls_per_minute) / 2.0, f64::from(calls_per_minute)),
            sign_ins: Throttle::new(SIGN_INS, SIGN_INS_PER_MINUTE),
        }
    }

    /// Counts a call of this caller.
    pub(crate) fn call(&self, caller: &str, now: Timestamp) -> Result<(), ApiError> {
        self.calls.take(caller, now).map_err(|wait| {
            ApiError::too_many("You make more calls than the server takes from one caller.", wait)
        })
    }

    /// Counts an attempt to sign in, by name and by address.
    pub(crate) fn sign_in(&self, keys: &[String], now: Timestamp) -> Result<(), ApiError> {
        for key in keys {
            self.sign_ins.take(key, now).map_err(|wait| {
                ApiError::too_many(
                    "Too many attempts to sign in with this name or from this address.",
                    wait,
                )
            })?;
        }
        Ok(())
    }

    /// Forgets the attempts after one that went well.
    pub(crate) fn signed_in(&self, keys: &[String]) {
        for key in keys {
            self.sign_ins.forget(key);
        }
    }
}

/// A bucket for each caller.
struct Throttle {
    size: f64,
    per_second: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Throttle {
    fn new(size: f64, per_minute: f64) -> Self {
        Self {
            size,
            per_second: per_minute / 60.0,
            buckets: Mutex::default(),
        }
    }

    /// Takes one from the caller's bucket; says how many seconds to wait where it is empty.
    fn take(&self, caller: &str, now: Timestamp) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED && !buckets.contains_key(caller) {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < self.size);
            if buckets.len() >= REMEMBERED {
                return Err(60);
            }
        }
        let bucket = buckets.entry(caller.to_owned()).or_insert(Bucket {
            left: self.size,
            at: now,
        });
        let left = self.filled(*bucket, now);
        if left < 1.0 {
            return Err(((1.0 - left) / self.per_second).ceil() as u64);
        }
        *bucket = Bucket {
            left: left - 1.0,
            at: now,
        };
        Ok(())
    }

    fn filled(&self, bucket: Bucket, now: Timestamp) -> f64 {
        let seconds = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        (bucket.left + seconds * self.per_second).min(self.size)
    }

    fn forget(&self, caller: &str) {
        self.buckets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(caller);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_with_calls_and_fills_with_time() {
        let throttle = Throttle::new(2.0, 60.0);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(throttle.take("somebody", now), Ok(()));
        assert_eq!(throttle.take("somebody", now), Ok(()));
        assert_eq!(throttle.take("somebody", now), Err(1));
        assert_eq!(throttle.take("somebody else", now), Ok(()));
        let later = now + jiff::SignedDuration::from_secs(1);
        assert_eq!(throttle.take("somebody", later), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_a_stranger_waits_when_it_is_full() {
        let throttle = Throttle::new(2.0, 60.0);
        let now = Timestamp::UNIX_EPOCH;
        for number in 0..REMEMBERED {
            assert_eq!(throttle.take(&number.to_string(), now), Ok(()));
        }
        assert_eq!(throttle.take("stranger", now), Err(60));
        let later = now + jiff::SignedDuration::from_secs(10);
        assert_eq!(throttle.take("stranger", later), Ok(()));
    }
}
