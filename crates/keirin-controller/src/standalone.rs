//! The engine with no server around it: for work on this machine, and for tests of the loop itself.

use std::sync::Arc;

use keirin_engine::Rules;
use keirin_model::Clock;
use tokio::sync::{mpsc, watch};

use crate::directory::Directory;
use crate::event_loop::{self, EventLoopParts};
use crate::handle::Handle;
use crate::journal::{Journal, JournalError};

/// A running engine. It ends when all handles are dropped.
pub struct StandaloneEngine {
    /// Reaches it.
    pub handle: Handle,
    /// Changes with every commit.
    pub commits: watch::Receiver<u64>,
}

/// Runs the engine on what a journal holds. Schedules fire nothing.
///
/// # Errors
/// When the journal cannot be read.
pub async fn run_standalone<J: Journal>(
    journal: Arc<J>,
    directory: Directory,
    clock: Clock,
    rules: Rules,
) -> Result<StandaloneEngine, JournalError> {
    let commits = watch::Sender::new(0);
    let seen = commits.subscribe();
    let (due, _) = mpsc::unbounded_channel();
    let parts = EventLoopParts {
        journal,
        directory,
        clock,
        rules,
        due,
        commits,
        figures: Arc::default(),
    };
    let (handle, _) = event_loop::start(parts).await?;
    Ok(StandaloneEngine {
        handle,
        commits: seen,
    })
}
