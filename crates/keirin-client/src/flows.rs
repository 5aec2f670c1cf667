//! Flows and runs.

use keirin_model::{FlowId, Outcome, RunId, State};
use keirin_wire::api::{Artifact, Flow, FlowSummary, Page, RerunFlow, Run, StartFlow, TestResults};
use reqwest::Method;
use serde::Serialize;

use crate::Result;
use crate::client::{Client, part};

/// Which flows: those that fit everything that is given.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FlowQuery {
    /// On this branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// In this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// With this outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl Client {
    /// A page of flows, newest first; of all projects in sight where none is named.
    ///
    /// # Errors
    /// As every call.
    pub async fn flows(&self, project: Option<&str>, which: &FlowQuery) -> Result<Page<FlowSummary>> {
        let path = match project {
            Some(project) => format!("/api/v1/projects/{}/flows", part(project)),
            None => "/api/v1/flows".to_owned(),
        };
        self.call(Method::GET, &path).query(which).receive().await
    }

    /// Starts a flow.
    ///
    /// # Errors
    /// As every call.
    pub async fn start_flow(&self, project: &str, start: &StartFlow) -> Result<Flow> {
        self.post(&format!("/api/v1/projects/{}/flows", part(project)), start)
            .await
    }

    /// A flow.
    ///
    /// # Errors
    /// As every call.
    pub async fn flow(&self, flow: FlowId) -> Result<Flow> {
        self.get(&format!("/api/v1/flows/{flow}")).await
    }

    /// A flow by its number in its project.
    ///
    /// # Errors
    /// As every call.
    pub async fn flow_numbered(&self, project: &str, number: i64) -> Result<Flow> {
        self.get(&format!("/api/v1/projects/{}/flows/{number}", part(project)))
            .await
    }

    /// Cancels a flow.
    ///
    /// # Errors
    /// As every call.
    pub async fn cancel_flow(&self, flow: FlowId) -> Result<Flow> {
        self.post(&format!("/api/v1/flows/{flow}/cancel"), &()).await
    }

    /// Runs a flow again: all of it, or only what did not succeed.
    ///
    /// # Errors
    /// As every call.
    pub async fn rerun_flow(&self, flow: FlowId, failed: bool) -> Result<Flow> {
        self.post(&format!("/api/v1/flows/{flow}/rerun"), &RerunFlow { failed })
            .await
    }

    /// The first page of a flow's test results.
    ///
    /// # Errors
    /// As every call.
    pub async fn test_results(&self, flow: FlowId) -> Result<TestResults> {
        self.get(&format!("/api/v1/flows/{flow}/test-results")).await
    }

    /// The files that a flow has left.
    ///
    /// # Errors
    /// As every call.
    pub async fn artifacts(&self, flow: FlowId) -> Result<Page<Artifact>> {
        self.get(&format!("/api/v1/flows/{flow}/artifacts")).await
    }

    /// A run.
    ///
    /// # Errors
    /// As every call.
    pub async fn run(&self, run: RunId) -> Result<Run> {
        self.get(&format!("/api/v1/runs/{run}")).await
    }

    /// Starts a run of a stage with a manual start.
    ///
    /// # Errors
    /// As every call.
    pub async fn start_run(&self, run: RunId) -> Result<Run> {
        self.post(&format!("/api/v1/runs/{run}/start"), &()).await
    }

    /// Cancels a run.
    ///
    /// # Errors
    /// As every call.
    pub async fn cancel_run(&self, run: RunId) -> Result<Run> {
        self.post(&format!("/api/v1/runs/{run}/cancel"), &()).await
    }
}
