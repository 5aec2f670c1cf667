//! Lists of jobs: what runs, what waits.

use keirin_model::{FlowId, JobId, Outcome, ProjectId, RunId, State};
use keirin_wire::api::{JobSummary, Page};

use super::{VisibleProjects, state_and_outcome};
use crate::row::timestamp;
use crate::{Result, Store};

/// Which jobs: those that fit everything that is given.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// In this state.
    pub state: Option<State>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Only those that could be given to an agent: their needs are done and their run has started.
    pub queued: bool,
    /// Older than this one.
    pub before: Option<JobId>,
}

impl Store {
    /// A page of jobs, newest first. Why they wait is for the caller to fill in.
    ///
    /// # Errors
    /// As every call.
    pub async fn job_list(
        &self,
        sight: &VisibleProjects,
        filter: &JobFilter,
        limit: u32,
    ) -> Result<Page<JobSummary>> {
        let seen = sight.ids();
        let rows = sqlx::query!(
            r#"select jobs.id, jobs.run, jobs.flow, jobs.state, jobs.outcome,
                jobs.queued_at as "queued_at: jiff_sqlx::Timestamp",
                jobs.started_at as "started_at: jiff_sqlx::Timestamp",
                jobs.finished_at as "finished_at: jiff_sqlx::Timestamp",
                flows.number, projects.name as project, branches.name as branch,
                flows.plan #>> array['stages', runs.stage::text, 'name'] as "stage!",
                flows.plan #>> array['stages', runs.stage::text, 'jobs', jobs.index::text, 'name'] as "name!"
            from jobs
            join runs on runs.id = jobs.run
            join flows on flows.id = jobs.flow
            join projects on projects.id = flows.project
            join branches on branches.id = flows.branch
            where ($1::bigint[] is null or flows.project = any($1))
                and ($2::bigint is null or flows.project = $2)
                and ($3::bigint is null or jobs.flow = $3)
                and ($4::text is null or jobs.state = $4)
                -- Says the same again, in the words of the index of what is unfinished.
                and ($4::text is null or $4 = 'finished' or jobs.outcome is null)
                and ($5::text is null or jobs.outcome = $5)
                and (not $6 or (jobs.state = 'waiting' and jobs.queued_at is not null and jobs.outcome is null))
                and ($7::bigint is null or jobs.id < $7)
            order by jobs.id desc limit $8"#,
            seen.as_deref(),
            filter.project.map(|project| project.0),
            filter.flow.map(|flow| flow.0),
            filter.state.map(<&str>::from),
            filter.outcome.map(<&str>::from),
            filter.queued,
            filter.before.map(|job| job.0),
            i64::from(limit) + 1,
        )
        .fetch_all(&self.pool)
        .await?;
        let more = rows.len() > limit as usize;
        let items = rows
            .into_iter()
            .take(limit as usize)
            .map(|row| {
                let (state, outcome) = state_and_outcome(&row.state, row.outcome.as_deref())?;
                Ok(JobSummary {
                    id: JobId(row.id),
                    name: row.name,
                    project: row.project,
                    branch: row.branch,
                    flow: FlowId(row.flow),
                    flow_number: row.number,
                    run: RunId(row.run),
                    stage: row.stage,
                    state,
                    outcome,
                    waiting_reason: None,
                    queued_at: timestamp(row.queued_at),
                    started_at: timestamp(row.started_at),
                    finished_at: timestamp(row.finished_at),
                })
            })
            .collect::<Result<Vec<JobSummary>>>()?;
        Ok(Page {
            next_cursor: items.last().filter(|_| more).map(|job| job.id.to_string()),
            items,
        })
    }
}
