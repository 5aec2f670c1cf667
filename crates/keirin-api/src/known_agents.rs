//! Agents that have lately proved who they are. An idle agent asks often, so not each time is worth asking the database.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use keirin_model::AgentId;

/// How long a proof is remembered. Whoever removes an agent ends it for this server at once; another server believes it
/// for so long, but the one that leads gives nothing to an agent that is not there.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(5);

/// How many are remembered.
const MOST: usize = 10_000;

/// Hashes of secrets and whose they are.
#[derive(Debug, Default)]
pub(crate) struct KnownAgents {
    known: Mutex<HashMap<Vec<u8>, (AgentId, Timestamp)>>,
}

impl KnownAgents {
    pub(crate) fn get(&self, secret_hash: &[u8], now: Timestamp) -> Option<AgentId> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (agent, at) = known.get(secret_hash)?;
        (now.duration_since(*at) < REMEMBERED).then_some(*agent)
    }

    pub(crate) fn put(&self, secret_hash: Vec<u8>, agent: AgentId, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(secret_hash, (agent, now));
    }

    pub(crate) fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
