//! New rows of a commit: one statement for each kind, parents before children. The same statement writes the facts of
//! what has finished already.

use std::collections::{BTreeSet, HashMap};

use keirin_model::FlowId;
use keirin_model::flow::{Attempt, Flow};
use keirin_model::plan::{Plan, StagePlan};
use sqlx::PgConnection;

use crate::StoreError;
use crate::engine::commit::{CommitError, columns, reached};
use crate::engine::fold::Folded;
use crate::row::{json, sanitize_nul, saturating_cast, to_sql};

/// Writes every new row.
pub(super) async fn all(connection: &mut PgConnection, folded: &Folded) -> Result<(), CommitError> {
    if !folded.flows.new.is_empty() {
        flows(connection, &folded.flows.new).await?;
    }
    if !folded.runs.new.is_empty() {
        runs(connection, folded).await?;
    }
    if !folded.jobs.new.is_empty() {
        jobs(connection, folded).await?;
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
    let mut diagnostics = Vec::with_capacity(flows.len());
    for flow in flows {
        changes.push(flow.change.as_ref().map(json).transpose()?);
        params.push(json(&flow.params)?);
        causes.push(json(&flow.cause)?);
        plans.push(json(&*flow.plan)?);
        let found = (!flow.diagnostics.is_empty()).then_some(&flow.diagnostics);
        diagnostics.push(found.map(json).transpose()?);
    }
    let ids: Vec<_> = flows.iter().map(|flow| flow.id.0).collect();
    let projects: Vec<_> = flows.iter().map(|flow| flow.project.0).collect();
    let branches: Vec<_> = flows.iter().map(|flow| flow.branch.0).collect();
    let numbers: Vec<_> = flows.iter().map(|flow| flow.number).collect();
    let workflows: Vec<_> = flows
        .iter()
        .map(|flow| sanitize_nul(&flow.plan.workflow))
        .collect();
    let kinds: Vec<_> = flows.iter().map(|flow| flow.kind.into_str()).collect();
    let commits: Vec<_> = flows
        .iter()
        .map(|flow| flow.commit.as_deref().map(sanitize_nul))
        .collect();
    let (states, outcomes): (Vec<_>, Vec<_>) = flows.iter().map(|flow| columns(Some(flow.status))).unzip();
    let created: Vec<_> = flows.iter().map(|flow| to_sql(flow.created_at)).collect();
    let finished: Vec<_> = flows.iter().map(|flow| flow.finished_at.map(to_sql)).collect();

    // First a project, then its branches: whoever deletes a project takes them in this order too. The branch is held, so that
    // it is not deleted before the flow is there to keep it.
    let reached_rows = sqlx::query!(
        r#"with raised as (
           update projects p set last_flow_number = greatest(p.last_flow_number, u.number)
           from (select project, max(number) as number from unnest($2::bigint[], $4::bigint[]) as u (project, number)
                 group by project) u
           where p.id = u.project
           returning p.id
         ),
         held as materialized (
           select id, name from branches
           where id = any($3) and exists (select from raised where raised.id = branches.project)
           for key share
         ),
         added as (
           insert into flows
             (id, project, branch, number, workflow, kind, commit, change, params, cause, plan, state, outcome,
              created_at, finished_at, diagnostics)
           select u.* from unnest(
             $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::jsonb[],
             $9::jsonb[], $10::jsonb[], $11::jsonb[], $12::text[], $13::text[], $14::timestamptz[],
             $15::timestamptz[], $16::jsonb[])
             as u (id, project, branch, number, workflow, kind, commit, change, params, cause, plan, state, outcome,
                   created_at, finished_at, diagnostics)
           join held on held.id = u.branch
           returning id, project, branch, kind, workflow, commit, outcome, created_at, finished_at
         ),
         facts as (
           insert into flow_facts (project, flow, branch, kind, workflow, commit, outcome, created_at, finished_at)
           select a.project, a.id, held.name, a.kind, a.workflow, a.commit, a.outcome, a.created_at, a.finished_at
           from added a join held on held.id = a.branch
           where a.outcome is not null
         )
         select (select count(*) from raised) as "projects!", (select count(*) from added) as "flows!""#,
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
        &diagnostics as _,
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(conflict)?;
    let distinct: BTreeSet<i64> = projects.iter().copied().collect();
    reached(reached_rows.projects, distinct.len(), || {
        "a project that flows were to run in is gone".to_owned()
    })?;
    reached(reached_rows.flows, flows.len(), || {
        "a branch that flows were to run on is gone".to_owned()
    })?;

    Ok(())
}

async fn runs(connection: &mut PgConnection, folded: &Folded) -> Result<(), CommitError> {
    let runs = &folded.runs.new;
    let plans = Plans::of(folded);
    let ids: Vec<_> = runs.iter().map(|run| run.id.0).collect();
    let flows: Vec<_> = runs.iter().map(|run| run.flow.0).collect();
    let stages: Vec<i32> = runs.iter().map(|run| saturating_cast(run.stage)).collect();
    let planned: Vec<_> = runs.iter().map(|run| plans.stage(run.flow, run.stage)).collect();
    let names: Vec<_> = planned
        .iter()
        .map(|stage| stage.map(|stage| sanitize_nul(&stage.name)))
        .collect();
    let environments: Vec<_> = planned
        .iter()
        .map(|stage| stage.and_then(|stage| stage.environment.as_deref().map(sanitize_nul)))
        .collect();
    let (states, outcomes): (Vec<_>, Vec<_>) = runs.iter().map(|run| columns(Some(run.status))).unzip();
    let released: Vec<_> = runs.iter().map(|run| run.released).collect();
    let started: Vec<_> = runs.iter().map(|run| run.started_at.map(to_sql)).collect();
    let finished: Vec<_> = runs.iter().map(|run| run.finished_at.map(to_sql)).collect();

    let inserted = sqlx::query_scalar!(
        r#"with added as (
           insert into runs
             (id, flow, stage, stage_name, environment, state, outcome, released, started_at, finished_at)
           select u.id, f.id, u.stage, coalesce(u.name, f.plan #>> array['stages', u.stage::text, 'name']),
                  u.environment, u.state, u.outcome, u.released, u.started_at, u.finished_at
           from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[],
                       $8::boolean[], $9::timestamptz[], $10::timestamptz[])
                as u (id, flow, stage, name, environment, state, outcome, released, started_at, finished_at)
           join flows f on f.id = u.flow
           returning id, flow, stage_name, environment, outcome, started_at, finished_at
         ),
         told as (
           insert into run_facts
             (project, flow, run, branch, kind, stage, environment, commit, outcome, started_at, finished_at)
           select f.project, f.id, a.id, b.name, f.kind, a.stage_name, a.environment, f.commit, a.outcome,
                  a.started_at, a.finished_at
           from added a join flows f on f.id = a.flow join branches b on b.id = f.branch
           where a.outcome is not null
         )
         select count(*) as "count!" from added"#,
        &ids,
        &flows,
        &stages,
        &names as _,
        &environments as _,
        &states as _,
        &outcomes as _,
        &released,
        &started as _,
        &finished as _,
    )
    .fetch_one(connection)
    .await
    .map_err(conflict)?;
    reached(inserted, runs.len(), || {
        "a new run's flow is not there".to_owned()
    })
}

async fn jobs(connection: &mut PgConnection, folded: &Folded) -> Result<(), CommitError> {
    let jobs = &folded.jobs.new;
    let plans = Plans::of(folded);
    let stages: HashMap<_, _> = folded
        .runs
        .new
        .iter()
        .map(|run| (run.id, (run.flow, run.stage)))
        .collect();
    let names: Vec<_> = jobs
        .iter()
        .map(|job| {
            let (flow, stage) = stages.get(&job.run)?;
            let job = plans.stage(*flow, *stage)?.jobs.get(job.index)?;
            Some(sanitize_nul(&job.name))
        })
        .collect();
    let ids: Vec<_> = jobs.iter().map(|job| job.id.0).collect();
    let runs: Vec<_> = jobs.iter().map(|job| job.run.0).collect();
    let indexes: Vec<i32> = jobs.iter().map(|job| saturating_cast(job.index)).collect();
    let (states, outcomes): (Vec<_>, Vec<_>) = jobs.iter().map(|job| columns(Some(job.status))).unzip();
    let stopping: Vec<_> = jobs.iter().map(|job| job.stopping.map(<&str>::from)).collect();
    let lost: Vec<i32> = jobs.iter().map(|job| saturating_cast(job.lost)).collect();
    let queued: Vec<_> = jobs.iter().map(|job| job.queued_at.map(to_sql)).collect();
    let started: Vec<_> = jobs.iter().map(|job| job.started_at.map(to_sql)).collect();
    let finished: Vec<_> = jobs.iter().map(|job| job.finished_at.map(to_sql)).collect();

    let inserted = sqlx::query_scalar!(
        r#"with added as (
           insert into jobs
             (id, run, flow, index, name, state, outcome, stopping, lost, queued_at, started_at, finished_at)
           select u.id, r.id, r.flow, u.index,
                  coalesce(u.name, (
                    select f.plan #>> array['stages', r.stage::text, 'jobs', u.index::text, 'name']
                    from flows f where f.id = r.flow)),
                  u.state, u.outcome, u.stopping, u.lost, u.queued_at, u.started_at, u.finished_at
           from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[],
                       $8::integer[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[])
                as u (id, run, index, name, state, outcome, stopping, lost, queued_at, started_at, finished_at)
           join runs r on r.id = u.run
           returning id, run, name, outcome, queued_at, started_at, finished_at
         ),
         told as (
           insert into job_facts
             (project, flow, run, job, branch, kind, stage, name, outcome, attempts, queued_at, started_at,
              finished_at)
           select f.project, f.id, r.id, a.id, b.name, f.kind, r.stage_name, a.name, a.outcome, 0, a.queued_at,
                  a.started_at, a.finished_at
           from added a join runs r on r.id = a.run join flows f on f.id = r.flow
           join branches b on b.id = f.branch
           where a.outcome is not null
         )
         select count(*) as "count!" from added"#,
        &ids,
        &runs,
        &indexes,
        &names as _,
        &states as _,
        &outcomes as _,
        &stopping as _,
        &lost,
        &queued as _,
        &started as _,
        &finished as _,
    )
    .fetch_one(connection)
    .await
    .map_err(conflict)?;
    reached(inserted, jobs.len(), || "a new job's run is not there".to_owned())
}

async fn attempts(connection: &mut PgConnection, attempts: &[Attempt]) -> Result<(), CommitError> {
    let ids: Vec<_> = attempts.iter().map(|attempt| attempt.id.0).collect();
    let jobs: Vec<_> = attempts.iter().map(|attempt| attempt.job.0).collect();
    let numbers: Vec<i32> = attempts
        .iter()
        .map(|attempt| saturating_cast(attempt.number))
        .collect();
    let agents: Vec<_> = attempts.iter().map(|attempt| attempt.agent.0).collect();
    let (states, outcomes): (Vec<_>, Vec<_>) = attempts
        .iter()
        .map(|attempt| columns(Some(attempt.status)))
        .unzip();
    let codes: Vec<_> = attempts.iter().map(|attempt| attempt.exit.code).collect();
    let signals: Vec<_> = attempts.iter().map(|attempt| attempt.exit.signal).collect();
    let messages: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.message.as_deref().map(sanitize_nul))
        .collect();
    let acknowledged: Vec<i64> = attempts
        .iter()
        .map(|attempt| saturating_cast(attempt.acknowledged))
        .collect();
    let assigned: Vec<_> = attempts
        .iter()
        .map(|attempt| to_sql(attempt.assigned_at))
        .collect();
    let started: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.started_at.map(to_sql))
        .collect();
    let finished: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.finished_at.map(to_sql))
        .collect();

    let inserted = sqlx::query_scalar!(
        r#"with added as (
           insert into attempts
             (id, job, flow, number, agent, state, outcome, exit_code, exit_signal, message, acknowledged,
              assigned_at, started_at, finished_at)
           select u.id, j.id, j.flow, u.number, u.agent, u.state, u.outcome, u.exit_code, u.exit_signal, u.message,
                  u.acknowledged, u.assigned_at, u.started_at, u.finished_at
           from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[], $5::text[], $6::text[],
                       $7::integer[], $8::integer[], $9::text[], $10::bigint[], $11::timestamptz[],
                       $12::timestamptz[], $13::timestamptz[])
                as u (id, job, number, agent, state, outcome, exit_code, exit_signal, message, acknowledged,
                      assigned_at, started_at, finished_at)
           join jobs j on j.id = u.job
           returning id, job, number, agent, outcome, exit_code, assigned_at, started_at, finished_at
         ),
         told as (
           insert into attempt_facts
             (project, flow, job, attempt, branch, kind, stage, name, agent, attempt_number, outcome, exit_code,
              assigned_at, started_at, finished_at)
           select f.project, f.id, j.id, a.id, b.name, f.kind, r.stage_name, j.name, a.agent, a.number, a.outcome,
                  a.exit_code, a.assigned_at, a.started_at, a.finished_at
           from added a join jobs j on j.id = a.job join runs r on r.id = j.run join flows f on f.id = j.flow
           join branches b on b.id = f.branch
           where a.outcome is not null
         )
         select count(*) as "count!" from added"#,
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
    .fetch_one(connection)
    .await
    .map_err(conflict)?;
    reached(inserted, attempts.len(), || {
        "a new attempt's job is not there".to_owned()
    })
}

/// The plans of new flows, for the names of what is in them. Runs and jobs are added together with their flow; where
/// one were not, the statement would look into the flow's row.
struct Plans<'a>(HashMap<FlowId, &'a Plan>);

impl<'a> Plans<'a> {
    fn of(folded: &'a Folded) -> Self {
        let flows = folded.flows.new.iter();
        Self(flows.map(|flow| (flow.id, &*flow.plan)).collect())
    }

    fn stage(&self, flow: FlowId, stage: usize) -> Option<&'a StagePlan> {
        self.0.get(&flow)?.stages.get(stage)
    }
}
