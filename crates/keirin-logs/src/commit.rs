//! Rows of many logs in one statement: whoever finds the turn free takes along what all others wait with.

use std::sync::{Arc, Mutex};

use keirin_store::logs::Growth;
use keirin_store::{Store, StoreError};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::error::LogError;
use crate::live::lock;

/// Logs that one statement grows at most.
const BATCH: usize = 500;

type Answer = Result<bool, Arc<StoreError>>;

pub(crate) struct Committer {
    store: Store,
    waiting: Mutex<Vec<(Growth, oneshot::Sender<Answer>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl Committer {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Commits a chunk; false where the log is not as it was thought to be. A log is here once at a time.
    pub(crate) async fn commit(&self, growth: Growth) -> Result<bool, LogError> {
        let (sender, mut answer) = oneshot::channel();
        lock(&self.waiting).push((growth, sender));
        loop {
            let _turn = self.turn.lock().await;
            match answer.try_recv() {
                Ok(answer) => return answer.map_err(LogError::Store),
                Err(TryRecvError::Closed) => return Err(LogError::Interrupted),
                Err(TryRecvError::Empty) => self.commit_waiting().await,
            }
        }
    }

    async fn commit_waiting(&self) {
        let batch: Vec<_> = {
            let mut waiting = lock(&self.waiting);
            let count = waiting.len().min(BATCH);
            waiting.drain(..count).collect()
        };
        let (growths, senders): (Vec<Growth>, Vec<_>) = batch.into_iter().unzip();
        let grown = self.store.grow_logs(&growths).await.map_err(Arc::new);
        for (growth, sender) in growths.iter().zip(senders) {
            let answer = grown.as_ref().map(|grown| grown.contains(&growth.chunk.stream));
            // Who asked may have gone away; the row is there all the same.
            let _ = sender.send(answer.map_err(Arc::clone));
        }
    }
}
