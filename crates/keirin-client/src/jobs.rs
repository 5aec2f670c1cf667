//! Jobs and the queue.

use std::time::Duration;

use keirin_model::{ArtifactId, FlowId, JobId, Outcome, State};
use keirin_wire::api::{Job, JobSummary, Page, QueueEntry};
use reqwest::Method;
use serde::Serialize;

use crate::Result;
use crate::client::Client;

/// How long a file may take on its way.
const DOWNLOAD: Duration = Duration::from_secs(60 * 60);

/// Which jobs: those that fit everything that is given.
#[derive(Debug, Clone, Default, Serialize)]
pub struct JobQuery {
    /// Of this flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowId>,
    /// In this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// With this outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Only those that wait for an agent.
    pub waiting: bool,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl Client {
    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn jobs(&self, which: &JobQuery) -> Result<Page<JobSummary>> {
        self.call(Method::GET, "/api/v1/jobs")
            .query(which)
            .receive()
            .await
    }

    /// A page of jobs that wait, each with the reason.
    ///
    /// # Errors
    /// As every call.
    pub async fn queue(&self, cursor: Option<&str>, limit: Option<u32>) -> Result<Page<QueueEntry>> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("cursor", cursor), ("limit", limit.as_deref())];
        self.call(Method::GET, "/api/v1/queue")
            .query(&query)
            .receive()
            .await
    }

    /// A job.
    ///
    /// # Errors
    /// As every call.
    pub async fn job(&self, job: JobId) -> Result<Job> {
        self.get(&format!("/api/v1/jobs/{job}")).await
    }

    /// Cancels a job.
    ///
    /// # Errors
    /// As every call.
    pub async fn cancel_job(&self, job: JobId) -> Result<Job> {
        self.post(&format!("/api/v1/jobs/{job}/cancel"), &()).await
    }

    /// The content of a file that a job left.
    ///
    /// # Errors
    /// As every call; later ones come in the stream.
    pub async fn download(
        &self,
        artifact: ArtifactId,
    ) -> Result<impl futures::Stream<Item = Result<bytes::Bytes>> + Send + use<>> {
        self.call(Method::GET, &format!("/api/v1/artifacts/{artifact}"))
            .within(Some(DOWNLOAD))
            .stream()
            .await
    }
}
