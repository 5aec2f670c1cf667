//! Where the engine's changes go: the database, or memory.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use keirin_engine::memory::MemoryStore;
use keirin_engine::{FlowRecord, RowChange, Snapshot};
use keirin_model::{FlowId, RunId};
use keirin_store::engine::{CommitError, Epoch};
use keirin_store::{Store, StoreError};

/// Keeps what the engine decides. One engine at a time writes to it.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// All unfinished work.
    async fn snapshot(&self) -> Result<Snapshot, JournalError>;

    /// A flow with all its parts, finished or not; `None` where there is none.
    async fn flow_record(&self, flow: FlowId) -> Result<Option<FlowRecord>, JournalError>;

    /// The flow of a run; `None` where there is none.
    async fn flow_of_run(&self, run: RunId) -> Result<Option<FlowId>, JournalError>;

    /// Writes all changes, or none.
    async fn commit(&self, changes: &[RowChange]) -> Result<(), CommitFailure>;
}

/// The journal cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the state of the work cannot be read: {0}")]
pub struct JournalError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Why changes are not known to be written. In each case the engine's memory is no longer to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum CommitFailure {
    /// Another server leads.
    #[error("another server leads")]
    Deposed,
    /// They were not written, or nobody knows.
    #[error("the changes may not have been written: {0}")]
    Uncertain(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The database, written to by the leader of one epoch.
#[derive(Debug, Clone)]
pub struct StoreJournal {
    /// The database.
    pub store: Store,
    /// The epoch.
    pub epoch: Epoch,
}

fn unreadable(error: StoreError) -> JournalError {
    JournalError(error.into())
}

#[async_trait]
impl Journal for StoreJournal {
    async fn snapshot(&self) -> Result<Snapshot, JournalError> {
        self.store.snapshot().await.map_err(unreadable)
    }

    async fn flow_record(&self, flow: FlowId) -> Result<Option<FlowRecord>, JournalError> {
        match self.store.flow_record(flow).await {
            Ok(record) => Ok(Some(record)),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(unreadable(error)),
        }
    }

    async fn flow_of_run(&self, run: RunId) -> Result<Option<FlowId>, JournalError> {
        self.store.flow_of_run(run).await.map_err(unreadable)
    }

    async fn commit(&self, changes: &[RowChange]) -> Result<(), CommitFailure> {
        match self.store.commit(self.epoch, changes).await {
            Ok(_) => Ok(()),
            Err(CommitError::Deposed) => Err(CommitFailure::Deposed),
            Err(error) => Err(CommitFailure::Uncertain(error.into())),
        }
    }
}

/// Memory that is gone when the process ends: for work with no server.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal {
    store: Arc<Mutex<MemoryStore>>,
}

impl MemoryJournal {
    /// A journal that goes on from these rows.
    pub fn new(store: MemoryStore) -> Self {
        Self {
            store: Arc::new(Mutex::new(store)),
        }
    }

    /// Looks at the rows.
    pub fn read<T>(&self, look: impl FnOnce(&MemoryStore) -> T) -> T {
        look(&self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn snapshot(&self) -> Result<Snapshot, JournalError> {
        Ok(self.read(MemoryStore::snapshot))
    }

    async fn flow_record(&self, flow: FlowId) -> Result<Option<FlowRecord>, JournalError> {
        Ok(self.read(|store| store.flow_record(flow)))
    }

    async fn flow_of_run(&self, run: RunId) -> Result<Option<FlowId>, JournalError> {
        Ok(self.read(|store| store.runs.get(&run).map(|run| run.flow)))
    }

    async fn commit(&self, changes: &[RowChange]) -> Result<(), CommitFailure> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store
            .commit(changes)
            .map_err(|conflict| CommitFailure::Uncertain(conflict.into()))
    }
}
