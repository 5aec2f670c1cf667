//! What the engine reads and writes: snapshots, commits, the events that commits leave, and who leads.

mod commit;
mod event;
mod fold;
mod insert;
mod lead;
mod snapshot;
mod update;

pub use crate::position::{Position, UnknownPosition};
pub use commit::CommitError;
pub use event::{Event, EventBatch, EventItem, EventKind};
pub use lead::{Epoch, Leader, LeaderLease};
