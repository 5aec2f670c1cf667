//! What the server does by itself.

use keirin_model::BackgroundJobId;
use keirin_model::background::BackgroundJobState;
use keirin_wire::api::{BackgroundJob, BackgroundOverview, Page};
use reqwest::Method;

use crate::Result;
use crate::client::Client;

impl Client {
    /// Background jobs of this kind and in this state, where one is said, read page by page.
    ///
    /// # Errors
    /// As every call.
    pub async fn background_jobs(
        &self,
        kind: Option<&str>,
        state: Option<BackgroundJobState>,
    ) -> Result<Page<BackgroundJob>> {
        let mut query = Vec::new();
        query.extend(kind.map(|kind| ("kind", kind.to_owned())));
        query.extend(state.map(|state| ("state", state.to_string())));
        self.every_page("/api/v1/background-jobs", &query).await
    }

    /// What there is of background work.
    ///
    /// # Errors
    /// As every call.
    pub async fn background(&self) -> Result<BackgroundOverview> {
        self.get("/api/v1/background").await
    }

    /// Has a background job done now.
    ///
    /// # Errors
    /// As every call.
    pub async fn run_background_job(&self, id: BackgroundJobId) -> Result<()> {
        let path = format!("/api/v1/background-jobs/{id}/run");
        self.call(Method::POST, &path).done().await
    }

    /// Cancels a background job.
    ///
    /// # Errors
    /// As every call.
    pub async fn cancel_background_job(&self, id: BackgroundJobId) -> Result<()> {
        let path = format!("/api/v1/background-jobs/{id}");
        self.delete(&path).await
    }
}
