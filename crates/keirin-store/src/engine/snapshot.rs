//! Reading what an engine is made from, in one consistent view.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use keirin_engine::{FlowRecord, LastIds, Snapshot};
use keirin_model::diagnostic::Diagnostic;
use keirin_model::flow::{Attempt, Cause, Change, Exit, Flow, Job, ParamValue, Run, Step};
use keirin_model::plan::Plan;
use keirin_model::{AgentId, AttemptId, BranchId, FlowId, JobId, ProjectId, RunId};
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::pool::Transaction;
use crate::row::{outcome, parse_enum, status, timestamp, unsigned};
use crate::{Result, Store, StoreError, agents, schedules};

impl Store {
    /// Everything that is not finished, with what decides about it.
    ///
    /// # Errors
    /// The database cannot be reached, or holds what cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let mut view = self.view().await?;
        let unfinished = sqlx::query_scalar!("select id from flows where outcome is null order by id")
            .fetch_all(&mut *view)
            .await?;
        let flows = records(&mut view, &unfinished).await?;
        let agents = agents::all(&mut view).await?;
        let schedules = schedules::all(&mut view).await?;
        let last = sqlx::query!("select last_flow, last_run, last_job, last_attempt from leader")
            .fetch_one(&mut *view)
            .await?;
        let numbers = sqlx::query!("select id, last_flow_number from projects where last_flow_number > 0")
            .fetch_all(&mut *view)
            .await?;
        view.commit().await?;
        Ok(Snapshot {
            flows,
            agents,
            schedules,
            last: LastIds {
                flow: FlowId(last.last_flow),
                run: RunId(last.last_run),
                job: JobId(last.last_job),
                attempt: AttemptId(last.last_attempt),
            },
            flow_numbers: numbers
                .into_iter()
                .map(|row| (ProjectId(row.id), row.last_flow_number))
                .collect(),
        })
    }

    /// One flow with all its parts, finished or not.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such flow.
    pub async fn flow_record(&self, flow: FlowId) -> Result<FlowRecord> {
        let mut view = self.view().await?;
        // What a deleted project leaves is still there for a while.
        let ids = sqlx::query_scalar!(
            "select flows.id from flows join projects on projects.id = flows.project where flows.id = $1",
            flow.0
        )
        .fetch_all(&mut *view)
        .await?;
        let record = records(&mut view, &ids).await?.pop();
        view.commit().await?;
        record.ok_or_else(|| StoreError::not_found("flow", flow))
    }

    /// The steps of an attempt that have begun, in the order of the plan.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn steps(&self, attempt: AttemptId) -> Result<Vec<Step>> {
        let rows = sqlx::query!(
            r#"select index, outcome, exit_code, exit_signal, message,
                      started_at as "started_at: jiff_sqlx::Timestamp",
                      finished_at as "finished_at: jiff_sqlx::Timestamp"
               from steps where attempt = $1 order by index"#,
            attempt.0,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Step {
                    attempt,
                    index: unsigned(row.index)?,
                    outcome: outcome(row.outcome.as_deref())?,
                    exit: Exit {
                        code: row.exit_code,
                        signal: row.exit_signal,
                    },
                    message: row.message,
                    started_at: row.started_at.to_jiff(),
                    finished_at: timestamp(row.finished_at),
                })
            })
            .collect()
    }

    async fn view(&self) -> Result<Transaction> {
        self.begin_with("begin isolation level repeatable read read only")
            .await
    }
}

/// Reads flows with all their parts: a query for each kind, whatever their number.
async fn records(view: &mut PgConnection, ids: &[i64]) -> Result<Vec<FlowRecord>> {
    let mut records = flows(view, ids).await?;
    let places: HashMap<FlowId, usize> = records
        .iter()
        .enumerate()
        .map(|(place, record)| (record.flow.id, place))
        .collect();
    let place = |flow: i64| places.get(&FlowId(flow)).copied();
    for (flow, run) in runs(view, ids).await? {
        if let Some(place) = place(flow) {
            records[place].runs.push(run);
        }
    }
    for (flow, job) in jobs(view, ids).await? {
        if let Some(place) = place(flow) {
            records[place].jobs.push(job);
        }
    }
    let attempts = attempts(view, ids).await?;
    let mut newest: HashMap<JobId, u32> = HashMap::new();
    for (_, attempt) in &attempts {
        let number = newest.entry(attempt.job).or_default();
        *number = attempt.number.max(*number);
    }
    for (flow, attempt) in attempts {
        if let Some(place) = place(flow)
            && (!attempt.status.is_finished() || newest.get(&attempt.job) == Some(&attempt.number))
        {
            records[place].attempts.push(attempt);
        }
    }
    Ok(records)
}

async fn flows(view: &mut PgConnection, ids: &[i64]) -> Result<Vec<FlowRecord>> {
    let rows = sqlx::query!(
        r#"select f.id, project, branch, number, kind, commit,
                  change as "change: Json<Change>",
                  params as "params: Json<BTreeMap<String, ParamValue>>",
                  cause as "cause: Json<Cause>",
                  plan as "plan: Json<Box<RawValue>>",
                  diagnostics as "diagnostics: Json<Vec<Diagnostic>>",
                  state, outcome,
                  created_at as "created_at: jiff_sqlx::Timestamp",
                  finished_at as "finished_at: jiff_sqlx::Timestamp"
           from unnest($1::bigint[]) as u (id) join flows f using (id)
           order by f.id"#,
        ids,
    )
    .fetch_all(view)
    .await?;
    // Flows of one workflow mostly have the same plan: it is understood and kept once.
    let mut plans: HashMap<Box<str>, Arc<Plan>> = HashMap::new();
    let mut plan = |text: Box<str>| -> Result<Arc<Plan>> {
        if let Some(plan) = plans.get(&text) {
            return Ok(Arc::clone(plan));
        }
        let plan: Arc<Plan> =
            serde_json::from_str(&text).map_err(|error| StoreError::Corrupt(format!("a plan: {error}")))?;
        plans.insert(text, Arc::clone(&plan));
        Ok(plan)
    };
    rows.into_iter()
        .map(|row| {
            Ok(FlowRecord {
                flow: Flow {
                    id: FlowId(row.id),
                    number: row.number,
                    project: ProjectId(row.project),
                    branch: BranchId(row.branch),
                    kind: parse_enum(&row.kind)?,
                    commit: row.commit,
                    change: row.change.map(|change| change.0),
                    params: row.params.0,
                    cause: row.cause.0,
                    plan: plan(row.plan.0.into())?,
                    diagnostics: row.diagnostics.map(|found| found.0).unwrap_or_default(),
                    status: status(&row.state, row.outcome.as_deref())?,
                    created_at: row.created_at.to_jiff(),
                    finished_at: timestamp(row.finished_at),
                },
                runs: Vec::new(),
                jobs: Vec::new(),
                attempts: Vec::new(),
            })
        })
        .collect()
}

async fn runs(view: &mut PgConnection, flows: &[i64]) -> Result<Vec<(i64, Run)>> {
    let rows = sqlx::query!(
        r#"select r.id, flow as "flow!", stage, state, outcome, released,
                  started_at as "started_at: jiff_sqlx::Timestamp",
                  finished_at as "finished_at: jiff_sqlx::Timestamp"
           from unnest($1::bigint[]) as u (flow) join runs r using (flow)
           order by flow, stage"#,
        flows,
    )
    .fetch_all(view)
    .await?;
    rows.into_iter()
        .map(|row| {
            let run = Run {
                id: RunId(row.id),
                flow: FlowId(row.flow),
                stage: unsigned(row.stage)?,
                status: status(&row.state, row.outcome.as_deref())?,
                released: row.released,
                started_at: timestamp(row.started_at),
                finished_at: timestamp(row.finished_at),
            };
            Ok((row.flow, run))
        })
        .collect()
}

async fn jobs(view: &mut PgConnection, flows: &[i64]) -> Result<Vec<(i64, Job)>> {
    let rows = sqlx::query!(
        r#"select j.id, flow as "flow!", run, index, state, outcome, stopping, lost,
                  queued_at as "queued_at: jiff_sqlx::Timestamp",
                  started_at as "started_at: jiff_sqlx::Timestamp",
                  finished_at as "finished_at: jiff_sqlx::Timestamp"
           from unnest($1::bigint[]) as u (flow) join jobs j using (flow)
           order by j.id"#,
        flows,
    )
    .fetch_all(view)
    .await?;
    rows.into_iter()
        .map(|row| {
            let job = Job {
                id: JobId(row.id),
                run: RunId(row.run),
                index: unsigned(row.index)?,
                status: status(&row.state, row.outcome.as_deref())?,
                stopping: outcome(row.stopping.as_deref())?,
                lost: unsigned(row.lost)?,
                queued_at: timestamp(row.queued_at),
                started_at: timestamp(row.started_at),
                finished_at: timestamp(row.finished_at),
            };
            Ok((row.flow, job))
        })
        .collect()
}

async fn attempts(view: &mut PgConnection, flows: &[i64]) -> Result<Vec<(i64, Attempt)>> {
    let rows = sqlx::query!(
        r#"select a.id, flow as "flow!", job, number, agent, state, outcome, exit_code, exit_signal, message, acknowledged,
                  assigned_at as "assigned_at: jiff_sqlx::Timestamp",
                  started_at as "started_at: jiff_sqlx::Timestamp",
                  finished_at as "finished_at: jiff_sqlx::Timestamp"
           from unnest($1::bigint[]) as u (flow) join attempts a using (flow)
           order by a.id"#,
        flows,
    )
    .fetch_all(view)
    .await?;
    rows.into_iter()
        .map(|row| {
            let attempt = Attempt {
                id: AttemptId(row.id),
                job: JobId(row.job),
                number: unsigned(row.number)?,
                agent: AgentId(row.agent),
                status: status(&row.state, row.outcome.as_deref())?,
                exit: Exit {
                    code: row.exit_code,
                    signal: row.exit_signal,
                },
                message: row.message,
                acknowledged: unsigned(row.acknowledged)?,
                assigned_at: row.assigned_at.to_jiff(),
                started_at: timestamp(row.started_at),
                finished_at: timestamp(row.finished_at),
            };
            Ok((row.flow, attempt))
        })
        .collect()
}
