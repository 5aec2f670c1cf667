//! What may be done for one project by one task at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keirin_model::ProjectId;
use tokio::sync::OwnedMutexGuard;

/// Gives each project's turn to one task after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<ProjectId, Arc<tokio::sync::Mutex<()>>>>>);

impl Turns {
    /// Waits for the project's turn, which lasts as long as what is given.
    pub(crate) async fn turn(&self, project: ProjectId) -> OwnedMutexGuard<()> {
        self.of(project).lock_owned().await
    }

    /// The project's turn, where nobody has it.
    pub(crate) fn try_turn(&self, project: ProjectId) -> Option<OwnedMutexGuard<()>> {
        self.of(project).try_lock_owned().ok()
    }

    fn of(&self, project: ProjectId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(project).or_default())
    }
}
