//! Figures for the first screen.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use keirin_model::JobId;
use keirin_wire::agent::LEASE_SECONDS;
use keirin_wire::api::{AgentTotals, Figure, Freshness, Point, Totals, Wanted};

use super::VisibleProjects;
use crate::row::timestamp;
use crate::{Result, Store};

/// How many days each figure looks back.
const DAYS: i64 = 30;

/// The figures of one day, or of a whole period.
struct Day {
    time: jiff_sqlx::Timestamp,
    flows: i64,
    success: Option<f64>,
    duration: Option<f64>,
    queue: Option<f64>,
}

impl Store {
    /// How many there are of each noun in sight.
    ///
    /// # Errors
    /// As every call.
    pub async fn totals(&self, sight: &VisibleProjects, now: Timestamp) -> Result<Totals> {
        let sight = sight.ids();
        let row = sqlx::query!(
            r#"select
                (select count(*) from projects where $1::bigint[] is null or id = any($1)) as "projects!",
                (select count(*) from flows where outcome is null and state = 'running'
                    and ($1::bigint[] is null or project = any($1))) as "running_flows!",
                (select count(*) from jobs join flows on flows.id = jobs.flow
                    where jobs.outcome is null and jobs.state = 'running'
                    and ($1::bigint[] is null or flows.project = any($1))) as "running_jobs!",
                (select count(*) from jobs join flows on flows.id = jobs.flow
                    where jobs.outcome is null and jobs.state = 'waiting' and jobs.queued_at is not null
                    and ($1::bigint[] is null or flows.project = any($1))) as "waiting_jobs!""#,
            sight.as_deref(),
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Totals {
            projects: row.projects,
            running_flows: row.running_flows,
            running_jobs: row.running_jobs,
            waiting_jobs: row.waiting_jobs,
            agents: self.agent_totals(now).await?,
        })
    }

    async fn agent_totals(&self, now: Timestamp) -> Result<AgentTotals> {
        let silent_since = now - SignedDuration::from_secs(LEASE_SECONDS as i64);
        let row = sqlx::query!(
            r#"select count(*) as "known!", count(*) filter (where not authorised) as "unauthorised!",
                count(*) filter (where authorised and not disabled and last_seen_at > $1) as "online!",
                coalesce(sum(least(slots, slots_limit)) filter (where authorised and not disabled and last_seen_at > $1), 0) as "slots!"
            from agents"#,
            silent_since.to_sqlx() as _,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(AgentTotals {
            known: row.known,
            online: row.online,
            unauthorised: row.unauthorised,
            slots: row.slots,
        })
    }

    /// Figures of the last 30 days, with one point a day and the value of the 30 days before.
    ///
    /// # Errors
    /// As every call.
    pub async fn figures(&self, sight: &VisibleProjects, now: Timestamp) -> Result<Vec<Figure>> {
        let days = self.figures_by(sight, now, 1, DAYS).await?;
        let periods = self.figures_by(sight, now, DAYS, 2).await?;
        let figure =
            |name: &str, title: &str, definition: &str, unit: &str, better, read: fn(&Day) -> Option<f64>| {
                Figure {
                    name: name.to_owned(),
                    title: title.to_owned(),
                    definition: definition.to_owned(),
                    unit: unit.to_owned(),
                    better,
                    value: periods.last().and_then(read),
                    before: periods.first().and_then(read),
                    points: days
                        .iter()
                        .map(|day| Point {
                            time: day.time.to_jiff(),
                            value: read(day),
                        })
                        .collect(),
                }
            };
        Ok(vec![
            figure(
                "success_ratio",
                "Flows that succeed",
                "Of the flows of the last 30 days that succeeded or failed, the part that succeeded.",
                "ratio",
                Wanted::Higher,
                |day| day.success,
            ),
            figure(
                "flow_duration",
                "Flow duration",
                "The median time from a flow's start to its end, over the flows of the last 30 days that succeeded.",
                "seconds",
                Wanted::Lower,
                |day| day.duration,
            ),
            figure(
                "queue_duration",
                "Time in the queue",
                "The median time that the jobs of the flows of the last 30 days waited for an agent.",
                "seconds",
                Wanted::Lower,
                |day| day.queue,
            ),
            figure(
                "flows",
                "Flows",
                "How many flows were started in the last 30 days.",
                "count",
                Wanted::Neither,
                |day| Some(day.flows as f64),
            ),
        ])
    }

    /// The same figures over `count` periods of `days` days each, oldest first, the last one ending now. A period
    /// without flows is there too.
    async fn figures_by(
        &self,
        sight: &VisibleProjects,
        now: Timestamp,
        days: i64,
        count: i64,
    ) -> Result<Vec<Day>> {
        let seen = sight.ids();
        let rows = sqlx::query_as!(
            Day,
            r#"with periods as (
                select back, $2::timestamptz - make_interval(days => ($3 * back)::integer) as since
                from generate_series(1, $4::bigint) as back
            ),
            started as (
                select id, outcome, created_at, finished_at,
                    1 + floor(extract(epoch from $2::timestamptz - created_at) / ($3 * 86400))::bigint as back
                from flows
                where exists (select from projects where projects.id = flows.project)
                    and created_at > $2::timestamptz - make_interval(days => ($3 * $4)::integer) and created_at <= $2
                    and ($1::bigint[] is null or project = any($1))
            ),
            made as (
                select back, count(*) as flows,
                    (count(*) filter (where outcome = 'success'))::float8
                        / nullif(count(*) filter (where outcome in ('success', 'failed', 'timed_out')), 0) as success,
                    percentile_cont(0.5) within group (order by extract(epoch from finished_at - created_at)::float8)
                        filter (where outcome = 'success') as duration
                from started group by back
            ),
            waits as (
                select started.back, percentile_cont(0.5) within group (order by extract(epoch from
                    jobs.started_at - jobs.queued_at)::float8) as queue
                from started join jobs on jobs.flow = started.id
                where jobs.started_at is not null group by started.back
            )
            select periods.since as "time!: jiff_sqlx::Timestamp", coalesce(made.flows, 0) as "flows!",
                made.success as "success?", made.duration as "duration?", waits.queue as "queue?"
            from periods
            left join made on made.back = periods.back
            left join waits on waits.back = periods.back
            order by periods.since"#,
            seen.as_deref(),
            now.to_sqlx() as _,
            days,
            count,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// How fresh each part of the data pipeline is, and how much came in the last day.
    ///
    /// # Errors
    /// As every call.
    pub async fn freshness(&self, sight: &VisibleProjects, now: Timestamp) -> Result<Vec<Freshness>> {
        let seen = sight.ids();
        let row = sqlx::query!(
            r#"with recent as (
                select id from flows where created_at > $2::timestamptz - interval '1 day'
                    and exists (select from projects where projects.id = flows.project) and ($1::bigint[] is null or project = any($1))
            )
            select
                (select count(*) from recent) as "flows!",
                (select created_at from flows where $1::bigint[] is null or project = any($1)
                    order by id desc limit 1) as "newest_flow: jiff_sqlx::Timestamp",
                (select count(*) from jobs where flow in (select id from recent)) as "jobs!",
                (select max(finished_at) from jobs where flow in (select id from recent))
                    as "newest_job: jiff_sqlx::Timestamp",
                (select coalesce(sum(lines), 0)::bigint from log_streams where flow in (select id from recent))
                    as "lines!",
                (select max(coalesce(closed_at, opened_at)) from log_streams where flow in (select id from recent))
                    as "newest_line: jiff_sqlx::Timestamp""#,
            seen.as_deref(),
            now.to_sqlx() as _,
        )
        .fetch_one(&self.pool)
        .await?;
        let freshness = |name: &str, count, newest_at| Freshness {
            name: name.to_owned(),
            count,
            newest_at: timestamp(newest_at),
        };
        Ok(vec![
            freshness("flows", row.flows, row.newest_flow),
            freshness("jobs", row.jobs, row.newest_job),
            freshness("log_lines", row.lines, row.newest_line),
        ])
    }

    /// The job of a flow that wrote to its log last, with its name.
    ///
    /// # Errors
    /// As every call.
    pub async fn last_writer(&self, flow: keirin_model::FlowId) -> Result<Option<(JobId, String)>> {
        let row = sqlx::query!(
            r#"select jobs.id,
                flows.plan #>> array['stages', runs.stage::text, 'jobs', jobs.index::text, 'name'] as "name!"
            from log_streams
            join jobs on jobs.id = log_streams.job
            join runs on runs.id = jobs.run
            join flows on flows.id = jobs.flow
            join lateral (
                select last_time from log_chunks where stream = log_streams.id order by first_line desc limit 1
            ) chunk on true
            where log_streams.flow = $1 and log_streams.kind = 'attempt'
            order by log_streams.closed_at is null desc, chunk.last_time desc limit 1"#,
            flow.0,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| (JobId(row.id), row.name)))
    }
}
