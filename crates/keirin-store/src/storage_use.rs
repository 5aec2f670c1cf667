//! What takes how much room.

use keirin_model::Timestamp;

use crate::row::{timestamp, unsigned};
use crate::{Result, Store};

/// What a project, or the server itself, keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageUse {
    /// The project's name; `None` for what belongs to none: the logs of agents and services.
    pub project: Option<String>,
    /// Its flows.
    pub flows: u64,
    /// When the oldest of them was started.
    pub oldest_flow_at: Option<Timestamp>,
    /// Its artifacts.
    pub artifacts: u64,
    /// Their size.
    pub artifact_bytes: u64,
    /// The size of its logs as they are kept, which is compressed.
    pub log_bytes: u64,
    /// Its test results.
    pub test_results: u64,
}

impl Store {
    /// What each project keeps, by name, and at last what belongs to none. It reads whole tables.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn storage_use(&self) -> Result<Vec<StorageUse>> {
        let rows = sqlx::query!(
            r#"with
               of_flows as (select project, count(*) as flows, min(created_at) as oldest from flows group by project),
               of_artifacts as (
                 select flows.project, count(*) as artifacts, sum(size)::bigint as bytes
                 from artifacts join flows on flows.id = artifacts.flow group by flows.project
               ),
               of_logs as (
                 select log_streams.project, sum(log_chunks.encoded_bytes)::bigint as bytes
                 from log_chunks join log_streams on log_streams.id = log_chunks.stream group by log_streams.project
               ),
               of_results as (
                 select flows.project, count(*) as results
                 from test_results join attempts on attempts.id = test_results.attempt
                 join flows on flows.id = attempts.flow group by flows.project
               )
               select projects.name as "project?", coalesce(flows, 0) as "flows!",
                 oldest as "oldest?: jiff_sqlx::Timestamp", coalesce(artifacts, 0) as "artifacts!",
                 coalesce(of_artifacts.bytes, 0) as "artifact_bytes!", coalesce(of_logs.bytes, 0) as "log_bytes!",
                 coalesce(results, 0) as "results!"
               from projects
               left join of_flows on of_flows.project = projects.id
               left join of_artifacts on of_artifacts.project = projects.id
               left join of_logs on of_logs.project = projects.id
               left join of_results on of_results.project = projects.id
               union all
               select null, 0, null, 0, 0, bytes, 0 from of_logs where project is null
               order by 1 nulls last"#
        )
        .fetch_all(&self.pool)
        .await?;
        let uses = rows.into_iter().map(|row| {
            Ok(StorageUse {
                project: row.project,
                flows: unsigned(row.flows)?,
                oldest_flow_at: timestamp(row.oldest),
                artifacts: unsigned(row.artifacts)?,
                artifact_bytes: unsigned(row.artifact_bytes)?,
                log_bytes: unsigned(row.log_bytes)?,
                test_results: unsigned(row.results)?,
            })
        });
        uses.collect()
    }

    /// How many objects wait to be removed from the object storage.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn count_objects_to_remove(&self) -> Result<u64> {
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from objects_to_remove"#);
        unsigned(count.fetch_one(&self.pool).await?)
    }
}
