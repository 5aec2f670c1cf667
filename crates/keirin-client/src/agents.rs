//! Agents as people manage them.

use keirin_model::AgentId;
use keirin_wire::api::{Agent, ChangeAgent, Page, RemovedAgents};
use reqwest::Method;

use crate::Result;
use crate::client::Client;

impl Client {
    /// All agents, read page by page.
    ///
    /// # Errors
    /// As every call.
    pub async fn agents(&self) -> Result<Page<Agent>> {
        self.every_page("/api/v1/agents", &[]).await
    }

    /// Removes all agents that wait to be let in.
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_waiting_agents(&self) -> Result<RemovedAgents> {
        self.call(Method::DELETE, "/api/v1/agents?state=unauthorised")
            .receive()
            .await
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
