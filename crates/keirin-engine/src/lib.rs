//! The decisions of planner, scheduler and watchdog as one pure function: `step(event, now) -> effects`.

pub mod change;
pub mod snapshot;

pub use change::{Change, Move};
pub use snapshot::{FlowRecord, LastIds, Snapshot};
