//! Deleting what is many rows, in pieces that each end soon: nobody waits for a lock of theirs, and none holds back those
//! who read positions for long.

use keirin_insight::{FactOwner, FactStream};
use keirin_model::retention::RetainedKind;
use keirin_model::{FlowId, ProjectId, RepositoryId};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::background_jobs::{NewBackgroundJob, enqueue};
use crate::facts::forget_counts;
use crate::series::take_turn;
use crate::{Result, Store, StoreError};

/// The kind of background job that deletes what a deleted project leaves.
pub const CLEAR_DELETED_PROJECT: &str = "clear_deleted_project";

/// What a deleted project leaves, as its background job knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedProject {
    /// The project that is gone.
    pub project: ProjectId,
    /// Its repository, where its history had been read.
    pub repository: Option<RepositoryId>,
    /// Its series, which are gone too: their samples are not.
    pub series: Vec<i64>,
}

impl Store {
    /// Deletes a project. Nobody sees anything of it afterwards, its name is free, and a background job deletes its flows and
    /// all else that it leaves.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while a flow of it is not finished, [`StoreError::NotFound`] when it is not there.
    pub async fn delete_project(&self, id: ProjectId) -> Result<()> {
        let mut transaction = self.begin().await?;
        check_finished(&mut transaction, id).await?;
        // What takes long comes before the project is locked, because a commit of the engine that adds a flow waits for that:
        // an import that holds the repository, and the series, which go at once because those of another project of this
        // name would be the same.
        let repository =
            sqlx::query_scalar!("delete from repositories where project = $1 returning id", id.0)
                .fetch_optional(&mut *transaction)
                .await?;
        let mut series = delete_series(&mut transaction, id).await?;
        let name = sqlx::query_scalar!("select name from projects where id = $1 for update", id.0)
            .fetch_optional(&mut *transaction)
            .await?
            .ok_or_else(|| StoreError::not_found("project", id))?;
        // Now no flow is added or begun again any more, and no series.
        check_finished(&mut transaction, id).await?;
        series.extend(delete_series(&mut transaction, id).await?);
        sqlx::query!("delete from projects where id = $1", id.0)
            .execute(&mut *transaction)
            .await?;
        let payload = serde_json::to_value(DeletedProject {
            project: id,
            repository: repository.map(RepositoryId),
            series,
        });
        let payload = payload.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let key = format!("{name} ({id})");
        let job = NewBackgroundJob {
            payload: &payload,
            ..NewBackgroundJob::new(CLEAR_DELETED_PROJECT, &key)
        };
        enqueue(&mut transaction, job).await?;
        transaction.commit().await?;
        self.wake_background_jobs();
        Ok(())
    }

    /// Some flows of a project, the oldest first.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn first_flows(&self, project: ProjectId, limit: u32) -> Result<Vec<FlowId>> {
        let ids = sqlx::query_scalar!(
            "select id from flows where project = $1 order by number limit $2",
            project.0,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(FlowId).collect())
    }

    /// How many flows there are of a project.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn count_flows(&self, project: ProjectId) -> Result<u64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from flows where project = $1"#,
            project.0
        )
        .fetch_one(&self.pool)
        .await?;
        crate::row::unsigned(count)
    }

    /// Deletes some of what is many in flows: test results, pieces of logs, artifacts. Gives how many; none when none are left.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn delete_outputs(&self, flows: &[FlowId], limit: u32) -> Result<u64> {
        let ids: Vec<i64> = flows.iter().map(|flow| flow.0).collect();
        let mut transaction = self.begin().await?;
        let deleted = delete_outputs_in(&mut transaction, &ids, &RetainedKind::OUTPUTS, limit).await?;
        transaction.commit().await?;
        Ok(deleted)
    }

    /// Deletes flows that are finished, with all that they left but facts. Gives how many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn delete_flows(&self, flows: &[FlowId]) -> Result<u64> {
        let ids: Vec<i64> = flows.iter().map(|flow| flow.0).collect();
        let mut transaction = self.begin().await?;
        // In the order in which retention takes them: flows, then logs.
        sqlx::query!(
            "select id from flows where id = any($1) order by id for update",
            &ids
        )
        .fetch_all(&mut *transaction)
        .await?;
        let deleted = delete_flows_in(&mut transaction, &ids).await?;
        transaction.commit().await?;
        Ok(deleted)
    }

    /// Deletes some facts of what a project's flows did. Gives how many; none when none are left.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn delete_work_facts(&self, project: ProjectId, limit: u32) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let deleted = delete_facts(&mut transaction, FactOwner::Project, project.0, limit).await?;
        transaction.commit().await?;
        Ok(deleted)
    }

    /// Deletes some facts of a repository's history that is not there any more, then those whom they name. Gives how many;
    /// none when none are left.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn delete_history_facts(&self, repository: RepositoryId, limit: u32) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let mut deleted = delete_facts(&mut transaction, FactOwner::Repository, repository.0, limit).await?;
        // Facts name identities, and those name people.
        for table in ["identities", "people"] {
            if deleted == 0 {
                deleted = delete_some(&mut transaction, table, "repository", repository.0, limit).await?;
            }
        }
        transaction.commit().await?;
        Ok(deleted)
    }

    /// Deletes all samples of series that are gone.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn delete_samples_of(&self, series: &[i64]) -> Result<()> {
        let mut transaction = self.begin().await?;
        // A writer that has found the series before they went is through.
        take_turn(&mut transaction).await?;
        sqlx::query!("delete from sample_chunks where series = any($1)", series)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

async fn delete_facts(connection: &mut PgConnection, owner: FactOwner, id: i64, limit: u32) -> Result<u64> {
    let mut deleted = 0;
    for stream in FactStream::of_owner(owner) {
        deleted += delete_some(connection, stream.table, owner.column(), id, limit).await?;
    }
    if deleted > 0 {
        forget_counts(connection, FactStream::of_owner(owner)).await?;
    }
    Ok(deleted)
}

/// Deletes some rows of whom a column names.
async fn delete_some(
    connection: &mut PgConnection,
    table: &'static str,
    column: &'static str,
    id: i64,
    limit: u32,
) -> Result<u64> {
    let statement = format!(
        "delete from {table} where ctid = any(array(select ctid from {table} where {column} = $1 limit $2))"
    );
    let deleted = sqlx::query(AssertSqlSafe(statement))
        .bind(id)
        .bind(i64::from(limit));
    Ok(deleted.execute(connection).await?.rows_affected())
}

/// How many pieces of one log are counted on where the rows of one transaction are limited.
const PIECES_OF_LOG: i64 = 50;

/// Deletes about so many rows of each of these kinds that flows left. A log goes whole, so that nobody reads half of it.
pub(crate) async fn delete_outputs_in(
    connection: &mut PgConnection,
    flows: &[i64],
    what: &[RetainedKind],
    limit: u32,
) -> Result<u64> {
    let is_meant = |kind| what.contains(&kind);
    lock_logs(connection, flows).await?;
    let deleted = sqlx::query_scalar!(
        r#"with
           results as (delete from test_results where ctid = any(array(
             select test_results.ctid from attempts join test_results on test_results.attempt = attempts.id
             where attempts.flow = any($1) and $3 limit $2)) returning 1),
           streams as (delete from log_streams where id = any(array(
             select id from log_streams where flow = any($1) and $4 limit $6)) returning id),
           chunks as (delete from log_chunks where stream in (select id from streams) returning 1),
           files as (delete from artifacts where ctid = any(array(
             select ctid from artifacts where flow = any($1) and $5 limit $2)) returning 1)
         select (select count(*) from results) + (select count(*) from chunks) + (select count(*) from streams)
              + (select count(*) from files) as "count!""#,
        flows,
        i64::from(limit),
        is_meant(RetainedKind::TestResults),
        is_meant(RetainedKind::Logs),
        is_meant(RetainedKind::Artifacts),
        (i64::from(limit) / PIECES_OF_LOG).max(1),
    )
    .fetch_one(connection)
    .await?;
    crate::row::unsigned(deleted)
}

/// Deletes flows that are finished, with all that they left but facts.
pub(crate) async fn delete_flows_in(connection: &mut PgConnection, flows: &[i64]) -> Result<u64> {
    lock_logs(connection, flows).await?;
    // One statement sees one state of all tables, so the order within it does not matter.
    let deleted = sqlx::query_scalar!(
        r#"with
           gone as (delete from flows where id = any($1) and outcome is not null returning id),
           tries as materialized (select attempts.id from gone join attempts on attempts.flow = gone.id),
           no_results as (delete from test_results where attempt in (select id from tries)),
           no_artifacts as (delete from artifacts where flow in (select id from gone)),
           no_streams as (delete from log_streams where flow in (select id from gone) returning id),
           no_chunks as (delete from log_chunks where stream in (select id from no_streams)),
           no_steps as (delete from steps where attempt in (select id from tries)),
           no_attempts as (delete from attempts where id in (select id from tries)),
           no_jobs as (delete from jobs where flow in (select id from gone)),
           no_runs as (delete from runs where flow in (select id from gone))
         select count(*) as "count!" from gone"#,
        flows,
    )
    .fetch_one(connection)
    .await?;
    crate::row::unsigned(deleted)
}

/// Whoever merges or adds pieces of a log holds the log, so the next statement sees all of them.
async fn lock_logs(connection: &mut PgConnection, flows: &[i64]) -> Result<()> {
    sqlx::query!(
        "select id from log_streams where flow = any($1) order by id for update",
        flows
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

async fn delete_series(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<i64>> {
    let series = sqlx::query_scalar!("delete from series where project = $1 returning id", project.0);
    Ok(series.fetch_all(connection).await?)
}

async fn check_finished(connection: &mut PgConnection, project: ProjectId) -> Result<()> {
    let unfinished = sqlx::query_scalar!(
        r#"select count(*) as "count!" from flows where project = $1 and outcome is null"#,
        project.0
    )
    .fetch_one(connection)
    .await?;
    match unfinished {
        0 => Ok(()),
        unfinished => Err(StoreError::Conflict(format!(
            "{unfinished} flows of the project are not finished; cancel them first"
        ))),
    }
}
