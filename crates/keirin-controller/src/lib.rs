//! Leads: drives the engine against a store, gives agents their jobs, and starts flows when their time has come.
//!
//! [`event_loop`] is the one loop in which the engine decides: it takes in what has arrived meanwhile, commits all that
//! follows from it in one transaction, and only then answers and tells. [`Handle`] is how everybody else reaches it.
//! [`Controller`] is the whole for a server: it implements [`work::Work`], which the HTTP layer asks.

mod agents;
mod answer;
mod background;
mod controller;
mod default_branch;
mod directory;
mod event_loop;
mod events;
mod feed;
mod figures;
mod firing;
mod handle;
mod journal;
mod lead;
mod live;
mod planning;
mod polling;
mod prepare;
mod pushes;
mod repositories;
mod standalone;
mod triggering;
mod turns;
pub mod work;
mod workflows;

pub use background::background_works;
pub use controller::{Controller, ControllerParts};
pub use directory::{CheckoutSource, Directory};
pub use figures::WorkFigures;
pub use handle::Handle;
pub use journal::{CommitFailure, Journal, JournalError, MemoryJournal, StoreJournal};
pub use lead::{Leadership, Led, lead};
pub use live::LiveAttempts;
pub use polling::{RepositoryWatch, WatchError};
pub use repositories::{OpenCredential, Repositories, named_by};
pub use standalone::{StandaloneEngine, run_standalone};
