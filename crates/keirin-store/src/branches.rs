//! Branches of projects.

use jiff_sqlx::ToSqlx;
use keirin_model::project::Branch;
use keirin_model::{BranchId, ProjectId, Timestamp};

use crate::{Result, Store, StoreError};

impl Store {
    /// Makes a branch.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the project has a branch of this name or is not there.
    pub async fn create_branch(&self, project: ProjectId, name: &str, now: Timestamp) -> Result<Branch> {
        let id = sqlx::query_scalar!(
            "insert into branches (project, name, created_at) values ($1, $2, $3) returning id",
            project.0,
            name,
            now.to_sqlx() as _,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|error| {
            StoreError::conflict_if_violated(error, || {
                format!("project {project} is gone, or has a branch named `{name}` already")
            })
        })?;
        Ok(Branch {
            id: BranchId(id),
            project,
            name: name.to_owned(),
            seen_commit: None,
        })
    }

    /// The branches of a project, the default one first.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn branches(&self, project: ProjectId) -> Result<Vec<Branch>> {
        let rows = sqlx::query_as!(
            Row,
            "select id, project, name, seen_commit from branches where project = $1 order by not is_default, name",
            project.0,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Branch::from).collect())
    }

    /// One branch.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn branch(&self, id: BranchId) -> Result<Branch> {
        sqlx::query_as!(
            Row,
            "select id, project, name, seen_commit from branches where id = $1",
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Branch::from)
        .ok_or_else(|| StoreError::not_found("branch", id))
    }

    /// The branch of this name; the default one where there is no name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn branch_by_name(&self, project: ProjectId, name: Option<&str>) -> Result<Branch> {
        sqlx::query_as!(
            Row,
            "select id, project, name, seen_commit from branches
             where project = $1 and case when $2::text is null then is_default else name = $2 end",
            project.0,
            name,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Branch::from)
        .ok_or_else(|| match name {
            Some(name) => StoreError::not_found("branch", name),
            None => StoreError::NotFound("default branch of this project".to_owned()),
        })
    }

    /// Makes this branch the one that flows run on unless another is named.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn set_default_branch(&self, id: BranchId) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query!(
            "update branches set is_default = false
             where is_default and id <> $1 and project = (select project from branches where id = $1)",
            id.0
        )
        .execute(&mut *transaction)
        .await?;
        let updated = sqlx::query!("update branches set is_default = true where id = $1", id.0)
            .execute(&mut *transaction)
            .await?;
        if updated.rows_affected() == 0 {
            return Err(StoreError::not_found("branch", id));
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Takes down how a look at the branch went: the commit that it stands at, or why that cannot be said. A failed
    /// look leaves the last commit as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the branch is not there.
    pub async fn saw_branch(&self, id: BranchId, seen: Result<&str, &str>) -> Result<()> {
        let updated = sqlx::query!(
            "update branches set seen_commit = coalesce($2, seen_commit), last_error = $3 where id = $1",
            id.0,
            seen.ok(),
            seen.err(),
        )
        .execute(&self.pool)
        .await?;
        if updated.rows_affected() == 0 {
            return Err(StoreError::not_found("branch", id));
        }
        Ok(())
    }

    /// Why the last look at the branch failed; `None` where it did not.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the branch is not there.
    pub async fn branch_error(&self, id: BranchId) -> Result<Option<String>> {
        sqlx::query_scalar!("select last_error from branches where id = $1", id.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| StoreError::not_found("branch", id))
    }

    /// Deletes a branch that no flow has run on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is the default one or has flows, [`StoreError::NotFound`] when it is not there.
    pub async fn delete_branch(&self, id: BranchId) -> Result<()> {
        let is_default = sqlx::query_scalar!("select is_default from branches where id = $1", id.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| StoreError::not_found("branch", id))?;
        if is_default {
            return Err(StoreError::Conflict(
                "this is the project's default branch; make another one the default first".to_owned(),
            ));
        }
        sqlx::query!("delete from branches where id = $1 and not is_default", id.0)
            .execute(&self.pool)
            .await
            .map_err(|error| {
                StoreError::conflict_if_violated(error, || {
                    "flows have run on this branch, so it stays for their history".to_owned()
                })
            })?;
        Ok(())
    }
}

struct Row {
    id: i64,
    project: i64,
    name: String,
    seen_commit: Option<String>,
}

impl From<Row> for Branch {
    fn from(row: Row) -> Self {
        Self {
            id: BranchId(row.id),
            project: ProjectId(row.project),
            name: row.name,
            seen_commit: row.seen_commit,
        }
    }
}
