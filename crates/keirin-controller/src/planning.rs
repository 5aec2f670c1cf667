//! Reading workflow files and working plans out. Both take a while with a large file, so they are done beside the tasks that
//! answer people and agents, and only few at once. What is shown to people has turns of its own: flows do not wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::work::WorkError;

/// How many are under way at once at most.
const AT_ONCE: usize = 2;

/// How long one waits for the end of it. What it may cost is bounded by the size of the file and by the budget of a plan, so it
/// comes to its end by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does such work. Clones share the limit.
#[derive(Debug, Clone)]
pub(crate) struct Planning(Arc<Semaphore>);

impl Default for Planning {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Planning {
    /// Does it, when its turn has come.
    ///
    /// # Errors
    /// [`WorkError::Unavailable`] when it does not end in time.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let done = async {
            // Nobody closes it.
            let turn = Arc::clone(&self.0).acquire_owned().await;
            let run = move || {
                let done = work();
                // Held to the end of the work, whoever still waits for it.
                drop(turn);
                done
            };
            tokio::task::spawn_blocking(run).await
        };
        match tokio::time::timeout(PATIENCE, done).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(broken)) => Err(WorkError::Internal(broken.into())),
            Err(_) => Err(WorkError::Unavailable(
                "The server is busy with other workflow files. Try again in a minute.".to_owned(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn more_than_a_few_wait_and_whoever_waits_for_long_is_told() {
        let planning = Planning::default();
        let mut gates = Vec::new();
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            let (open, gate) = mpsc::channel::<()>();
            let (begun, has_begun) = tokio::sync::oneshot::channel();
            gates.push(open);
            let planning = planning.clone();
            held.push(tokio::spawn(async move {
                let work = move || {
                    begun.send(()).unwrap();
                    gate.recv().unwrap_err();
                };
                planning.run(work).await
            }));
            has_begun.await.unwrap();
        }
        let waits = planning.clone();
        let late = tokio::spawn(async move { waits.run(|| 7).await });
        tokio::task::yield_now().await;
        tokio::time::advance(PATIENCE).await;
        let late = late.await.unwrap();
        assert!(matches!(late, Err(WorkError::Unavailable(_))), "{late:?}");
        for one in held {
            let given_up = one.await.unwrap();
            assert!(matches!(given_up, Err(WorkError::Unavailable(_))), "{given_up:?}");
        }
        // What nobody waits for any more keeps its turn until it ends.
        assert_eq!(planning.0.available_permits(), 0);
        drop(gates);
        assert_eq!(planning.run(|| 7).await.unwrap(), 7);
    }
}
