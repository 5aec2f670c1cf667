//! The facts behind a number: those of one kind within a time range whose labels fit, newest first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keirin_model::facts::FactKind;
use sqlx::types::Json;

use crate::row::to_sql;
use crate::views::VisibleProjects;
use crate::{Result, Store};

/// Which facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BehindFilter {
    /// Their kind.
    pub kind: FactKind,
    /// The earliest.
    pub from: Timestamp,
    /// Before this time.
    pub until: Timestamp,
    /// The labels that they have.
    pub labels: BTreeMap<String, String>,
    /// Which of that kind; all where absent.
    pub only: Option<Only>,
    /// Before this one, by its time and number.
    pub before: Option<(Timestamp, i64)>,
}

/// Some facts of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// Runs of stages that deploy.
    Deployments,
    /// Commits that people made, and not bots.
    OfPeople,
    /// The first commit of each person.
    First,
    /// The first commit of a person after more than so many days without one.
    After {
        /// How many days.
        days: i64,
    },
}

/// A fact for people.
#[derive(Debug, Clone, PartialEq)]
pub struct BehindRow {
    /// When it happened.
    pub at: Timestamp,
    /// Its number among its kind.
    pub number: i64,
    /// What it is.
    pub title: String,
    /// Who.
    pub author: Option<String>,
    /// What else there is to say.
    pub detail: Option<String>,
    /// How long it waited before it began, in seconds.
    pub waited_seconds: Option<f64>,
    /// How long it took, in seconds: of a pull request, from its first commit to its merge.
    pub took_seconds: Option<f64>,
    /// The id of the flow, run or job that shows it, where that is still there.
    pub id: Option<i64>,
    /// What its metrics tell it apart by.
    pub labels: BTreeMap<String, String>,
}

impl Store {
    /// A page of facts, newest first.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts_behind(
        &self,
        sight: &VisibleProjects,
        filter: &BehindFilter,
        limit: u32,
    ) -> Result<Vec<BehindRow>> {
        let seen = sight.ids();
        let (only, days) = match filter.only {
            None => (None, 0),
            Some(Only::Deployments) => (Some("deployments"), 0),
            Some(Only::OfPeople) => (Some("people"), 0),
            Some(Only::First) => (Some("first"), 0),
            Some(Only::After { days }) => (Some("after"), days),
        };
        let rows = sqlx::query!(
            r#"with facts as (
                 select 'flow' as kind, finished_at as at, number, project,
                   'Flow of ' || branch as title, null as author,
                   outcome as detail, null::interval as waited, finished_at - created_at as took,
                   flow as id, false as deploys,
                   jsonb_build_object('branch', branch, 'kind', kind, 'outcome', outcome) as labels
                 from flow_facts where finished_at >= $2 and finished_at < $3
                 union all
                 select 'run', finished_at, number, project, stage || coalesce(' to ' || environment, ''), null,
                   outcome, null, finished_at - started_at, run, environment is not null,
                   jsonb_strip_nulls(jsonb_build_object('branch', branch, 'kind', kind, 'outcome', outcome,
                     'stage', stage, 'environment', environment))
                 from run_facts where finished_at >= $2 and finished_at < $3
                 union all
                 select 'job', finished_at, number, project, stage || ' / ' || name, null,
                   outcome, started_at - queued_at, finished_at - started_at, job, false,
                   jsonb_build_object('branch', branch, 'kind', kind, 'outcome', outcome, 'stage', stage, 'job', name)
                 from job_facts where finished_at >= $2 and finished_at < $3
                 union all
                 select 'attempt', finished_at, number, project,
                   stage || ' / ' || name || ', attempt ' || attempt_number, null, outcome,
                   started_at - assigned_at, finished_at - started_at, job, false,
                   jsonb_build_object('branch', branch, 'kind', kind, 'outcome', outcome, 'stage', stage, 'job', name)
                 from attempt_facts where finished_at >= $2 and finished_at < $3
                 union all
                 select 'commit', c.committed_at, c.number, r.project, c.subject, p.name,
                   left(encode(c.id, 'hex'), 12)
                     || coalesce(', ' || c.files || case c.files when 1 then ' file' else ' files' end, '')
                     || coalesce(', +' || c.lines_added || ' −' || c.lines_removed, ''),
                   null, null, null, false,
                   jsonb_build_object('repository', r.name, 'author_class', case when p.bot then 'bot' else 'human' end)
                 from commit_facts c join repositories r on r.id = c.repository
                 join identities i on i.id = c.author join people p on p.id = i.person
                 where c.committed_at >= $2 and c.committed_at < $3 and cardinality(c.parents) < 2
                 union all
                 select 'pull_request', t.merged_at, t.number, r.project, '#' || t.pull_request || ' ' || t.title, t.author,
                   t.commits || case t.commits when 1 then ' commit' else ' commits' end,
                   null, t.merged_at - t.first_commit_at, null, false,
                   jsonb_build_object('repository', r.name, 'author_class', case when t.bot then 'bot' else 'human' end)
                 from pull_request_facts t join repositories r on r.id = t.repository
                 where t.merged_at >= $2 and t.merged_at < $3 and not t.repeats
                 union all
                 select 'release', t.released_at, t.number, r.project, t.name, null, left(encode(t.commit, 'hex'), 12),
                   null, null, null, false, jsonb_build_object('repository', r.name)
                 from release_facts t join repositories r on r.id = t.repository
                 where t.released_at >= $2 and t.released_at < $3
               ),
               appearances as (
                 select number from (
                   select c.number, (c.committed_at at time zone 'UTC')::date as day,
                     lag((c.committed_at at time zone 'UTC')::date)
                       over (partition by p.id order by c.committed_at, c.number) as day_before
                   from commit_facts c join identities i on i.id = c.author join people p on p.id = i.person
                   where $5 in ('first', 'after') and cardinality(c.parents) < 2 and not p.bot
                 ) commits
                 where case $5 when 'first' then day_before is null else day - day_before > $10::bigint end
               )
               select f.at as "at!: jiff_sqlx::Timestamp", f.number as "number!", f.title as "title!", f.author, f.detail,
                 -- A fact outlives its flow.
                 case when case f.kind
                     when 'flow' then exists (select from flows where flows.id = f.id)
                     when 'run' then exists (select from runs where runs.id = f.id)
                     else exists (select from jobs where jobs.id = f.id)
                   end then f.id end as id,
                 extract(epoch from f.waited)::double precision as waited,
                 extract(epoch from f.took)::double precision as took,
                 f.labels || coalesce(jsonb_build_object('project', p.name), '{}')
                   as "labels!: Json<BTreeMap<String, Option<String>>>"
               from facts f left join projects p on p.id = f.project
               where f.kind = $1
                 and ($4::bigint[] is null or f.project = any($4))
                 and case $5
                   when 'deployments' then f.deploys
                   when 'people' then f.labels ->> 'author_class' = 'human'
                   when 'first' then f.number in (select number from appearances)
                   when 'after' then f.number in (select number from appearances)
                   else true
                 end
                 and (f.labels || coalesce(jsonb_build_object('project', p.name), '{}')) @> $6
                 and ($7::timestamptz is null or (f.at, f.number) < ($7, $8::bigint))
               order by f.at desc, f.number desc limit $9"#,
            filter.kind.into_str(),
            to_sql(filter.from) as _,
            to_sql(filter.until) as _,
            seen.as_deref(),
            only as Option<&str>,
            Json(&filter.labels) as _,
            filter.before.map(|(at, _)| to_sql(at)) as _,
            filter.before.map_or(0, |(_, number)| number),
            i64::from(limit),
            days,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| BehindRow {
                at: row.at.to_jiff(),
                number: row.number,
                title: row.title,
                author: row.author,
                detail: row.detail,
                waited_seconds: row.waited,
                took_seconds: row.took,
                id: row.id,
                labels: row
                    .labels
                    .0
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?)))
                    .collect(),
            })
            .collect())
    }
}
