//! Who leads: a server takes the lead when nobody has it, keeps it as long as it can say so in time, and lets go.

use std::future::Future;
use std::time::Duration;

use keirin_store::engine::{Epoch, LeaderLease};
use keirin_store::{Result, Store};

/// How long the lead is held without being renewed. A standby takes over that long after a leader that died.
const TERM: Duration = Duration::from_secs(3);
/// How often the lead is renewed, and how often a standby tries to take it.
const RENEW: Duration = Duration::from_millis(750);

/// The lead of one server.
#[derive(Debug, Clone)]
pub struct Leadership {
    store: Store,
    holder: String,
}

/// How a time of leading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Led {
    /// The work ended by itself.
    Ended,
    /// Another server leads, or may lead by now.
    Deposed,
}

impl Leadership {
    /// `holder` is what people call this server.
    pub fn new(store: Store, holder: String) -> Self {
        Self { store, holder }
    }

    /// Waits until this server leads.
    pub async fn take(&self) -> LeaderLease {
        loop {
            match self.store.try_lead(&self.holder, TERM).await {
                Ok(Some(lease)) => return lease,
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the lead cannot be asked for at the moment"),
            }
            tokio::time::sleep(RENEW).await;
        }
    }

    /// Gives the lead back, so that a standby need not wait.
    ///
    /// # Errors
    /// The database cannot be reached; the lead then runs out by itself.
    pub async fn release(&self, lease: &LeaderLease) -> Result<()> {
        self.store.release(lease).await
    }
}

/// Does the work of a leader as long as the lead can be renewed.
pub async fn lead<Work: Future<Output = ()>>(
    leadership: &Leadership,
    lease: &LeaderLease,
    work: impl FnOnce(Epoch) -> Work,
) -> Led {
    tokio::select! {
        () = work(lease.epoch) => Led::Ended,
        () = keep(leadership, lease) => Led::Deposed,
    }
}

/// Renews the lead until another has it. A database that does not answer is no reason to let go: no other server can
/// take the lead from it either, and every commit checks the epoch.
async fn keep(leadership: &Leadership, lease: &LeaderLease) {
    loop {
        tokio::time::sleep(RENEW).await;
        match leadership.store.renew(lease, TERM).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "the lead could not be renewed; trying again"),
        }
    }
}
