//! What goes away: what has been kept long enough, objects that no row points at, what a deleted project leaves, and what a
//! crash left half done.
//!
//! Rows go first, in transactions of their own that end soon, and remember their objects
//! ([`keirin_store::Store::objects_to_remove`]); the objects follow. Nothing is removed from an object storage that belongs to
//! another database ([`ObjectOwner`]).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod audit;
mod deleted_project;
mod events;
mod expiry;
mod owner;
mod removal;
mod rules;
mod sweep;
mod usage;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;
use keirin_background::BackgroundWork;
use keirin_model::Clock;
use keirin_model::retention::RetainedKind;
use keirin_objects::Objects;
use keirin_store::Store;

pub use owner::{ObjectOwner, OwnershipError};
pub use rules::{ResolvedRetention, RetentionError};

/// What lets go of objects and rows. A clone is the same.
#[derive(Clone)]
pub struct Retention {
    store: Store,
    objects: Objects,
    clock: Clock,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    removed: AtomicU64,
    orphans: AtomicU64,
    events: AtomicU64,
    audit_entries: AtomicU64,
    flows: AtomicU64,
    logs: AtomicU64,
    artifacts: AtomicU64,
    test_results: AtomicU64,
}

impl Counts {
    fn expired(&self, what: RetainedKind) -> &AtomicU64 {
        match what {
            RetainedKind::Flows => &self.flows,
            RetainedKind::Logs => &self.logs,
            RetainedKind::Artifacts => &self.artifacts,
            RetainedKind::TestResults => &self.test_results,
        }
    }
}

/// How many objects have been removed from the object storage since the server started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovalCounts {
    /// Those whose row was deleted.
    pub removed: u64,
    /// Those that never had one: a crash had come between the object and its row.
    pub orphans: u64,
}

impl Retention {
    /// Over this database and these objects.
    pub fn new(store: Store, objects: Objects, clock: Clock) -> Self {
        Self {
            store,
            objects,
            clock,
            counts: Arc::default(),
        }
    }

    /// How many flows lost this since the server started because it had been kept long enough.
    pub fn expired(&self, what: RetainedKind) -> u64 {
        self.counts.expired(what).load(Ordering::Relaxed)
    }

    /// How many events were removed since the server started.
    pub fn events_removed(&self) -> u64 {
        self.counts.events.load(Ordering::Relaxed)
    }

    /// How many entries of the audit log were removed since the server started.
    pub fn audit_entries_removed(&self) -> u64 {
        self.counts.audit_entries.load(Ordering::Relaxed)
    }

    /// How many objects have gone since the server started.
    pub fn counts(&self) -> RemovalCounts {
        RemovalCounts {
            removed: self.counts.removed.load(Ordering::Relaxed),
            orphans: self.counts.orphans.load(Ordering::Relaxed),
        }
    }
}

/// Every kind of background job that takes something away; the audit log keeps its entries for so long.
pub fn background_works(retention: &Retention, audit_kept: SignedDuration) -> Vec<Arc<dyn BackgroundWork>> {
    let audit = audit::RemoveAuditEntries {
        retention: retention.clone(),
        kept: audit_kept,
    };
    vec![
        Arc::new(audit),
        Arc::new(expiry::ApplyRetention(retention.clone())),
        Arc::new(events::RemoveEvents(retention.clone())),
        Arc::new(removal::RemoveObjects(retention.clone())),
        Arc::new(sweep::SweepObjects(retention.clone())),
        Arc::new(deleted_project::ClearDeletedProject(retention.clone())),
    ]
}
