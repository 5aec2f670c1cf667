//! What takes how much room.

use keirin_wire::api::ProjectStorage;

use crate::row::{timestamp, unsigned};
use crate::{Result, Store};

impl Store {
    /// What each project keeps, by name, and at last what belongs to none. It reads whole tables.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn storage_use(&self) -> Result<Vec<ProjectStorage>> {
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
            Ok(ProjectStorage {
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
}
