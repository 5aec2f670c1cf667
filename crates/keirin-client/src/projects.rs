//! Projects, their branches and members.

use keirin_model::UserId;
use keirin_model::access::Role;
use keirin_wire::api::{Branch, ChangeProject, CreateProject, Credential, Member, Page, Project, SetMember};
use reqwest::Method;

use crate::Result;
use crate::client::{Client, part};

fn path(project: &str) -> String {
    format!("/api/v1/projects/{}", part(project))
}

impl Client {
    /// All projects in sight.
    ///
    /// # Errors
    /// As every call.
    pub async fn projects(&self) -> Result<Page<Project>> {
        self.every_page("/api/v1/projects", &[]).await
    }

    /// A project by name.
    ///
    /// # Errors
    /// As every call.
    pub async fn project(&self, name: &str) -> Result<Project> {
        self.get(&path(name)).await
    }

    /// Makes a project.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_project(&self, wanted: &CreateProject) -> Result<Project> {
        self.post("/api/v1/projects", wanted).await
    }

    /// Changes a project.
    ///
    /// # Errors
    /// As every call.
    pub async fn change_project(&self, name: &str, change: &ChangeProject) -> Result<Project> {
        self.call(Method::PATCH, &path(name)).json(change).receive().await
    }

    /// Removes a project with all its flows.
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_project(&self, name: &str) -> Result<()> {
        self.delete(&path(name)).await
    }

    /// Stores the credential for a project's repository.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_credential(&self, name: &str, credential: &Credential) -> Result<()> {
        let path = format!("{}/credential", path(name));
        self.call(Method::PUT, &path).json(credential).done().await
    }

    /// Forgets the credential for a project's repository.
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_credential(&self, name: &str) -> Result<()> {
        self.delete(&format!("{}/credential", path(name))).await
    }

    /// A project's branches.
    ///
    /// # Errors
    /// As every call.
    pub async fn branches(&self, name: &str) -> Result<Page<Branch>> {
        self.get(&format!("{}/branches", path(name))).await
    }

    /// Those with a role in a project.
    ///
    /// # Errors
    /// As every call.
    pub async fn members(&self, name: &str) -> Result<Page<Member>> {
        self.get(&format!("{}/members", path(name))).await
    }

    /// Gives somebody a role in a project.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_member(&self, name: &str, user: UserId, role: Role) -> Result<()> {
        let path = format!("{}/members/{user}", path(name));
        self.call(Method::PUT, &path)
            .json(&SetMember { role })
            .done()
            .await
    }

    /// Takes somebody's role in a project away.
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_member(&self, name: &str, user: UserId) -> Result<()> {
        self.delete(&format!("{}/members/{user}", path(name))).await
    }
}
