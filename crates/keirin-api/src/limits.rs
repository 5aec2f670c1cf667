//! How often somebody may try: buckets that fill with time and are emptied by calls.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::connections::AddressPrefix;
use crate::error::ApiError;

/// How many buckets one limit remembers at most; beyond that, the fullest are forgotten.
const REMEMBERED: usize = 10_000;

/// How many wrong passwords one name, and one address, may have in a row, and how many more with each minute.
const SIGN_INS: Rate = Rate::new(10, 1);

/// The same for a name at an address from which somebody has signed in by that name before.
const FAMILIAR_SIGN_INS: Rate = Rate::new(60, 6);

/// How many agents may make themselves known from one address without anybody vouching for them.
const REGISTRATIONS: Rate = Rate::new(10, 1);

/// All limits of the HTTP layer.
pub(crate) struct Limits {
    /// By user.
    calls: Throttle,
    /// By address, for whoever is not known.
    strangers: Throttle,
    /// By address, for whoever asks after the server's health.
    health_checks: Throttle,
    sign_ins: Throttle,
    familiar_sign_ins: Throttle,
    registrations: Throttle,
}

/// An attempt to sign in: by which name, and from where.
pub(crate) struct SignInAttempt {
    name: String,
    address: String,
    pair: String,
}

impl SignInAttempt {
    /// Names differ by their letters, not by the case of these.
    pub(crate) fn new(name: &str, address: AddressPrefix) -> Self {
        let name: String = name.to_lowercase().chars().take(64).collect();
        Self {
            pair: format!("{address} {name}"),
            name: format!("name {name}"),
            address: format!("address {address}"),
        }
    }
}

impl Limits {
    pub(crate) fn new(calls_per_minute: u32) -> Self {
        let calls = Rate::new(calls_per_minute / 2, calls_per_minute);
        Self {
            calls: Throttle::new(calls),
            strangers: Throttle::new(calls),
            health_checks: Throttle::new(calls),
            sign_ins: Throttle::new(SIGN_INS),
            familiar_sign_ins: Throttle::new(FAMILIAR_SIGN_INS),
            registrations: Throttle::new(REGISTRATIONS),
        }
    }

    /// Counts a call of a user.
    pub(crate) fn call(&self, user: &str, now: Timestamp) -> Result<(), ApiError> {
        self.calls.take(user, now).map_err(too_many_calls)
    }

    /// Counts a call of somebody who is not known yet, before it is found out who it is.
    pub(crate) fn stranger(&self, address: AddressPrefix, now: Timestamp) -> Result<(), ApiError> {
        let taken = self.strangers.take(&address.to_string(), now);
        taken.map_err(too_many_calls)
    }

    /// The call was of somebody who is known after all.
    pub(crate) fn no_stranger(&self, address: AddressPrefix) {
        self.strangers.release(&address.to_string());
    }

    /// Counts a question after the server's health.
    pub(crate) fn health_check(&self, address: AddressPrefix, now: Timestamp) -> Result<(), ApiError> {
        let taken = self.health_checks.take(&address.to_string(), now);
        taken.map_err(too_many_calls)
    }

    /// Counts an agent that makes itself known without anybody vouching for it.
    pub(crate) fn registration(&self, address: AddressPrefix, now: Timestamp) -> Result<(), ApiError> {
        let taken = self.registrations.take(&address.to_string(), now);
        taken.map_err(|wait| {
            ApiError::too_many("Too many agents make themselves known from this address.", wait)
        })
    }

    /// Counts an attempt to sign in: by address first, so that one address cannot use up every name, and by name. An
    /// attempt that is familiar counts by itself alone, so that nobody elsewhere can use it up.
    pub(crate) fn sign_in(
        &self,
        attempt: &SignInAttempt,
        is_familiar: bool,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let taken = if is_familiar {
            self.familiar_sign_ins.take(&attempt.pair, now)
        } else {
            let by_address = self.sign_ins.take(&attempt.address, now);
            by_address.and_then(|()| self.sign_ins.take(&attempt.name, now))
        };
        taken.map_err(|wait| {
            ApiError::too_many(
                "Too many attempts to sign in with this name or from this address.",
                wait,
            )
        })
    }

    /// Forgets the attempts after one that went well. What others have tried by the same name stays.
    pub(crate) fn signed_in(&self, attempt: &SignInAttempt, was_familiar: bool) {
        if was_familiar {
            self.familiar_sign_ins.forget(&attempt.pair);
        } else {
            self.sign_ins.release(&attempt.address);
            self.sign_ins.release(&attempt.name);
        }
    }

    /// Counts an attempt to give one's own present password.
    pub(crate) fn own_password(&self, key: &str, now: Timestamp) -> Result<(), ApiError> {
        self.sign_ins
            .take(key, now)
            .map_err(|wait| ApiError::too_many("Too many attempts to give the present password.", wait))
    }

    /// Forgets the attempts after one that went well.
    pub(crate) fn own_password_was_right(&self, key: &str) {
        self.sign_ins.forget(key);
    }
}

fn too_many_calls(wait: u64) -> ApiError {
    ApiError::too_many("You make more calls than the server takes from one caller.", wait)
}

/// How much a bucket holds, and how much comes back with each minute.
#[derive(Debug, Clone, Copy)]
struct Rate {
    size: f64,
    per_second: f64,
}

impl Rate {
    const fn new(size: u32, per_minute: u32) -> Self {
        Self {
            size: size as f64,
            per_second: per_minute as f64 / 60.0,
        }
    }
}

/// A bucket for each caller.
struct Throttle {
    rate: Rate,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Throttle {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Takes one from the caller's bucket; says how many seconds to wait where it is empty.
    fn take(&self, caller: &str, now: Timestamp) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED && !buckets.contains_key(caller) {
            self.forget_fullest(&mut buckets, now);
        }
        let bucket = buckets.entry(caller.to_owned()).or_insert(Bucket {
            left: self.rate.size,
            at: now,
        });
        let left = self.filled(*bucket, now);
        if left < 1.0 {
            return Err(((1.0 - left) / self.rate.per_second).ceil() as u64);
        }
        *bucket = Bucket {
            left: left - 1.0,
            at: now,
        };
        Ok(())
    }

    /// Makes room. What is nearly full again says little about its caller, so whoever makes up many callers forgets
    /// those, and neither shuts strangers out nor clears who has tried too often.
    fn forget_fullest(&self, buckets: &mut HashMap<String, Bucket>, now: Timestamp) {
        let mut levels: Vec<f64> = buckets.values().map(|bucket| self.filled(*bucket, now)).collect();
        let (_, median, _) = levels.select_nth_unstable_by(REMEMBERED / 2, f64::total_cmp);
        let median = *median;
        let mut surplus = buckets.len() - REMEMBERED / 2;
        buckets.retain(|_, bucket| {
            let is_forgotten = surplus > 0 && self.filled(*bucket, now) >= median;
            surplus -= usize::from(is_forgotten);
            !is_forgotten
        });
    }

    fn filled(&self, bucket: Bucket, now: Timestamp) -> f64 {
        let seconds = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        (bucket.left + seconds * self.rate.per_second).min(self.rate.size)
    }

    fn release(&self, caller: &str) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(caller) {
            bucket.left = (bucket.left + 1.0).min(self.rate.size);
        }
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
        let throttle = Throttle::new(Rate::new(2, 60));
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(throttle.take("somebody", now), Ok(()));
        assert_eq!(throttle.take("somebody", now), Ok(()));
        assert_eq!(throttle.take("somebody", now), Err(1));
        assert_eq!(throttle.take("somebody else", now), Ok(()));
        let later = now + jiff::SignedDuration::from_secs(1);
        assert_eq!(throttle.take("somebody", later), Ok(()));
        throttle.release("somebody");
        assert_eq!(throttle.take("somebody", later), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_whoever_fills_it_neither_shuts_others_out_nor_is_forgotten() {
        let throttle = Throttle::new(Rate::new(2, 60));
        let now = Timestamp::UNIX_EPOCH;
        for _ in 0..2 {
            assert_eq!(throttle.take("guesses", now), Ok(()));
        }
        for number in 0..5 * REMEMBERED {
            assert_eq!(throttle.take(&number.to_string(), now), Ok(()), "{number}");
            let remembered = throttle.buckets.lock().unwrap().len();
            assert!(remembered <= REMEMBERED, "{remembered}");
        }
        assert_eq!(throttle.take("guesses", now), Err(1));
    }
}
