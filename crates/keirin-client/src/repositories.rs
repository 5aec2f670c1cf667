//! Repositories whose history is among the facts, and imports.

use keirin_wire::api::{FinishImport, HistoryPart, NewFacts, Page, Repository};
use reqwest::Method;

use crate::Result;
use crate::client::{Client, part};

fn path(repository: &str) -> String {
    format!("/api/v1/repositories/{}", part(repository))
}

impl Client {
    /// All repositories in sight.
    ///
    /// # Errors
    /// As every call.
    pub async fn repositories(&self) -> Result<Page<Repository>> {
        self.get("/api/v1/repositories").await
    }

    /// A repository by name.
    ///
    /// # Errors
    /// As every call.
    pub async fn repository(&self, name: &str) -> Result<Repository> {
        self.get(&path(name)).await
    }

    /// Sends part of a repository's history; sending it again does no harm.
    ///
    /// # Errors
    /// As every call.
    pub async fn add_history(&self, name: &str, history: &HistoryPart) -> Result<NewFacts> {
        self.post(&format!("{}/history", path(name)), history).await
    }

    /// Ends an import.
    ///
    /// # Errors
    /// As every call.
    pub async fn finish_import(&self, name: &str, end: &FinishImport) -> Result<Repository> {
        self.call(Method::PUT, &format!("{}/heads", path(name)))
            .json(end)
            .receive()
            .await
    }
}
