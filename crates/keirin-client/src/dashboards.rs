//! Dashboards, in Grafana's JSON.

use keirin_wire::api::{Dashboard, DashboardCheck, DashboardContent, DashboardSummary, Page};
use reqwest::Method;

use crate::Result;
use crate::client::{Client, part};

const DASHBOARDS: &str = "/api/v1/dashboards";

impl Client {
    /// Dashboards that come with the program, and those that people have made.
    ///
    /// # Errors
    /// As every call.
    pub async fn dashboards(&self) -> Result<Page<DashboardSummary>> {
        self.every_page(DASHBOARDS, &[]).await
    }

    /// A dashboard.
    ///
    /// # Errors
    /// As every call.
    pub async fn dashboard(&self, uid: &str) -> Result<Dashboard> {
        self.get(&address(uid)).await
    }

    /// Keeps a dashboard, in place of the one of its uid where it has one. One that was not there belongs to the project, or to
    /// the server.
    ///
    /// # Errors
    /// As every call.
    pub async fn keep_dashboard(
        &self,
        wanted: &DashboardContent,
        project: Option<&str>,
    ) -> Result<Dashboard> {
        let (method, path) = match wanted.uid() {
            Some(uid) => (Method::PUT, address(uid)),
            None => (Method::POST, DASHBOARDS.to_owned()),
        };
        let query: Vec<_> = project.map(|project| ("project", project)).into_iter().collect();
        self.call(method, &path)
            .query(&query)
            .json(wanted)
            .receive()
            .await
    }

    /// What in a dashboard cannot be kept or drawn.
    ///
    /// # Errors
    /// As every call.
    pub async fn check_dashboard(&self, wanted: &DashboardContent) -> Result<DashboardCheck> {
        self.post(&format!("{DASHBOARDS}/check"), wanted).await
    }

    /// Deletes a dashboard.
    ///
    /// # Errors
    /// As every call.
    pub async fn delete_dashboard(&self, uid: &str) -> Result<()> {
        self.delete(&address(uid)).await
    }
}

fn address(uid: &str) -> String {
    format!("{DASHBOARDS}/{}", part(uid))
}
