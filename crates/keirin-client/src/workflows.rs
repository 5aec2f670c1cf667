//! Workflow files.

use keirin_wire::api::Workflow;
use reqwest::Method;

use crate::Result;
use crate::client::{Client, part};

impl Client {
    /// The workflows of a branch; of the default branch where none is named.
    ///
    /// # Errors
    /// As every call.
    pub async fn workflows(&self, project: &str, branch: Option<&str>) -> Result<Vec<Workflow>> {
        let query: Vec<(&str, &str)> = branch.map(|branch| ("branch", branch)).into_iter().collect();
        self.call(
            Method::GET,
            &format!("/api/v1/projects/{}/workflows", part(project)),
        )
        .query(&query)
        .receive()
        .await
    }
}
