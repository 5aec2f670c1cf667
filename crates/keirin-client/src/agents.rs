//! Agents as people manage them.

use keirin_model::AgentId;
use keirin_wire::api::{Agent, ChangeAgent, Page};
use reqwest::Method;

use crate::Result;
use crate::client::Client;

impl Client {
    /// All agents.
    ///
    /// # Errors
    /// As every call.
    pub async fn agents(&self) -> Result<Page<Agent>> {
        self.get("/api/v1/agents").await
    }

    /// An agent.
    ///
    /// # Errors
    /// As every call.
    pub async fn agent(&self, agent: AgentId) -> Result<Agent> {
        self.get(&format!("/api/v1/agents/{agent}")).await
    }

    /// Changes an agent.
    ///
    /// # Errors
    /// As every call.
    pub async fn change_agent(&self, agent: AgentId, change: &ChangeAgent) -> Result<Agent> {
        self.call(Method::PATCH, &format!("/api/v1/agents/{agent}"))
            .json(change)
            .receive()
            .await
    }

    /// Removes an agent.
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_agent(&self, agent: AgentId) -> Result<()> {
        self.delete(&format!("/api/v1/agents/{agent}")).await
    }
}
