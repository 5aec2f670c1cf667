//! Where things belong: the project of a flow, a run, a job, which decides who may see it.

use keirin_model::{ArtifactId, FlowId, JobId, ProjectId, RunId};

use crate::{Result, Store};

/// A project as far as deciding about access needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRef {
    /// The project.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// Whether people who are not signed in may look at it.
    pub public: bool,
}

struct Columns {
    id: i64,
    name: String,
    public: bool,
}

impl From<Columns> for ProjectRef {
    fn from(columns: Columns) -> Self {
        Self {
            project: ProjectId(columns.id),
            name: columns.name,
            public: columns.public,
        }
    }
}

impl Store {
    /// The project of this name, whatever the case of its letters.
    ///
    /// # Errors
    /// As every call.
    pub async fn place_named(&self, name: &str) -> Result<Option<ProjectRef>> {
        let row = sqlx::query_as!(
            Columns,
            "select id, name, public from projects where lower(name) = lower($1)",
            name
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(ProjectRef::from))
    }

    /// A project.
    ///
    /// # Errors
    /// As every call.
    pub async fn place_of_project(&self, project: ProjectId) -> Result<Option<ProjectRef>> {
        let row = sqlx::query_as!(
            Columns,
            "select id, name, public from projects where id = $1",
            project.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(ProjectRef::from))
    }

    /// The project of a flow.
    ///
    /// # Errors
    /// As every call.
    pub async fn place_of_flow(&self, flow: FlowId) -> Result<Option<ProjectRef>> {
        let row = sqlx::query_as!(
            Columns,
            "select projects.id, projects.name, projects.public
            from flows join projects on projects.id = flows.project where flows.id = $1",
            flow.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(ProjectRef::from))
    }

    /// The project of a run.
    ///
    /// # Errors
    /// As every call.
    pub async fn place_of_run(&self, run: RunId) -> Result<Option<ProjectRef>> {
        let row = sqlx::query_as!(
            Columns,
            "select projects.id, projects.name, projects.public
            from runs join flows on flows.id = runs.flow join projects on projects.id = flows.project
            where runs.id = $1",
            run.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(ProjectRef::from))
    }

    /// The project of a job.
    ///
    /// # Errors
    /// As every call.
    pub async fn place_of_job(&self, job: JobId) -> Result<Option<ProjectRef>> {
        let row = sqlx::query_as!(
            Columns,
            "select projects.id, projects.name, projects.public
            from jobs join flows on flows.id = jobs.flow join projects on projects.id = flows.project
            where jobs.id = $1",
            job.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(ProjectRef::from))
    }

    /// Every project that people who are not signed in may look at.
    ///
    /// # Errors
    /// As every call.
    pub async fn public_projects(&self) -> Result<Vec<ProjectId>> {
        let ids = sqlx::query_scalar!("select id from projects where public")
            .fetch_all(&self.pool)
            .await?;
        Ok(ids.into_iter().map(ProjectId).collect())
    }

    /// The project of an artifact.
    ///
    /// # Errors
    /// As every call.
    pub async fn place_of_artifact(&self, artifact: ArtifactId) -> Result<Option<ProjectRef>> {
        let row = sqlx::query_as!(
            Columns,
            "select projects.id, projects.name, projects.public
            from artifacts join flows on flows.id = artifacts.flow join projects on projects.id = flows.project
            where artifacts.id = $1",
            artifact.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(ProjectRef::from))
    }
}
