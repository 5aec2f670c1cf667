//! The data pipeline: how much there is in each part of it, how new it is, and how much waits for the next part.

use jiff::Timestamp;

use crate::row::{timestamp, unsigned};
use crate::views::VisibleProjects;
use crate::{Result, Store};

/// A stream of facts and the transform that follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactStreamRow {
    /// The transform.
    pub transform: String,
    /// How many facts there are in its stream.
    pub facts: u64,
    /// How many of them it has not read yet.
    pub behind: u64,
    /// When the newest of them happened.
    pub newest_at: Option<Timestamp>,
    /// When the transform last moved on.
    pub moved_at: Option<Timestamp>,
}

/// A part of the data pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// How much.
    pub count: u64,
    /// When the newest came.
    pub newest_at: Option<Timestamp>,
}

impl Store {
    /// The streams of facts and how far their transforms are.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn fact_streams(&self) -> Result<Vec<FactStreamRow>> {
        let rows = sqlx::query!(
            r#"with read as (
                 select n.name, coalesce(p.transaction, 0)::text::xid8 as xid, coalesce(p.number, 0) as number, p.moved_at
                 from unnest(array['commits', 'pull_requests', 'releases', 'flows', 'runs', 'jobs', 'attempts',
                   'contributors', 'release_lead_time', 'deployments']) with ordinality as n (name, place)
                 left join positions p on p.name = n.name
                 order by n.place
               )
               select name as "transform!", moved_at as "moved_at?: jiff_sqlx::Timestamp",
                 f.facts as "facts!", f.behind as "behind!", f.newest_at as "newest_at?: jiff_sqlx::Timestamp"
               from read cross join lateral (
                 select count(*) as facts, max(committed_at) as newest_at,
                   count(*) filter (where (c.xid, c.number) > (read.xid, read.number)) as behind
                 from commit_facts c where read.name in ('commits', 'contributors') having read.name in ('commits', 'contributors')
                 union all
                 select count(*), max(merged_at), count(*) filter (where (t.xid, t.number) > (read.xid, read.number))
                 from pull_request_facts t where read.name = 'pull_requests' and not t.repeats having read.name = 'pull_requests'
                 union all
                 select count(*), max(released_at), count(*) filter (where (t.xid, t.number) > (read.xid, read.number))
                 from release_facts t where read.name in ('releases', 'release_lead_time')
                 having read.name in ('releases', 'release_lead_time')
                 union all
                 select count(*), max(finished_at), count(*) filter (where (t.xid, t.number) > (read.xid, read.number))
                 from flow_facts t where read.name = 'flows' having read.name = 'flows'
                 union all
                 select count(*), max(finished_at), count(*) filter (where (t.xid, t.number) > (read.xid, read.number))
                 from run_facts t where read.name in ('runs', 'deployments') having read.name in ('runs', 'deployments')
                 union all
                 select count(*), max(finished_at), count(*) filter (where (t.xid, t.number) > (read.xid, read.number))
                 from job_facts t where read.name = 'jobs' having read.name = 'jobs'
                 union all
                 select count(*), max(finished_at), count(*) filter (where (t.xid, t.number) > (read.xid, read.number))
                 from attempt_facts t where read.name = 'attempts' having read.name = 'attempts'
               ) f"#
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(FactStreamRow {
                    transform: row.transform,
                    facts: unsigned(row.facts)?,
                    behind: unsigned(row.behind)?,
                    newest_at: timestamp(row.newest_at),
                    moved_at: timestamp(row.moved_at),
                })
            })
            .collect()
    }

    /// How many facts each transform has not read yet. Costs as much as there are of those, and not of all facts.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts_not_read(&self) -> Result<Vec<(String, u64)>> {
        let rows = sqlx::query!(
            r#"with read as (
                 select n.name, coalesce(p.transaction, 0)::text::xid8 as xid, coalesce(p.number, 0) as number
                 from unnest(array['commits', 'pull_requests', 'releases', 'flows', 'runs', 'jobs', 'attempts',
                   'contributors', 'release_lead_time', 'deployments']) with ordinality as n (name, place)
                 left join positions p on p.name = n.name
                 order by n.place
               )
               select name as "transform!",
                 case
                   when name in ('commits', 'contributors') then
                     (select count(*) from commit_facts t where (t.xid, t.number) > (read.xid, read.number))
                   when name = 'pull_requests' then
                     (select count(*) from pull_request_facts t
                      where (t.xid, t.number) > (read.xid, read.number) and not t.repeats)
                   when name in ('releases', 'release_lead_time') then
                     (select count(*) from release_facts t where (t.xid, t.number) > (read.xid, read.number))
                   when name = 'flows' then
                     (select count(*) from flow_facts t where (t.xid, t.number) > (read.xid, read.number))
                   when name in ('runs', 'deployments') then
                     (select count(*) from run_facts t where (t.xid, t.number) > (read.xid, read.number))
                   when name = 'jobs' then
                     (select count(*) from job_facts t where (t.xid, t.number) > (read.xid, read.number))
                   when name = 'attempts' then
                     (select count(*) from attempt_facts t where (t.xid, t.number) > (read.xid, read.number))
                 end as "behind!"
               from read"#
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| Ok((row.transform, unsigned(row.behind)?)))
            .collect()
    }

    /// Events of the last day, and jobs that finished in it.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn events_and_jobs_of_a_day(
        &self,
        sight: &VisibleProjects,
        now: Timestamp,
    ) -> Result<(Amount, Amount)> {
        let seen = sight.ids();
        let row = sqlx::query!(
            r#"select e.count as "events!", e.newest as "newest_event?: jiff_sqlx::Timestamp", j.count as "jobs!",
                 j.newest as "newest_job?: jiff_sqlx::Timestamp"
               from (select count(*), max(at) as newest from events
                     where at > $1::timestamptz - interval '1 day'
                       and ($2::bigint[] is null or exists (
                         select 1 from jsonb_array_elements(items) item where (item ->> 'project')::bigint = any($2)))) e,
                    (select count(*), max(finished_at) as newest from job_facts
                     where finished_at > $1::timestamptz - interval '1 day'
                       and ($2::bigint[] is null or project = any($2))) j"#,
            crate::row::to_sql(now) as _,
            seen.as_deref(),
        )
        .fetch_one(&self.pool)
        .await?;
        Ok((
            Amount {
                count: unsigned(row.events)?,
                newest_at: timestamp(row.newest_event),
            },
            Amount {
                count: unsigned(row.jobs)?,
                newest_at: timestamp(row.newest_job),
            },
        ))
    }
}
