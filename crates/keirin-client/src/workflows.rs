//! Workflow files.

use keirin_wire::api::{Page, Schedule, Workflow};
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

    /// The timed triggers of a project.
    ///
    /// # Errors
    /// As every call.
    pub async fn schedules(&self, project: &str) -> Result<Page<Schedule>> {
        let path = format!("/api/v1/projects/{}/schedules", part(project));
        self.call(Method::GET, &path).receive().await
    }
}
