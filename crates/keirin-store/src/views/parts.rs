//! Flows, runs and jobs with all that is in them.

use std::collections::BTreeMap;

use keirin_model::diagnostic::Diagnostic;
use keirin_model::flow::{Cause, Change, ParamValue};
use keirin_model::plan::{JobPlan, Plan};
use keirin_model::{AgentId, AttemptId, FlowId, JobId, RunId, State};
use keirin_wire::api::{Attempt, Flow, FlowRetention, Job, LogStep, LogSummary, Run, Step};
use keirin_wire::log::StepLines;
use sqlx::types::Json;

use super::state_and_outcome;
use crate::row::{parse_enum, timestamp};
use crate::{Result, Store, StoreError};

/// Which part of a flow is wanted.
#[derive(Debug, Clone, Copy)]
enum Part {
    Whole,
    Run(RunId),
    Job(JobId),
}

impl Store {
    /// A flow with all its runs and jobs. Why jobs wait is for the caller to fill in.
    ///
    /// # Errors
    /// There is no such flow.
    pub async fn flow_view(&self, flow: FlowId) -> Result<Flow> {
        self.part(flow, Part::Whole).await
    }

    /// A run with its jobs. Why jobs wait is for the caller to fill in.
    ///
    /// # Errors
    /// There is no such run.
    pub async fn run_view(&self, run: RunId) -> Result<Run> {
        let flow = sqlx::query_scalar!("select flow from runs where id = $1", run.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| StoreError::not_found("run", run))?;
        let flow = self.part(FlowId(flow), Part::Run(run)).await?;
        flow.runs
            .into_iter()
            .next()
            .ok_or_else(|| StoreError::not_found("run", run))
    }

    /// A job with its attempts and steps. Why it waits is for the caller to fill in.
    ///
    /// # Errors
    /// There is no such job.
    pub async fn job_view(&self, job: JobId) -> Result<Job> {
        let flow = sqlx::query_scalar!("select flow from jobs where id = $1", job.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| StoreError::not_found("job", job))?;
        let flow = self.part(FlowId(flow), Part::Job(job)).await?;
        flow.runs
            .into_iter()
            .flat_map(|run| run.jobs)
            .next()
            .ok_or_else(|| StoreError::not_found("job", job))
    }

    async fn part(&self, id: FlowId, part: Part) -> Result<Flow> {
        let row = sqlx::query!(
            r#"select flows.number, projects.name as project, branches.name as branch, branches.kind as branch_kind,
                flows.workflow, flows.kind, flows.diagnostics as "diagnostics: Json<Vec<Diagnostic>>",
                flows.commit, flows.change as "change: Json<Change>",
                flows.params as "params: Json<BTreeMap<String, ParamValue>>", flows.cause as "cause: Json<Cause>",
                flows.plan as "plan: Json<Plan>", flows.state, flows.outcome, flows.pinned,
                flows.logs_removed_at as "logs_removed_at: jiff_sqlx::Timestamp",
                flows.artifacts_removed_at as "artifacts_removed_at: jiff_sqlx::Timestamp",
                flows.test_results_removed_at as "test_results_removed_at: jiff_sqlx::Timestamp",
                flows.created_at as "created_at: jiff_sqlx::Timestamp",
                flows.finished_at as "finished_at: jiff_sqlx::Timestamp"
            from flows
            join projects on projects.id = flows.project
            join branches on branches.id = flows.branch
            where flows.id = $1"#,
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| StoreError::not_found("flow", id))?;
        let (state, outcome) = state_and_outcome(&row.state, row.outcome.as_deref())?;
        let mut flow = Flow {
            id,
            number: row.number,
            project: row.project,
            branch: row.branch,
            branch_kind: parse_enum(&row.branch_kind)?,
            workflow: row.workflow,
            kind: parse_enum(&row.kind)?,
            commit: row.commit,
            change: row.change.map(|change| change.0),
            params: row.params.0,
            cause: row.cause.0,
            concurrency: row.plan.concurrency.clone(),
            state,
            outcome,
            created_at: row.created_at.to_jiff(),
            finished_at: timestamp(row.finished_at),
            retention: FlowRetention {
                pinned: row.pinned,
                logs_removed_at: timestamp(row.logs_removed_at),
                artifacts_removed_at: timestamp(row.artifacts_removed_at),
                test_results_removed_at: timestamp(row.test_results_removed_at),
            },
            diagnostics: row.diagnostics.map(|found| found.0).unwrap_or_default(),
            runs: Vec::new(),
        };
        flow.runs = self.runs_of(&flow, &row.plan, part).await?;
        Ok(flow)
    }

    async fn runs_of(&self, flow: &Flow, plan: &Plan, part: Part) -> Result<Vec<Run>> {
        let (only_run, only_job) = part.ids();
        let rows = sqlx::query!(
            r#"select id, stage, state, outcome, started_at as "started_at: jiff_sqlx::Timestamp",
                finished_at as "finished_at: jiff_sqlx::Timestamp"
            from runs where flow = $1 and ($2::bigint is null or id = $2)
                and ($3::bigint is null or id = (select run from jobs where jobs.id = $3))
            order by stage"#,
            flow.id.0,
            only_run,
            only_job,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut runs = Vec::with_capacity(rows.len());
        for row in rows {
            let stage = plan.stages.get(row.stage as usize).ok_or_else(|| {
                StoreError::Corrupt(format!("run {} is of a stage that its plan has not", row.id))
            })?;
            let (state, outcome) = state_and_outcome(&row.state, row.outcome.as_deref())?;
            runs.push((
                &stage.jobs,
                Run {
                    id: RunId(row.id),
                    flow: flow.id,
                    flow_number: flow.number,
                    project: flow.project.clone(),
                    branch: flow.branch.clone(),
                    stage: stage.name.clone(),
                    needs: stage.needs.clone(),
                    start: stage.start,
                    environment: stage.environment.clone(),
                    exclusive: stage.exclusive,
                    timeout_seconds: stage.timeout.map(|timeout| timeout.as_secs()),
                    state,
                    outcome,
                    started_at: timestamp(row.started_at),
                    finished_at: timestamp(row.finished_at),
                    tests: None,
                    retention: flow.retention,
                    jobs: Vec::new(),
                },
            ));
        }
        self.add_jobs(&mut runs, flow.id, part).await?;
        Ok(runs.into_iter().map(|(_, run)| run).collect())
    }

    async fn add_jobs(&self, runs: &mut [(&Vec<JobPlan>, Run)], flow: FlowId, part: Part) -> Result<()> {
        let (only_run, only_job) = part.ids();
        let rows = sqlx::query!(
            r#"select id, run, index, state, outcome, stopping, queued_at as "queued_at: jiff_sqlx::Timestamp",
                started_at as "started_at: jiff_sqlx::Timestamp", finished_at as "finished_at: jiff_sqlx::Timestamp"
            from jobs where flow = $1 and ($2::bigint is null or run = $2) and ($3::bigint is null or id = $3)
            order by run, index"#,
            flow.0,
            only_run,
            only_job,
        )
        .fetch_all(&self.pool)
        .await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut attempts = self.attempts_of(&ids).await?;
        let newest: Vec<i64> = attempts
            .values()
            .filter_map(|attempts| attempts.last())
            .map(|attempt| attempt.id.0)
            .collect();
        let mut steps = self.steps_of(&newest).await?;
        let mut logs = self.logs_of(&newest).await?;
        let tests = self.test_counts_of_jobs(&ids).await?;
        let artifacts = self.artifact_counts_of_jobs(&ids).await?;
        for row in rows {
            let Some((plans, run)) = runs.iter_mut().find(|(_, run)| run.id.0 == row.run) else {
                continue;
            };
            let plan = plans
                .get(row.index as usize)
                .ok_or_else(|| StoreError::Corrupt(format!("job {} is one that its plan has not", row.id)))?;
            let id = JobId(row.id);
            let attempts = attempts.remove(&id).unwrap_or_default();
            let newest = attempts.last();
            let (state, outcome) = state_and_outcome(&row.state, row.outcome.as_deref())?;
            let done = newest
                .and_then(|attempt| steps.remove(&attempt.id))
                .unwrap_or_default();
            let job = Job {
                id,
                name: plan.name.clone(),
                key: plan.key.clone(),
                matrix: plan.matrix.clone(),
                project: run.project.clone(),
                branch: run.branch.clone(),
                flow,
                flow_number: run.flow_number,
                run: run.id,
                stage: run.stage.clone(),
                needs: plan.needs.clone(),
                requirements: plan.requirements.clone(),
                priority: plan.priority,
                timeout_seconds: plan.timeout.as_secs(),
                state,
                outcome,
                stopping: row.stopping.is_some(),
                waiting_reason: None,
                queued_at: timestamp(row.queued_at),
                started_at: timestamp(row.started_at),
                finished_at: timestamp(row.finished_at),
                steps: all_steps(plan, done),
                tests: tests.get(&id).copied(),
                artifacts: artifacts.get(&id).copied().unwrap_or(0),
                retention: run.retention,
                log: newest.and_then(|attempt| {
                    let log = logs.remove(&attempt.id)?;
                    Some(LogSummary {
                        attempt: attempt.number,
                        ..log
                    })
                }),
                attempts,
            };
            if let Some(counts) = job.tests {
                let sum = run.tests.get_or_insert_default();
                sum.passed += counts.passed;
                sum.failed += counts.failed;
                sum.errors += counts.errors;
                sum.skipped += counts.skipped;
            }
            run.jobs.push(job);
        }
        Ok(())
    }

    /// The attempts at jobs by job, oldest first.
    async fn attempts_of(&self, jobs: &[i64]) -> Result<BTreeMap<JobId, Vec<Attempt>>> {
        let rows = sqlx::query!(
            r#"select attempts.id, attempts.job, attempts.number, attempts.agent, agents.name as "agent_name?",
                attempts.state, attempts.outcome, attempts.exit_code, attempts.exit_signal, attempts.message,
                attempts.started_at as "started_at: jiff_sqlx::Timestamp",
                attempts.finished_at as "finished_at: jiff_sqlx::Timestamp"
            from attempts left join agents on agents.id = attempts.agent
            where attempts.job = any($1) order by attempts.job, attempts.number"#,
            jobs,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut attempts: BTreeMap<JobId, Vec<Attempt>> = BTreeMap::new();
        for row in rows {
            let (state, outcome) = state_and_outcome(&row.state, row.outcome.as_deref())?;
            attempts.entry(JobId(row.job)).or_default().push(Attempt {
                id: AttemptId(row.id),
                number: row.number as u32,
                agent: row
                    .agent_name
                    .unwrap_or_else(|| format!("removed agent {}", row.agent)),
                agent_id: AgentId(row.agent),
                state,
                outcome,
                exit_code: row.exit_code,
                signal: row.exit_signal,
                message: row.message,
                started_at: timestamp(row.started_at),
                finished_at: timestamp(row.finished_at),
            });
        }
        Ok(attempts)
    }

    /// What is known of the steps of attempts, by attempt and place in the plan; names are for the caller to fill in.
    async fn steps_of(&self, attempts: &[i64]) -> Result<BTreeMap<AttemptId, BTreeMap<usize, Step>>> {
        let rows = sqlx::query!(
            r#"select attempt, index, outcome, exit_code, exit_signal, message,
                started_at as "started_at: jiff_sqlx::Timestamp", finished_at as "finished_at: jiff_sqlx::Timestamp"
            from steps where attempt = any($1)"#,
            attempts,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut steps: BTreeMap<AttemptId, BTreeMap<usize, Step>> = BTreeMap::new();
        for row in rows {
            let index = row.index as usize;
            let outcome = row.outcome.as_deref().map(parse_enum).transpose()?;
            let step = Step {
                index,
                tool: String::new(),
                name: String::new(),
                state: if outcome.is_some() {
                    State::Finished
                } else {
                    State::Running
                },
                outcome,
                started_at: Some(row.started_at.to_jiff()),
                finished_at: timestamp(row.finished_at),
                exit_code: row.exit_code,
                signal: row.exit_signal,
                message: row.message,
            };
            steps
                .entry(AttemptId(row.attempt))
                .or_default()
                .insert(index, step);
        }
        Ok(steps)
    }

    /// The logs of attempts in short; the attempt's number is for the caller to fill in.
    async fn logs_of(&self, attempts: &[i64]) -> Result<BTreeMap<AttemptId, LogSummary>> {
        let rows = sqlx::query!(
            r#"select attempt as "attempt!", lines, text_bytes, cut, closed_at is not null as "closed!",
                steps as "steps: Json<Vec<StepLines>>"
            from log_streams where kind = 'attempt' and attempt = any($1)"#,
            attempts,
        )
        .fetch_all(&self.pool)
        .await?;
        let logs = rows.into_iter().map(|row| {
            let summary = LogSummary {
                attempt: 0,
                lines: row.lines as u64,
                bytes: row.text_bytes as u64,
                closed: row.closed,
                cut: row.cut,
                steps: row.steps.iter().map(log_step).collect(),
            };
            (AttemptId(row.attempt), summary)
        });
        Ok(logs.collect())
    }
}

impl Part {
    fn ids(self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Whole => (None, None),
            Self::Run(run) => (Some(run.0), None),
            Self::Job(job) => (None, Some(job.0)),
        }
    }
}

/// Inside, lines count from 0; people count them from 1.
fn log_step(step: &StepLines) -> LogStep {
    LogStep {
        index: step.step,
        first_line: step.first_line + 1,
        last_line: step.next_line,
        lines: step.lines,
        first_error: step.first_error.map(|line| line + 1),
    }
}

/// Every step of the plan: what is known of it, and the others as waiting.
fn all_steps(plan: &JobPlan, mut known: BTreeMap<usize, Step>) -> Vec<Step> {
    let steps = plan.steps.iter().enumerate().map(|(index, planned)| {
        let step = known.remove(&index).unwrap_or(Step {
            index,
            tool: String::new(),
            name: String::new(),
            state: State::Waiting,
            outcome: None,
            started_at: None,
            finished_at: None,
            exit_code: None,
            signal: None,
            message: None,
        });
        Step {
            tool: planned.tool.name().to_owned(),
            name: planned.name.clone(),
            ..step
        }
    });
    steps.collect()
}
