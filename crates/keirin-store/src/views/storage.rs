//! What takes how much room, and when some of it goes.

use keirin_model::retention::RetainedKind;
use keirin_wire::api::StorageItem;

use crate::retention::RetentionDays;
use crate::row::{parse_enum, timestamp, unsigned};
use crate::{Result, Store};

impl Store {
    /// What each project keeps, by name, and at last what belongs to none; flows go after these days. It reads whole tables.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn storage_use(&self, kept: &[RetentionDays]) -> Result<Vec<StorageItem>> {
        let stay: Vec<i64> = self
            .newest_flows()
            .await?
            .into_iter()
            .map(|flow| flow.0)
            .collect();
        let days_of = |what: RetainedKind| -> Vec<Option<i32>> {
            let days = kept.iter().map(|kept| kept.times.of(what).keep.days());
            days.map(|days| days.map(crate::row::saturating_cast)).collect()
        };
        let branches: Vec<i64> = kept.iter().map(|kept| kept.branch.0).collect();
        let kinds: Vec<&str> = kept.iter().map(|kept| kept.kind.into_str()).collect();
        let rows = sqlx::query!(
            r#"with
               kept as (select * from unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::integer[])
                 as kept (branch, kind, flows, logs, artifacts, test_results)),
               going as (
                 select project, min(finished_at + kept.flows * interval '24 hours') as flows,
                   min(finished_at + kept.logs * interval '24 hours')
                     filter (where coalesce(logs_removed_at, '-infinity') < finished_at) as logs,
                   min(finished_at + kept.artifacts * interval '24 hours')
                     filter (where coalesce(artifacts_removed_at, '-infinity') < finished_at) as artifacts,
                   min(finished_at + kept.test_results * interval '24 hours')
                     filter (where coalesce(test_results_removed_at, '-infinity') < finished_at) as results
                 from flows join kept on kept.branch = flows.branch and kept.kind = flows.kind
                 where outcome is not null and not pinned and id <> all($7)
                 group by project
               ),
               of_flows as (select project, count(*) as count, min(created_at) as oldest from flows group by project),
               of_artifacts as (
                 select flows.project, count(*) as count, sum(size)::bigint as bytes, min(artifacts.created_at) as oldest
                 from artifacts join flows on flows.id = artifacts.flow group by flows.project
               ),
               of_chunks as (select stream, sum(encoded_bytes)::bigint as bytes from log_chunks group by stream),
               of_logs as (
                 select project, count(*) as count, coalesce(sum(bytes), 0)::bigint as bytes, min(opened_at) as oldest
                 from log_streams left join of_chunks on of_chunks.stream = log_streams.id group by project
               ),
               of_results as (
                 select flows.project, count(*) as count, min(attempts.assigned_at) as oldest
                 from test_results join attempts on attempts.id = test_results.attempt
                 join flows on flows.id = attempts.flow group by flows.project
               )
               select project as "project?", kind as "kind!", coalesce(count, 0) as "count!", bytes as "bytes?",
                 oldest as "oldest?: jiff_sqlx::Timestamp",
                 -- Nothing goes before the job that removes it is due.
                 case when count > 0 and goes_next is not null
                   then greatest(goes_next, (select run_at from background_jobs where kind = 'apply_retention'))
                 end as "goes_next?: jiff_sqlx::Timestamp"
               from (
                 select projects.name as project, item.*
                 from projects
                 left join going on going.project = projects.id
                 left join of_flows on of_flows.project = projects.id
                 left join of_artifacts on of_artifacts.project = projects.id
                 left join of_logs on of_logs.project = projects.id
                 left join of_results on of_results.project = projects.id
                 cross join lateral (values
                   (1, 'flows', of_flows.count, null::bigint, of_flows.oldest, going.flows),
                   (2, 'logs', of_logs.count, coalesce(of_logs.bytes, 0), of_logs.oldest, going.logs),
                   (3, 'artifacts', of_artifacts.count, coalesce(of_artifacts.bytes, 0), of_artifacts.oldest, going.artifacts),
                   (4, 'test_results', of_results.count, null, of_results.oldest, going.results)
                 ) as item (place, kind, count, bytes, oldest, goes_next)
                 union all
                 select null, 2, 'logs', count, bytes, oldest, null from of_logs where project is null
               ) items
               order by project nulls last, place"#,
            &branches,
            &kinds as _,
            &days_of(RetainedKind::Flows) as _,
            &days_of(RetainedKind::Logs) as _,
            &days_of(RetainedKind::Artifacts) as _,
            &days_of(RetainedKind::TestResults) as _,
            &stay,
        )
        .fetch_all(&self.pool)
        .await?;
        let items = rows.into_iter().map(|row| {
            Ok(StorageItem {
                project: row.project,
                kind: parse_enum(&row.kind)?,
                count: unsigned(row.count)?,
                bytes: row.bytes.map(unsigned).transpose()?,
                oldest: timestamp(row.oldest),
                goes_next: timestamp(row.goes_next),
            })
        });
        items.collect()
    }
}
