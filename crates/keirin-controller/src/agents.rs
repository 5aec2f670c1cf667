//! What changes about agents: the engine hears of it, and so does whoever shows them.

use std::sync::Arc;
use std::time::Duration;

use keirin_engine::EngineEvent;
use keirin_model::AgentId;
use keirin_model::agent::Agent;
use keirin_store::{Store, StoreError};

use crate::events::Notifications;
use crate::handle::Handle;
use crate::work::WorkError;

/// How often it is taken down when agents were last heard of.
const NOTE_AGENTS: Duration = Duration::from_secs(20);

/// Tells of agents. Clones are the same.
#[derive(Clone)]
pub(crate) struct AgentChanges {
    store: Store,
    notifications: Notifications,
    /// Held from when an agent is read until the engine knows it so, so that no older state overtakes a newer one.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl AgentChanges {
    pub(crate) fn new(store: Store, notifications: Notifications) -> Self {
        Self {
            store,
            notifications,
            turn: Arc::default(),
        }
    }

    /// Tells of an agent as it is now.
    pub(crate) async fn tell(&self, handle: &Handle, agent: AgentId) -> Result<(), WorkError> {
        let turn = self.turn.lock().await;
        let event = match self.store.agent(agent).await {
            Ok(agent) => EngineEvent::AgentChanged(agent),
            Err(StoreError::NotFound(_)) => EngineEvent::AgentRemoved(agent),
            Err(error) => return Err(error.into()),
        };
        handle.step(event).await?;
        drop(turn);
        self.notifications.agent(agent);
        Ok(())
    }

    /// Takes down from time to time when agents were last heard of, and sees to it that the engine knows them as they are.
    /// Ends when this server does not lead any more.
    pub(crate) async fn follow(self, handle: Handle) {
        loop {
            tokio::time::sleep(NOTE_AGENTS).await;
            let Ok((seen, known)) = handle.ask(|engine| (engine.agents_seen(), engine.agents())).await else {
                return;
            };
            if let Err(error) = self.store.touch_agents(&seen).await {
                tracing::warn!(%error, "it could not be taken down when agents were last heard of");
            }
            if let Err(error) = self.align(&handle, &known).await {
                tracing::warn!(%error, "it could not be seen whether agents have changed");
            }
        }
    }

    /// Tells of agents that have changed without the engine's hearing of it: whoever changed them may have ended just then.
    async fn align(&self, handle: &Handle, known: &[Agent]) -> Result<(), WorkError> {
        let kept = self.store.agents().await?;
        let changed = kept.iter().filter(|agent| !known.contains(agent));
        let removed = known
            .iter()
            .filter(|agent| kept.iter().all(|other| other.id != agent.id));
        for agent in changed.chain(removed) {
            self.tell(handle, agent.id).await?;
        }
        Ok(())
    }
}
