//! The decisions of planner, scheduler and watchdog as one pure function: `step(event, now) -> effects`.
//!
//! No I/O, no clock, no randomness: whoever drives the engine commits the changes of each step, and then tells the
//! outside what the step says. [`memory::MemoryStore`] is the store for those who need none.

mod advance;
mod agents;
mod attempts;
pub mod change;
pub mod clockwork;
mod deadlines;
mod engine;
pub mod event;
mod flows;
mod held;
pub mod memory;
mod planner;
mod queue;
mod scheduler;
pub mod snapshot;
mod turns;
pub mod waiting;
mod watchdog;
mod work;

pub use change::{Move, RowChange};
pub use engine::{Engine, Rules};
pub use event::{AgentClaim, CancelTarget, Effects, EngineEvent, EventReply, NewFlow, Notification, Refusal};
pub use held::Held;
pub use snapshot::{FlowRecord, LastIds, Snapshot};
