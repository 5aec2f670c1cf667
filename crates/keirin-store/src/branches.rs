//! Branches and tags of projects, and what pushes to them have done.

use jiff_sqlx::ToSqlx;
use keirin_model::project::{Branch, BranchKind, PushRecord};
use keirin_model::{BranchId, FlowId, ProjectId, Timestamp};

use crate::row::{json, parse_enum, timestamp};
use crate::{Result, Store, StoreError};

impl Store {
    /// The branch, or tag that flows run on, of this name, which is made where there is none: whoever starts a flow by hand and a
    /// look at the repository may both find it new.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the project is not there.
    pub async fn ensure_branch(
        &self,
        project: ProjectId,
        kind: BranchKind,
        name: &str,
        now: Timestamp,
    ) -> Result<Branch> {
        let row = sqlx::query_as!(
            Row,
            r#"insert into branches (project, kind, name, created_at) values ($1, $2, $3, $4)
               on conflict on constraint branches_name do update set name = excluded.name
               returning id, project, kind, name, seen_commit, gone_at as "gone_at: jiff_sqlx::Timestamp""#,
            project.0,
            kind.into_str(),
            name,
            now.to_sqlx() as _,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|error| StoreError::conflict_if_violated(error, || format!("project {project} is gone")))?;
        row.try_into()
    }

    /// The branches and tags of a project that are known, gone ones too; the default branch first.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn branches(&self, project: ProjectId) -> Result<Vec<Branch>> {
        let rows = sqlx::query_as!(
            Row,
            r#"select id, project, kind, name, seen_commit, gone_at as "gone_at: jiff_sqlx::Timestamp"
               from branches where project = $1 order by not is_default, kind, name"#,
            project.0,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Branch::try_from).collect()
    }

    /// One branch.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn branch(&self, id: BranchId) -> Result<Branch> {
        sqlx::query_as!(
            Row,
            r#"select id, project, kind, name, seen_commit, gone_at as "gone_at: jiff_sqlx::Timestamp"
               from branches where id = $1"#,
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| StoreError::not_found("branch", id))?
        .try_into()
    }

    /// The branch of this name; the default one where there is no name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn branch_by_name(&self, project: ProjectId, name: Option<&str>) -> Result<Branch> {
        sqlx::query_as!(
            Row,
            r#"select id, project, kind, name, seen_commit, gone_at as "gone_at: jiff_sqlx::Timestamp"
               from branches
               where project = $1 and kind = 'branch'
                   and case when $2::text is null then is_default else name = $2 end"#,
            project.0,
            name,
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| match name {
            Some(name) => StoreError::not_found("branch", name),
            None => StoreError::NotFound("default branch of this project".to_owned()),
        })?
        .try_into()
    }

    /// Makes this branch the one that flows run on unless another is named.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn set_default_branch(&self, id: BranchId) -> Result<()> {
        let mut transaction = self.begin().await?;
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

    /// Takes down where branches and tags stand without any of them having been pushed; makes those that are not known.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn record_heads(
        &self,
        project: ProjectId,
        kind: BranchKind,
        heads: &[(String, String)],
        now: Timestamp,
    ) -> Result<()> {
        let (names, commits): (Vec<&str>, Vec<&str>) = heads
            .iter()
            .map(|(name, commit)| (name.as_str(), commit.as_str()))
            .unzip();
        sqlx::query!(
            "insert into branches (project, kind, name, seen_commit, created_at)
             select $1, $2, name, commit, $5 from unnest($3::text[], $4::text[]) as u (name, commit)
             on conflict (project, kind, name)
             do update set seen_commit = excluded.seen_commit, gone_at = null, taking_in = null",
            project.0,
            kind.into_str(),
            &names as _,
            &commits as _,
            now.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A push of this commit is being dealt with. Gives the newest flow before it: the same one again where the server
    /// died while it dealt with this push.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the branch is not there.
    pub async fn begin_push(&self, id: BranchId, commit: &str) -> Result<FlowId> {
        let after = sqlx::query_scalar!(
            r#"update branches set
                 taking_in_after = case when taking_in = $2 then taking_in_after
                                   else (select last_flow from leader) end,
                 taking_in = $2
               where id = $1 returning taking_in_after as "after!""#,
            id.0,
            commit,
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| StoreError::not_found("branch", id))?;
        Ok(FlowId(after))
    }

    /// A push has been dealt with: where the branch or tag stands now, and what the push did.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the branch is not there.
    pub async fn finish_push(&self, id: BranchId, seen: &str, push: &PushRecord) -> Result<()> {
        let updated = sqlx::query!(
            "update branches set seen_commit = $2, last_push = $3, gone_at = null, taking_in = null where id = $1",
            id.0,
            seen,
            json(push)? as _,
        )
        .execute(&self.pool)
        .await?;
        if updated.rows_affected() == 0 {
            return Err(StoreError::not_found("branch", id));
        }
        Ok(())
    }

    /// What the last push to a branch or tag has done; `None` where there was none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the branch is not there.
    pub async fn last_push(&self, id: BranchId) -> Result<Option<PushRecord>> {
        let row = sqlx::query_scalar!(
            r#"select last_push as "push: sqlx::types::Json<PushRecord>" from branches where id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| StoreError::not_found("branch", id))?;
        Ok(row.map(|push| push.0))
    }

    /// The repository has these no more.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn set_branches_gone(&self, branches: &[BranchId], now: Timestamp) -> Result<()> {
        if branches.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = branches.iter().map(|branch| branch.0).collect();
        sqlx::query!(
            "update branches set gone_at = $2, taking_in = null where id = any($1) and gone_at is null",
            &ids,
            now.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Deletes a branch that no flow has run on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is the default one or has flows, [`StoreError::NotFound`] when it is not there.
    pub async fn delete_branch(&self, id: BranchId) -> Result<()> {
        // Held first: whoever adds a flow holds it too, and is seen by the statement after.
        let mut transaction = self.begin().await?;
        let is_default =
            sqlx::query_scalar!("select is_default from branches where id = $1 for update", id.0)
                .fetch_optional(&mut *transaction)
                .await?
                .ok_or_else(|| StoreError::not_found("branch", id))?;
        if is_default {
            return Err(StoreError::Conflict(
                "this is the project's default branch; make another one the default first".to_owned(),
            ));
        }
        let deleted = sqlx::query!(
            "delete from branches
             where id = $1 and not exists (select from flows where branch = $1)",
            id.0
        );
        let deleted = deleted.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        if deleted == 0 {
            return Err(StoreError::Conflict(
                "flows have run on this branch, so it stays for their history".to_owned(),
            ));
        }
        Ok(())
    }
}

struct Row {
    id: i64,
    project: i64,
    kind: String,
    name: String,
    seen_commit: Option<String>,
    gone_at: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<Row> for Branch {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: BranchId(row.id),
            project: ProjectId(row.project),
            kind: parse_enum(&row.kind)?,
            name: row.name,
            seen_commit: row.seen_commit,
            gone_at: timestamp(row.gone_at),
        })
    }
}
