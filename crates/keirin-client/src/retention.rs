//! How long what flows leave is kept, and flows that stay.

use keirin_model::FlowId;
use keirin_model::retention::{ProjectRetentionRules, RetentionRules};
use keirin_wire::api::{ProjectRetention, ServerRetention};
use reqwest::Method;

use crate::Result;
use crate::client::{Client, part};

impl Client {
    /// What the server says about retention.
    ///
    /// # Errors
    /// As every call.
    pub async fn server_retention(&self) -> Result<ServerRetention> {
        self.get("/api/v1/retention").await
    }

    /// Has the server say this.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_server_retention(&self, rules: &RetentionRules) -> Result<ServerRetention> {
        let call = self.call(Method::PUT, "/api/v1/retention");
        call.json(rules).receive().await
    }

    /// What a project says about retention.
    ///
    /// # Errors
    /// As every call.
    pub async fn project_retention(&self, project: &str) -> Result<ProjectRetention> {
        self.get(&path_of(project)).await
    }

    /// Has a project say this.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_project_retention(
        &self,
        project: &str,
        rules: &ProjectRetentionRules,
    ) -> Result<ProjectRetention> {
        let call = self.call(Method::PUT, &path_of(project));
        call.json(rules).receive().await
    }

    /// Keeps a flow with all that it left.
    ///
    /// # Errors
    /// As every call.
    pub async fn pin_flow(&self, flow: FlowId) -> Result<()> {
        let path = format!("/api/v1/flows/{flow}/pin");
        self.call(Method::PUT, &path).done().await
    }

    /// Keeps a flow no longer than others.
    ///
    /// # Errors
    /// As every call.
    pub async fn unpin_flow(&self, flow: FlowId) -> Result<()> {
        self.delete(&format!("/api/v1/flows/{flow}/pin")).await
    }
}

fn path_of(project: &str) -> String {
    format!("/api/v1/projects/{}/retention", part(project))
}
