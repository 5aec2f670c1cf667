//! What is known of projects for looking at their repositories.

use jiff::SignedDuration;
use jiff_sqlx::ToSqlx;
use keirin_model::{BranchId, ProjectId, Timestamp};

use crate::{Result, Store, StoreError};

/// A project whose repository is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolledProject {
    /// The project.
    pub id: ProjectId,
    /// URL or path of the repository.
    pub repository: String,
    /// How often the workflows have it looked at, where they say so.
    pub every: Option<SignedDuration>,
    /// When it was last found that something had moved in the repository, or it was first read; before that when the project
    /// was made.
    pub moved_at: Timestamp,
    /// Whether there is a background job of the kind that was asked about.
    pub has_job: bool,
}

impl Store {
    /// The projects whose repositories are looked at, or one of them, and whether each has a background job of a kind.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn polled_projects(&self, kind: &str, one: Option<ProjectId>) -> Result<Vec<PolledProject>> {
        let rows = sqlx::query!(
            r#"select projects.id, repository, poll_every,
                      coalesce(moved_at, projects.created_at) as "moved_at!: jiff_sqlx::Timestamp",
                      exists (select 1 from background_jobs as job
                              where job.kind = $1 and job.key = projects.id::text) as "has_job!"
               from projects where $2::bigint is null or projects.id = $2 order by projects.id"#,
            kind,
            one.map(|one| one.0),
        )
        .fetch_all(&self.pool)
        .await?;
        let projects = rows.into_iter().map(|row| PolledProject {
            id: ProjectId(row.id),
            repository: row.repository,
            every: row.poll_every.map(SignedDuration::from_millis),
            moved_at: row.moved_at.to_jiff(),
            has_job: row.has_job,
        });
        Ok(projects.collect())
    }

    /// The branch whose workflows were last read as those of the default branch.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project is not there.
    pub async fn workflows_read_of(&self, project: ProjectId) -> Result<Option<BranchId>> {
        let branch = sqlx::query_scalar!("select workflows_read_of from projects where id = $1", project.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| StoreError::not_found("project", project))?;
        Ok(branch.map(BranchId))
    }

    /// Takes down that the workflows of this default branch have been read, and how often they have the repository looked at.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project is not there.
    pub async fn set_workflows_read(
        &self,
        project: ProjectId,
        of: BranchId,
        every: Option<SignedDuration>,
    ) -> Result<()> {
        let every = every.map(|every| i64::try_from(every.as_millis()).unwrap_or(i64::MAX));
        let updated = sqlx::query!(
            "update projects set workflows_read_of = $2, poll_every = $3 where id = $1",
            project.0,
            of.0,
            every
        )
        .execute(&self.pool)
        .await?;
        match updated.rows_affected() {
            0 => Err(StoreError::not_found("project", project)),
            _ => Ok(()),
        }
    }

    /// Takes down that something has moved in a project's repository.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn set_project_moved(&self, project: ProjectId, at: Timestamp) -> Result<()> {
        sqlx::query!(
            "update projects set moved_at = $2 where id = $1",
            project.0,
            at.to_sqlx() as _
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
