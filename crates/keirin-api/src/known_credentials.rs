//! Secrets that have held lately: who sends one is not counted among the strangers of their address, so that nobody else
//! there can shut them out. Whether it still holds is asked each time.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// How many are remembered, in each of two generations.
const MOST: usize = 10_000;

/// Hashes of secrets that have held.
#[derive(Debug, Default)]
pub(crate) struct KnownCredentials {
    generations: Mutex<Generations>,
}

/// When the young generation is full it becomes the old one, which is forgotten; who is still about is young again.
#[derive(Debug, Default)]
struct Generations {
    young: HashSet<Vec<u8>>,
    old: HashSet<Vec<u8>>,
}

impl KnownCredentials {
    /// Whether this secret has held lately.
    pub(crate) fn contains(&self, secret_hash: &[u8]) -> bool {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.contains(secret_hash) || generations.old.contains(secret_hash)
    }

    /// This secret holds.
    pub(crate) fn put(&self, secret_hash: Vec<u8>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() >= MOST {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(secret_hash);
    }

    /// This secret holds no more.
    pub(crate) fn forget(&self, secret_hash: &[u8]) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.remove(secret_hash);
        generations.old.remove(secret_hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_who_is_about_stays_known() {
        let known = KnownCredentials::default();
        known.put(b"about".to_vec());
        for number in 0..10 * MOST {
            known.put(number.to_be_bytes().to_vec());
            if number % 1000 == 0 {
                assert!(known.contains(b"about"));
                known.put(b"about".to_vec());
            }
        }
        let generations = known.generations.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 2 * MOST);
    }
}
