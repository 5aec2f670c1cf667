//! Facts of work. The commits of the engine write them.

use std::collections::HashMap;

use jiff::Timestamp;
use keirin_model::facts::work::{
    AttemptFact, DeploymentFact, FlowFact, JobFact, RunFact, TestTally, WorkPlace,
};
use keirin_model::{AttemptId, FlowId, JobId, ProjectId, RunId};

use super::{FactBatch, Read};
use crate::row::{parse_enum, timestamp, unsigned};
use crate::{Position, Result, Store};

impl Store {
    /// Finished flows after a position, at most this many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn flow_facts_after(&self, position: Position, limit: u32) -> Result<FactBatch<FlowFact>> {
        let rows = sqlx::query!(
            r#"select t.xid::text::bigint as "transaction!", t.number, p.name as project, t.flow, t.branch, t.kind,
                 t.workflow, t.outcome, t.created_at as "created_at: jiff_sqlx::Timestamp",
                 t.finished_at as "finished_at: jiff_sqlx::Timestamp",
                 t.xid < pg_snapshot_xmin(pg_current_snapshot()) as "settled!"
               from flow_facts t join projects p on p.id = t.project
               where (t.xid, t.number) > ($1::text::xid8, $2::bigint)
               order by t.xid, t.number limit $3"#,
            position.transaction.to_string(),
            position.number,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        facts(rows.into_iter().map(|row| {
            let fact = FlowFact {
                place: place(row.project, row.branch, &row.kind, row.flow)?,
                workflow: row.workflow,
                outcome: parse_enum(&row.outcome)?,
                created_at: row.created_at.to_jiff(),
                finished_at: row.finished_at.to_jiff(),
            };
            Ok(Read::new(row.transaction, row.number, row.settled, fact))
        }))
    }

    /// Finished runs after a position, at most this many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn run_facts_after(&self, position: Position, limit: u32) -> Result<FactBatch<RunFact>> {
        let rows = sqlx::query!(
            r#"select t.xid::text::bigint as "transaction!", t.number, p.name as project, t.flow, t.run, t.branch,
                 t.kind, t.stage, t.environment, t.outcome, t.started_at as "started_at: jiff_sqlx::Timestamp",
                 t.finished_at as "finished_at: jiff_sqlx::Timestamp",
                 t.xid < pg_snapshot_xmin(pg_current_snapshot()) as "settled!"
               from run_facts t join projects p on p.id = t.project
               where (t.xid, t.number) > ($1::text::xid8, $2::bigint)
               order by t.xid, t.number limit $3"#,
            position.transaction.to_string(),
            position.number,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        facts(rows.into_iter().map(|row| {
            let fact = RunFact {
                place: place(row.project, row.branch, &row.kind, row.flow)?,
                run: RunId(row.run),
                stage: row.stage,
                environment: row.environment,
                outcome: parse_enum(&row.outcome)?,
                started_at: timestamp(row.started_at),
                finished_at: row.finished_at.to_jiff(),
            };
            Ok(Read::new(row.transaction, row.number, row.settled, fact))
        }))
    }

    /// Finished jobs after a position, at most this many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn job_facts_after(&self, position: Position, limit: u32) -> Result<FactBatch<JobFact>> {
        let rows = sqlx::query!(
            r#"select t.xid::text::bigint as "transaction!", t.number, p.name as project, t.flow, t.job, t.branch,
                 t.kind, t.stage, t.name, t.outcome, t.attempts, t.queued_at as "queued_at: jiff_sqlx::Timestamp",
                 t.started_at as "started_at: jiff_sqlx::Timestamp",
                 t.finished_at as "finished_at: jiff_sqlx::Timestamp",
                 t.xid < pg_snapshot_xmin(pg_current_snapshot()) as "settled!"
               from job_facts t join projects p on p.id = t.project
               where (t.xid, t.number) > ($1::text::xid8, $2::bigint)
               order by t.xid, t.number limit $3"#,
            position.transaction.to_string(),
            position.number,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        facts(rows.into_iter().map(|row| {
            let fact = JobFact {
                place: place(row.project, row.branch, &row.kind, row.flow)?,
                job: JobId(row.job),
                stage: row.stage,
                name: row.name,
                outcome: parse_enum(&row.outcome)?,
                attempts: unsigned(row.attempts)?,
                queued_at: timestamp(row.queued_at),
                started_at: timestamp(row.started_at),
                finished_at: row.finished_at.to_jiff(),
            };
            Ok(Read::new(row.transaction, row.number, row.settled, fact))
        }))
    }

    /// Finished attempts after a position, at most this many, each with what its tests said.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn attempt_facts_after(
        &self,
        position: Position,
        limit: u32,
    ) -> Result<FactBatch<AttemptFact>> {
        let rows = sqlx::query!(
            r#"select t.xid::text::bigint as "transaction!", t.number, p.name as project, t.flow, t.job, t.attempt,
                 t.branch, t.kind, t.stage, t.name, t.outcome, t.finished_at as "finished_at: jiff_sqlx::Timestamp",
                 t.tests_passed, t.tests_failed, t.tests_error, t.tests_skipped,
                 t.xid < pg_snapshot_xmin(pg_current_snapshot()) as "settled!"
               from attempt_facts t join projects p on p.id = t.project
               where (t.xid, t.number) > ($1::text::xid8, $2::bigint)
               order by t.xid, t.number limit $3"#,
            position.transaction.to_string(),
            position.number,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        facts(rows.into_iter().map(|row| {
            let fact = AttemptFact {
                place: place(row.project, row.branch, &row.kind, row.flow)?,
                job: JobId(row.job),
                attempt: AttemptId(row.attempt),
                stage: row.stage,
                name: row.name,
                outcome: parse_enum(&row.outcome)?,
                finished_at: row.finished_at.to_jiff(),
                tests: TestTally {
                    passed: unsigned(row.tests_passed)?,
                    failed: unsigned(row.tests_failed)?,
                    error: unsigned(row.tests_error)?,
                    skipped: unsigned(row.tests_skipped)?,
                },
            };
            Ok(Read::new(row.transaction, row.number, row.settled, fact))
        }))
    }

    /// The projects that projects and repositories of these names are or belong to.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn owners(&self, names: &[&str]) -> Result<HashMap<String, ProjectId>> {
        let rows = sqlx::query!(
            r#"select name as "name!", id as "id!" from projects where name = any($1)
               union
               select r.name, r.project from repositories r where r.name = any($1) and r.project is not null"#,
            names as _,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.name, ProjectId(row.id)))
            .collect())
    }

    /// The projects that have deployed commits which stand after the first position and not after the second, each with when
    /// the first of these deployments finished.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn deployments_of_commits(
        &self,
        after: Position,
        until: Position,
    ) -> Result<Vec<(String, Timestamp)>> {
        let rows = sqlx::query!(
            r#"select p.name, min(t.finished_at) as "first_at!: jiff_sqlx::Timestamp"
               from commit_facts c join repositories r on r.id = c.repository join projects p on p.id = r.project
               join run_facts t on t.project = p.id and t.environment is not null and t.commit = encode(c.id, 'hex')
               where (c.xid, c.number) > ($1::text::xid8, $2::bigint) and (c.xid, c.number) <= ($3::text::xid8, $4::bigint)
               group by p.name"#,
            after.transaction.to_string(),
            after.number,
            until.transaction.to_string(),
            until.number,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.name, row.first_at.to_jiff()))
            .collect())
    }

    /// The projects that have deployed something.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn projects_with_deployments(&self) -> Result<Vec<String>> {
        let names = sqlx::query_scalar!(
            "select name from projects p
             where exists (select 1 from run_facts t where t.project = p.id and t.environment is not null)"
        );
        Ok(names.fetch_all(&self.pool).await?)
    }

    /// All deployments of a project, in no order.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn deployments(&self, project: &str) -> Result<Vec<DeploymentFact>> {
        let rows = sqlx::query!(
            r#"select t.environment as "environment!", t.outcome, t.finished_at as "finished_at: jiff_sqlx::Timestamp",
                 c.committed_at as "committed_at?: jiff_sqlx::Timestamp"
               from run_facts t
               join projects p on p.id = t.project
               left join repositories r on r.project = p.id
               left join commit_facts c on c.repository = r.id
                 and c.id = case when t.commit ~ '^([0-9a-f]{2})+$' then decode(t.commit, 'hex') end
               where p.name = $1 and t.environment is not null"#,
            project,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(DeploymentFact {
                    project: project.to_owned(),
                    environment: row.environment,
                    outcome: parse_enum(&row.outcome)?,
                    finished_at: row.finished_at.to_jiff(),
                    committed_at: timestamp(row.committed_at),
                })
            })
            .collect()
    }
}

fn place(project: String, branch: String, kind: &str, flow: i64) -> Result<WorkPlace> {
    Ok(WorkPlace {
        project,
        branch,
        kind: parse_enum(kind)?,
        flow: FlowId(flow),
    })
}

fn facts<Fact>(rows: impl Iterator<Item = Result<Read<Fact>>>) -> Result<FactBatch<Fact>> {
    Ok(FactBatch::settled(rows.collect::<Result<_>>()?))
}
