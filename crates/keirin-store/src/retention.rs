//! What people say about how long flows are kept, which flows have been kept long enough, and the removal of what they left.

use jiff_sqlx::ToSqlx;
use keirin_model::flow::FlowKind;
use keirin_model::project::BranchKind;
use keirin_model::retention::{EffectiveTimes, ProjectRetentionRules, RetainedKind, RetentionRules};
use keirin_model::{BranchId, FlowId, ProjectId, Timestamp};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::deletion::{delete_flows_in, delete_outputs_in};
use crate::row::{json, parse_enum};
use crate::{Result, Store, StoreError};

/// The setting that holds what the server says.
const SETTING: &str = "retention";

/// A branch or tag, as far as its rules depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedBranch {
    /// Its id.
    pub id: BranchId,
    /// The project.
    pub project: ProjectId,
    /// Which of the two it is.
    pub kind: BranchKind,
    /// Its name.
    pub name: String,
}

/// Of one branch, flows of one kind that finished before a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionCutoff {
    /// The branch.
    pub branch: BranchId,
    /// The kind.
    pub kind: FlowKind,
    /// The time.
    pub before: Timestamp,
}

/// How long what flows of one kind on one branch leave is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionDays {
    /// The branch.
    pub branch: BranchId,
    /// The kind.
    pub kind: FlowKind,
    /// How long.
    pub times: EffectiveTimes,
}

impl Store {
    /// What the server says about retention.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn server_retention(&self) -> Result<RetentionRules> {
        let rules = sqlx::query_scalar!(
            r#"select value as "value: Json<RetentionRules>" from settings where name = $1"#,
            SETTING
        );
        Ok(rules.fetch_optional(&self.pool).await?.unwrap_or_default().0)
    }

    /// Has the server say this about retention.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn set_server_retention(&self, rules: &RetentionRules) -> Result<()> {
        sqlx::query!(
            "insert into settings (name, value) values ($1, $2)
             on conflict (name) do update set value = excluded.value, changed_at = now()",
            SETTING,
            json(rules)? as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What a project says about retention.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn project_retention(&self, id: ProjectId) -> Result<ProjectRetentionRules> {
        let rules = sqlx::query_scalar!(
            r#"select retention as "rules: Json<ProjectRetentionRules>" from projects where id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| StoreError::not_found("project", id))?;
        Ok(rules.0)
    }

    /// Has a project say this about retention.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn set_project_retention(&self, id: ProjectId, rules: &ProjectRetentionRules) -> Result<()> {
        let updated = sqlx::query!(
            "update projects set retention = $2 where id = $1",
            id.0,
            json(rules)? as _
        );
        match updated.execute(&self.pool).await?.rows_affected() {
            0 => Err(StoreError::not_found("project", id)),
            _ => Ok(()),
        }
    }

    /// What every project says about retention.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn retention_of_projects(&self) -> Result<Vec<(ProjectId, ProjectRetentionRules)>> {
        let rows = sqlx::query!(
            r#"select id, retention as "rules: Json<ProjectRetentionRules>" from projects order by id"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (ProjectId(row.id), row.rules.0))
            .collect())
    }

    /// Every branch and tag of every project.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn retained_branches(&self) -> Result<Vec<RetainedBranch>> {
        let rows = sqlx::query!("select id, project, kind, name from branches order by project, id")
            .fetch_all(&self.pool)
            .await?;
        let branches = rows.into_iter().map(|row| {
            Ok(RetainedBranch {
                id: BranchId(row.id),
                project: ProjectId(row.project),
                kind: parse_enum(&row.kind)?,
                name: row.name,
            })
        });
        branches.collect()
    }

    /// Keeps a flow with all that it left, or no longer.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there.
    pub async fn set_flow_pinned(&self, flow: FlowId, pinned: bool) -> Result<()> {
        let updated = sqlx::query!("update flows set pinned = $2 where id = $1", flow.0, pinned);
        match updated.execute(&self.pool).await?.rows_affected() {
            0 => Err(StoreError::not_found("flow", flow)),
            _ => Ok(()),
        }
    }

    /// Finished flows within these cutoffs of which this is still there, the oldest first. A pinned flow is none of them, nor
    /// the newest of a workflow on a branch that is there, nor the newest that succeeded: they say how the branch stands.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn expired_flows(
        &self,
        what: RetainedKind,
        cutoffs: &[RetentionCutoff],
        limit: u32,
    ) -> Result<Vec<FlowId>> {
        let branches: Vec<i64> = cutoffs.iter().map(|cutoff| cutoff.branch.0).collect();
        let kinds: Vec<&str> = cutoffs.iter().map(|cutoff| cutoff.kind.as_str()).collect();
        let before: Vec<_> = cutoffs.iter().map(|cutoff| cutoff.before.to_sqlx()).collect();
        let ids = sqlx::query_scalar!(
            r#"select f.id
               from unnest($1::bigint[], $2::text[], $3::timestamptz[]) as cutoff (branch, kind, before)
               join flows f on f.branch = cutoff.branch and f.kind = cutoff.kind and f.finished_at < cutoff.before
               join branches b on b.id = f.branch
               where f.outcome is not null and not f.pinned
                 and coalesce(case $4 when 'logs' then f.logs_removed_at when 'artifacts' then f.artifacts_removed_at
                       when 'test_results' then f.test_results_removed_at end, '-infinity') < f.finished_at
                 and not (f.kind = 'ci' and b.kind = 'branch' and b.gone_at is null and (
                   not exists (select from flows n where n.branch = f.branch and n.id > f.id
                       and n.workflow = f.workflow and n.kind = 'ci')
                   or f.outcome = 'success' and not exists (select from flows n where n.branch = f.branch and n.id > f.id
                       and n.workflow = f.workflow and n.kind = 'ci' and n.outcome = 'success')))
               order by f.finished_at limit $5"#,
            &branches,
            &kinds as _,
            &before as _,
            what.as_str(),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(FlowId).collect())
    }

    /// Removes some of what flows left, of those that are finished and not pinned. Gives how many rows; none when none are left,
    /// which then stands at the flows.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn remove_outputs(
        &self,
        flows: &[FlowId],
        what: RetainedKind,
        limit: u32,
        now: Timestamp,
    ) -> Result<u64> {
        let mut transaction = self.pool.begin().await?;
        // A flow that begins again waits, and then leaves something new.
        let expired = lock_expired(&mut transaction, flows).await?;
        let deleted = delete_outputs_in(&mut transaction, &expired, &[what], limit).await?;
        if deleted == 0 {
            sqlx::query!(
                "update flows set
                   logs_removed_at = case $2 when 'logs' then $3 else logs_removed_at end,
                   artifacts_removed_at = case $2 when 'artifacts' then $3 else artifacts_removed_at end,
                   test_results_removed_at = case $2 when 'test_results' then $3 else test_results_removed_at end
                 where id = any($1)",
                &expired,
                what.as_str(),
                now.to_sqlx() as _,
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(deleted)
    }

    /// Deletes flows that are finished and not pinned, with all that they left but facts. Gives how many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn delete_expired_flows(&self, flows: &[FlowId]) -> Result<u64> {
        let mut transaction = self.pool.begin().await?;
        let expired = lock_expired(&mut transaction, flows).await?;
        let deleted = delete_flows_in(&mut transaction, &expired).await?;
        transaction.commit().await?;
        Ok(deleted)
    }
}

/// Those of these flows that may lose something, held against whoever begins them again or pins them.
async fn lock_expired(connection: &mut PgConnection, flows: &[FlowId]) -> Result<Vec<i64>> {
    let ids: Vec<i64> = flows.iter().map(|flow| flow.0).collect();
    let expired = sqlx::query_scalar!(
        "select id from flows where id = any($1) and outcome is not null and not pinned order by id for update",
        &ids,
    );
    Ok(expired.fetch_all(connection).await?)
}
