//! Agents as people see them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use keirin_model::plan::Executor;
use keirin_model::{AgentId, FlowId, JobId};
use keirin_wire::agent::LEASE_SECONDS;
use keirin_wire::api::{Agent, AgentState, RunningJob};
use sqlx::types::Json;

use super::VisibleProjects;
use crate::row::timestamp;
use crate::waiting_agents::WAITING_REMEMBERED;
use crate::{Result, Store, StoreError};

/// Which agents are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentFilter<'a> {
    /// This one.
    One(AgentId),
    /// Those whose names come after this one, so many at the most.
    Page {
        /// The last name of the page before.
        after: Option<&'a str>,
        /// How many.
        limit: u32,
    },
}

impl AgentFilter<'_> {
    /// All of them.
    pub const ALL: Self = Self::Page {
        after: None,
        limit: u32::MAX,
    };
}

impl Store {
    /// Agents by name, after this name and so many at the most; only one where its id is given. Jobs out of
    /// sight are neither shown nor counted. What has waited to be let in for too long is not among them.
    ///
    /// # Errors
    /// As every call.
    pub async fn agent_views(
        &self,
        sight: &VisibleProjects,
        which: AgentFilter<'_>,
        now: Timestamp,
    ) -> Result<Vec<Agent>> {
        let (only, after, limit) = match which {
            AgentFilter::One(id) => (Some(id), None, 1),
            AgentFilter::Page { after, limit } => (None, after, i64::from(limit)),
        };
        let rows = sqlx::query!(
            r#"select id, name, groups, labels, executors, least(slots, slots_limit) as "slots!", authorised, disabled,
                host as "host: Json<BTreeMap<String, String>>", version,
                created_at as "created_at: jiff_sqlx::Timestamp",
                last_seen_at as "last_seen_at: jiff_sqlx::Timestamp"
            from agents where ($1::bigint is null or id = $1) and ($2::text is null or name > $2)
                and (authorised or coalesce(last_seen_at, created_at) > $4)
            order by name limit $3"#,
            only.map(|agent| agent.0),
            after,
            limit,
            (now - WAITING_REMEMBERED).to_sqlx() as _,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut jobs = self.jobs_on_agents(only).await?;
        rows.into_iter()
            .map(|row| {
                let running = jobs.remove(&AgentId(row.id)).unwrap_or_default();
                let jobs_in_sight: Vec<RunningJob> = running
                    .into_iter()
                    .filter(|(project, _)| sight.sees(keirin_model::ProjectId(*project)))
                    .map(|(_, job)| job)
                    .collect();
                let seen_at = timestamp(row.last_seen_at);
                Ok(Agent {
                    id: AgentId(row.id),
                    name: row.name,
                    state: state(row.authorised, row.disabled, seen_at, now),
                    groups: row.groups.into_iter().collect(),
                    labels: row.labels.into_iter().collect(),
                    executors: row
                        .executors
                        .iter()
                        .map(|text| executor(text))
                        .collect::<Result<_>>()?,
                    slots: row.slots as u32,
                    running: jobs_in_sight.len() as u32,
                    jobs: jobs_in_sight,
                    version: row.version,
                    host: row.host.0,
                    created_at: row.created_at.to_jiff(),
                    seen_at,
                })
            })
            .collect()
    }

    async fn jobs_on_agents(
        &self,
        only: Option<AgentId>,
    ) -> Result<BTreeMap<AgentId, Vec<(i64, RunningJob)>>> {
        let rows = sqlx::query!(
            r#"select attempts.agent, jobs.id, flows.id as flow, flows.number, flows.project as project_id,
                projects.name as project, attempts.started_at as "started_at: jiff_sqlx::Timestamp",
                flows.plan #>> array['stages', runs.stage::text, 'jobs', jobs.index::text, 'name'] as "name!"
            from attempts
            join jobs on jobs.id = attempts.job
            join runs on runs.id = jobs.run
            join flows on flows.id = jobs.flow
            join projects on projects.id = flows.project
            where attempts.outcome is null and ($1::bigint is null or attempts.agent = $1)
            order by attempts.id"#,
            only.map(|agent| agent.0),
        )
        .fetch_all(&self.pool)
        .await?;
        let mut jobs: BTreeMap<AgentId, Vec<(i64, RunningJob)>> = BTreeMap::new();
        for row in rows {
            let job = RunningJob {
                id: JobId(row.id),
                name: row.name,
                project: row.project,
                flow: FlowId(row.flow),
                flow_number: row.number,
                started_at: timestamp(row.started_at),
            };
            jobs.entry(AgentId(row.agent))
                .or_default()
                .push((row.project_id, job));
        }
        Ok(jobs)
    }
}

fn executor(text: &str) -> Result<Executor> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| StoreError::Corrupt(format!("`{text}` is not an executor")))
}

/// Where an agent stands, given when it was last heard of.
fn state(authorised: bool, disabled: bool, seen_at: Option<Timestamp>, now: Timestamp) -> AgentState {
    let patience = SignedDuration::from_secs(LEASE_SECONDS as i64);
    let heard = seen_at.is_some_and(|seen_at| now.duration_since(seen_at) < patience);
    match (authorised, disabled, heard) {
        (false, _, _) => AgentState::Unauthorised,
        (true, true, _) => AgentState::Disabled,
        (true, false, true) => AgentState::Online,
        (true, false, false) => AgentState::Offline,
    }
}
