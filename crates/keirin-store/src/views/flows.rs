//! Lists of flows.

use std::collections::BTreeMap;

use keirin_model::flow::{Cause, Change};
use keirin_model::{FlowId, Outcome, ProjectId, RunId, State};
use keirin_wire::api::{FlowSummary, Page, RunSummary};
use sqlx::types::Json;

use super::{VisibleProjects, state_and_outcome};
use crate::row::{parse_enum, saturating_cast, timestamp};
use crate::{Result, Store, StoreError};

/// Which flows: those that fit everything that is given.
#[derive(Debug, Clone, Default)]
pub struct FlowFilter {
    /// Of this project.
    pub project: Option<ProjectId>,
    /// On this branch.
    pub branch: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Older than this one.
    pub before: Option<FlowId>,
}

impl Store {
    /// A page of flows, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn flow_list(
        &self,
        sight: &VisibleProjects,
        filter: &FlowFilter,
        limit: u32,
    ) -> Result<Page<FlowSummary>> {
        let seen = sight.ids();
        let mut ids: Vec<FlowId> = sqlx::query_scalar!(
            "select flows.id from flows
            join branches on branches.id = flows.branch
            where ($1::bigint[] is null or flows.project = any($1))
                and ($2::bigint is null or flows.project = $2)
                and ($3::text is null or branches.name = $3)
                and ($4::text is null or flows.state = $4)
                and ($5::text is null or flows.outcome = $5)
                and ($6::bigint is null or flows.id < $6)
            order by flows.id desc limit $7",
            seen.as_deref(),
            filter.project.map(|project| project.0),
            filter.branch,
            filter.state.map(<&str>::from),
            filter.outcome.map(<&str>::from),
            filter.before.map(|flow| flow.0),
            i64::from(limit) + 1,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(FlowId)
        .collect();
        let more = ids.len() > limit as usize;
        ids.truncate(limit as usize);
        Ok(Page {
            next_cursor: ids.last().filter(|_| more).map(ToString::to_string),
            items: self.flow_summaries(&ids).await?,
        })
    }

    /// The flow of this number in a project.
    ///
    /// # Errors
    /// As every call.
    pub async fn flow_numbered(&self, project: ProjectId, number: i64) -> Result<Option<FlowId>> {
        let id = sqlx::query_scalar!(
            "select id from flows where project = $1 and number = $2",
            project.0,
            number
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(id.map(FlowId))
    }

    /// These flows as rows of a list, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn flow_summaries(&self, flows: &[FlowId]) -> Result<Vec<FlowSummary>> {
        let ids: Vec<i64> = flows.iter().map(|flow| flow.0).collect();
        let rows = sqlx::query!(
            r#"select flows.id, flows.number, projects.name as project, branches.name as branch,
                branches.kind as branch_kind, flows.workflow, flows.kind,
                (select count(*) from jsonb_array_elements(flows.diagnostics) found
                    where found ->> 'severity' = 'error') as "workflow_errors!",
                 flows.commit, flows.change as "change: Json<Change>", flows.cause as "cause: Json<Cause>",
                flows.state, flows.outcome, flows.pinned, flows.created_at as "created_at: jiff_sqlx::Timestamp",
                flows.finished_at as "finished_at: jiff_sqlx::Timestamp",
                array(
                    select stage ->> 'name'
                    from jsonb_array_elements(flows.plan -> 'stages') with ordinality as stages (stage, place)
                    order by place
                ) as "stages!: Vec<String>"
            from flows
            join projects on projects.id = flows.project
            join branches on branches.id = flows.branch
            where flows.id = any($1) order by flows.id desc"#,
            &ids,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut runs = self.run_summaries(&ids).await?;
        rows.into_iter()
            .map(|row| {
                let (state, outcome) = state_and_outcome(&row.state, row.outcome.as_deref())?;
                let of_flow = runs.remove(&row.id).unwrap_or_default();
                Ok(FlowSummary {
                    id: FlowId(row.id),
                    number: row.number,
                    project: row.project,
                    branch: row.branch,
                    branch_kind: parse_enum(&row.branch_kind)?,
                    workflow: row.workflow,
                    kind: parse_enum(&row.kind)?,
                    commit: row.commit,
                    change: row.change.map(|change| change.0),
                    cause: row.cause.0,
                    state,
                    outcome,
                    created_at: row.created_at.to_jiff(),
                    finished_at: timestamp(row.finished_at),
                    pinned: row.pinned,
                    workflow_errors: saturating_cast(row.workflow_errors),
                    runs: name_runs(of_flow, &row.stages)?,
                })
            })
            .collect()
    }

    /// The runs of flows by flow, each with its stage's place in the plan and no name yet.
    async fn run_summaries(&self, flows: &[i64]) -> Result<BTreeMap<i64, Vec<(usize, RunSummary)>>> {
        let rows = sqlx::query!(
            r#"select id, flow, stage, state, outcome, started_at as "started_at: jiff_sqlx::Timestamp",
                finished_at as "finished_at: jiff_sqlx::Timestamp"
            from runs where flow = any($1) order by flow, stage"#,
            flows,
        )
        .fetch_all(&self.pool)
        .await?;
        let tests = self.test_counts_of_runs(flows).await?;
        let mut runs: BTreeMap<i64, Vec<(usize, RunSummary)>> = BTreeMap::new();
        for row in rows {
            let (state, outcome) = state_and_outcome(&row.state, row.outcome.as_deref())?;
            let summary = RunSummary {
                id: RunId(row.id),
                stage: String::new(),
                state,
                outcome,
                started_at: timestamp(row.started_at),
                finished_at: timestamp(row.finished_at),
                tests: tests.get(&RunId(row.id)).copied(),
            };
            runs.entry(row.flow)
                .or_default()
                .push((row.stage as usize, summary));
        }
        Ok(runs)
    }
}

fn name_runs(runs: Vec<(usize, RunSummary)>, stages: &[String]) -> Result<Vec<RunSummary>> {
    runs.into_iter()
        .map(|(place, run)| {
            let stage = stages.get(place).cloned().ok_or_else(|| {
                StoreError::Corrupt(format!(
                    "run {} is of stage {place}, which its plan has not",
                    run.id
                ))
            })?;
            Ok(RunSummary { stage, ..run })
        })
        .collect()
}
