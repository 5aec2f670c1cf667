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

    /// Every branch and tag that has flows, of every project.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn retained_branches(&self) -> Result<Vec<RetainedBranch>> {
        let rows = sqlx::query!(
            "select id, project, kind, name from branches
             where exists (select from flows where flows.branch = branches.id) order by project, id"
        )
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

    /// When the artifacts of a flow were last removed because they had been kept long enough.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn artifacts_removed_at(&self, flow: FlowId) -> Result<Option<Timestamp>> {
        let removed = sqlx::query_scalar!(
            r#"select artifacts_removed_at as "at: jiff_sqlx::Timestamp" from flows where id = $1"#,
            flow.0
        );
        Ok(crate::row::timestamp(
            removed.fetch_optional(&self.pool).await?.flatten(),
        ))
    }

    /// The flows that say how branches stand and never go by themselves: of each workflow on each branch that the repository
    /// still has, the newest flow of the branch itself and the newest that succeeded. It reads all flows.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn newest_flows(&self) -> Result<Vec<FlowId>> {
        let ids = sqlx::query_scalar!(
            r#"with newest as (
                 select max(flows.id) as id, max(flows.id) filter (where outcome = 'success') as succeeded
                 from flows join branches on branches.id = flows.branch
                 where flows.kind = 'ci' and branches.kind = 'branch' and branches.gone_at is null
                 group by flows.branch, flows.workflow
               )
               select id as "id!" from newest
               union select succeeded from newest where succeeded is not null"#
        );
        let ids = ids.fetch_all(&self.pool).await?;
        Ok(ids.into_iter().map(FlowId).collect())
    }

    /// Finished flows within these cutoffs of which this is still there, the oldest first; neither a pinned one nor one of those
    /// that `stay`.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn expired_flows(
        &self,
        what: RetainedKind,
        cutoffs: &[RetentionCutoff],
        stay: &[FlowId],
        limit: u32,
    ) -> Result<Vec<FlowId>> {
        let branches: Vec<i64> = cutoffs.iter().map(|cutoff| cutoff.branch.0).collect();
        let kinds: Vec<&str> = cutoffs.iter().map(|cutoff| cutoff.kind.into_str()).collect();
        let before: Vec<_> = cutoffs.iter().map(|cutoff| cutoff.before.to_sqlx()).collect();
        let stay: Vec<i64> = stay.iter().map(|flow| flow.0).collect();
        let ids = sqlx::query_scalar!(
            r#"select expired.id as "id!"
               from unnest($1::bigint[], $2::text[], $3::timestamptz[]) as cutoff (branch, kind, before)
               cross join lateral (
                 select id, finished_at from flows
                 where branch = cutoff.branch and kind = cutoff.kind and finished_at < cutoff.before
                   and outcome is not null and not pinned and id <> all($5)
                   and coalesce(case $4 when 'logs' then logs_removed_at when 'artifacts' then artifacts_removed_at
                         when 'test_results' then test_results_removed_at end, '-infinity') < finished_at
                 order by finished_at limit $6
               ) expired
               order by expired.finished_at limit $6"#,
            &branches,
            &kinds as _,
            &before as _,
            what.into_str(),
            &stay,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(FlowId).collect())
    }

    /// Removes some of what flows left, of those that had finished before this time and are not pinned; a log goes whole or not
    /// at all. The flows say from the first piece on that it was removed then. Gives how many rows; none when none are left, and
    /// then [`Store::finish_removal`] is due.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn remove_outputs(
        &self,
        flows: &[FlowId],
        what: RetainedKind,
        limit: u32,
        before: Timestamp,
    ) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let expired = lock_expired(&mut transaction, flows, before).await?;
        sqlx::query!(
            "update flows set removing = $2,
               logs_removed_at = case $2 when 'logs' then $3 else logs_removed_at end,
               artifacts_removed_at = case $2 when 'artifacts' then $3 else artifacts_removed_at end,
               test_results_removed_at = case $2 when 'test_results' then $3 else test_results_removed_at end
             where id = any($1) and removing is distinct from $2",
            &expired,
            what.into_str(),
            before.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        let deleted = delete_outputs_in(&mut transaction, &expired, &[what], limit).await?;
        transaction.commit().await?;
        Ok(deleted)
    }

    /// What flows left of this has been removed, or they have begun again or been pinned meanwhile. Gives of how many it was
    /// being removed.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn finish_removal(&self, flows: &[FlowId], what: RetainedKind) -> Result<u64> {
        let ids: Vec<i64> = flows.iter().map(|flow| flow.0).collect();
        let updated = sqlx::query!(
            "update flows set removing = null where id = any($1) and removing = $2",
            &ids,
            what.into_str(),
        );
        Ok(updated.execute(&self.pool).await?.rows_affected())
    }

    /// Flows of which something was being removed when a server ended, with what it is and the time of which they say so.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn unfinished_removals(&self) -> Result<Vec<(FlowId, RetainedKind, Timestamp)>> {
        let rows = sqlx::query!(
            r#"select id, removing as "removing!", case removing when 'logs' then logs_removed_at
                 when 'artifacts' then artifacts_removed_at else test_results_removed_at end
                 as "removed_at!: jiff_sqlx::Timestamp"
               from flows where removing is not null order by id"#
        );
        let rows = rows.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| {
            Ok((
                FlowId(row.id),
                parse_enum(&row.removing)?,
                row.removed_at.to_jiff(),
            ))
        })
        .collect()
    }

    /// Deletes flows that had finished before this time and are not pinned, with all that they left but facts. Gives how many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn delete_expired_flows(&self, flows: &[FlowId], before: Timestamp) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let expired = lock_expired(&mut transaction, flows, before).await?;
        let deleted = delete_flows_in(&mut transaction, &expired).await?;
        transaction.commit().await?;
        Ok(deleted)
    }
}

/// Those of these flows that may lose something, held against whoever begins them again or pins them. One that has begun and
/// finished again since is not among them.
async fn lock_expired(
    connection: &mut PgConnection,
    flows: &[FlowId],
    before: Timestamp,
) -> Result<Vec<i64>> {
    let ids: Vec<i64> = flows.iter().map(|flow| flow.0).collect();
    let expired = sqlx::query_scalar!(
        "select id from flows
         where id = any($1) and outcome is not null and not pinned and finished_at < $2 order by id for update",
        &ids,
        before.to_sqlx() as _,
    );
    Ok(expired.fetch_all(connection).await?)
}
