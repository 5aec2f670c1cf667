//! New rows of a commit: one statement for each kind, parents before children.

use keirin_model::flow::{Attempt, Flow, Job, Run};
use sqlx::PgConnection;

use crate::StoreError;
use crate::engine::commit::{CommitError, columns, reached};
use crate::engine::fold::Folded;
use crate::row::{column, json, text, time};

/// Writes every new row.
pub(super) async fn all(connection: &mut PgConnection, folded: &Folded) -> Result<(), CommitError> {
    if !folded.flows.new.is_empty() {
        flows(connection, &folded.flows.new).await?;
    }
    if !folded.runs.new.is_empty() {
        runs(connection, &folded.runs.new).await?;
    }
    if !folded.jobs.new.is_empty() {
        jobs(connection, &folded.jobs.new).await?;
    }
    if !folded.attempts.new.is_empty() {
        attempts(connection, &folded.attempts.new).await?;
    }
    Ok(())
}

/// What a row that is there already, or whose project is gone, means to the engine.
fn conflict(error: sqlx::Error) -> CommitError {
    let detail = error.to_string();
    match StoreError::conflict_if_violated(error, || detail) {
        StoreError::Conflict(what) => CommitError::Conflict { what },
        other => CommitError::Store(other),
    }
}

async fn flows(connection: &mut PgConnection, flows: &[Flow]) -> Result<(), CommitError> {
    let mut changes = Vec::with_capacity(flows.len());
    let mut params = Vec::with_capacity(flows.len());
    let mut causes = Vec::with_capacity(flows.len());
    let mut plans = Vec::with_capacity(flows.len());
    for flow in flows {
        changes.push(flow.change.as_ref().map(json).transpose()?);
        params.push(json(&flow.params)?);
        causes.push(json(&flow.cause)?);
        plans.push(json(&*flow.plan)?);
    }
    let ids: Vec<_> = flows.iter().map(|flow| flow.id.0).collect();
    let projects: Vec<_> = flows.iter().map(|flow| flow.project.0).collect();
    let branches: Vec<_> = flows.iter().map(|flow| flow.branch.0).collect();
    let numbers: Vec<_> = flows.iter().map(|flow| flow.number).collect();
    let workflows: Vec<_> = flows.iter().map(|flow| text(&flow.plan.workflow)).collect();
    let kinds: Vec<_> = flows.iter().map(|flow| flow.kind.as_str()).collect();
    let commits: Vec<_> = flows
        .iter()
        .map(|flow| flow.commit.as_deref().map(text))
        .collect();
    let (states, outcomes): (Vec<_>, Vec<_>) = flows.iter().map(|flow| columns(Some(flow.status))).unzip();
    let created: Vec<_> = flows.iter().map(|flow| time(flow.created_at)).collect();
    let finished: Vec<_> = flows.iter().map(|flow| flow.finished_at.map(time)).collect();

    sqlx::query!(
        "insert into flows
           (id, project, branch, number, workflow, kind, commit, change, params, cause, plan, state, outcome,
            created_at, finished_at)
         select * from unnest(
           $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::jsonb[],
           $9::jsonb[], $10::jsonb[], $11::jsonb[], $12::text[], $13::text[], $14::timestamptz[],
           $15::timestamptz[])",
        &ids,
        &projects,
        &branches,
        &numbers,
        &workflows as _,
        &kinds as _,
        &commits as _,
        &changes as _,
        &params as _,
        &causes as _,
        &plans as _,
        &states as _,
        &outcomes as _,
        &created as _,
        &finished as _,
    )
    .execute(&mut *connection)
    .await
    .map_err(conflict)?;

    sqlx::query!(
        "update projects p set last_flow_number = greatest(p.last_flow_number, u.number)
         from (select project, max(number) as number from unnest($1::bigint[], $2::bigint[]) as u (project, number)
               group by project) u
         where p.id = u.project",
        &projects,
        &numbers,
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn runs(connection: &mut PgConnection, runs: &[Run]) -> Result<(), CommitError> {
    let ids: Vec<_> = runs.iter().map(|run| run.id.0).collect();
    let flows: Vec<_> = runs.iter().map(|run| run.flow.0).collect();
    let stages: Vec<i32> = runs.iter().map(|run| column(run.stage)).collect();
    let (states, outcomes): (Vec<_>, Vec<_>) = runs.iter().map(|run| columns(Some(run.status))).unzip();
    let released: Vec<_> = runs.iter().map(|run| run.released).collect();
    let started: Vec<_> = runs.iter().map(|run| run.started_at.map(time)).collect();
    let finished: Vec<_> = runs.iter().map(|run| run.finished_at.map(time)).collect();

    let inserted = sqlx::query!(
        "insert into runs (id, flow, stage, state, outcome, released, started_at, finished_at)
         select u.id, f.id, u.stage, u.state, u.outcome, u.released, u.started_at, u.finished_at
         from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::boolean[],
                     $7::timestamptz[], $8::timestamptz[])
              as u (id, flow, stage, state, outcome, released, started_at, finished_at)
         join flows f on f.id = u.flow",
        &ids,
        &flows,
        &stages,
        &states as _,
        &outcomes as _,
        &released,
        &started as _,
        &finished as _,
    )
    .execute(connection)
    .await
    .map_err(conflict)?;
    reached(inserted.rows_affected(), runs.len(), || {
        "a new run's flow is not there".to_owned()
    })
}

async fn jobs(connection: &mut PgConnection, jobs: &[Job]) -> Result<(), CommitError> {
    let ids: Vec<_> = jobs.iter().map(|job| job.id.0).collect();
    let runs: Vec<_> = jobs.iter().map(|job| job.run.0).collect();
    let indexes: Vec<i32> = jobs.iter().map(|job| column(job.index)).collect();
    let (states, outcomes): (Vec<_>, Vec<_>) = jobs.iter().map(|job| columns(Some(job.status))).unzip();
    let stopping: Vec<_> = jobs
        .iter()
        .map(|job| job.stopping.map(keirin_model::Outcome::as_str))
        .collect();
    let lost: Vec<i32> = jobs.iter().map(|job| column(job.lost)).collect();
    let queued: Vec<_> = jobs.iter().map(|job| job.queued_at.map(time)).collect();
    let started: Vec<_> = jobs.iter().map(|job| job.started_at.map(time)).collect();
    let finished: Vec<_> = jobs.iter().map(|job| job.finished_at.map(time)).collect();

    let inserted = sqlx::query!(
        "insert into jobs
           (id, run, flow, index, state, outcome, stopping, lost, queued_at, started_at, finished_at)
         select u.id, r.id, r.flow, u.index, u.state, u.outcome, u.stopping, u.lost, u.queued_at, u.started_at,
                u.finished_at
         from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::integer[],
                     $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])
              as u (id, run, index, state, outcome, stopping, lost, queued_at, started_at, finished_at)
         join runs r on r.id = u.run",
        &ids,
        &runs,
        &indexes,
        &states as _,
        &outcomes as _,
        &stopping as _,
        &lost,
        &queued as _,
        &started as _,
        &finished as _,
    )
    .execute(connection)
    .await
    .map_err(conflict)?;
    reached(inserted.rows_affected(), jobs.len(), || {
        "a new job's run is not there".to_owned()
    })
}

async fn attempts(connection: &mut PgConnection, attempts: &[Attempt]) -> Result<(), CommitError> {
    let ids: Vec<_> = attempts.iter().map(|attempt| attempt.id.0).collect();
    let jobs: Vec<_> = attempts.iter().map(|attempt| attempt.job.0).collect();
    let numbers: Vec<i32> = attempts.iter().map(|attempt| column(attempt.number)).collect();
    let agents: Vec<_> = attempts.iter().map(|attempt| attempt.agent.0).collect();
    let (states, outcomes): (Vec<_>, Vec<_>) = attempts
        .iter()
        .map(|attempt| columns(Some(attempt.status)))
        .unzip();
    let codes: Vec<_> = attempts.iter().map(|attempt| attempt.exit.code).collect();
    let signals: Vec<_> = attempts.iter().map(|attempt| attempt.exit.signal).collect();
    let messages: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.message.as_deref().map(text))
        .collect();
    let acknowledged: Vec<i64> = attempts
        .iter()
        .map(|attempt| column(attempt.acknowledged))
        .collect();
    let assigned: Vec<_> = attempts.iter().map(|attempt| time(attempt.assigned_at)).collect();
    let started: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.started_at.map(time))
        .collect();
    let finished: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.finished_at.map(time))
        .collect();

    let inserted = sqlx::query!(
        "insert into attempts
           (id, job, flow, number, agent, state, outcome, exit_code, exit_signal, message, acknowledged, assigned_at,
            started_at, finished_at)
         select u.id, j.id, j.flow, u.number, u.agent, u.state, u.outcome, u.exit_code, u.exit_signal, u.message,
                u.acknowledged, u.assigned_at, u.started_at, u.finished_at
         from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::integer[],
                     $8::integer[], $9::text[], $10::bigint[], $11::timestamptz[], $12::timestamptz[],
                     $13::timestamptz[])
              as u (id, job, number, agent, state, outcome, exit_code, exit_signal, message, acknowledged,
                    assigned_at, started_at, finished_at)
         join jobs j on j.id = u.job",
        &ids,
        &jobs,
        &numbers,
        &agents,
        &states as _,
        &outcomes as _,
        &codes as _,
        &signals as _,
        &messages as _,
        &acknowledged,
        &assigned as _,
        &started as _,
        &finished as _,
    )
    .execute(connection)
    .await
    .map_err(conflict)?;
    reached(inserted.rows_affected(), attempts.len(), || {
        "a new attempt's job is not there".to_owned()
    })
}
