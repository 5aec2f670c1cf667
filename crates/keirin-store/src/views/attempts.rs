//! Where attempts belong, with the names that people know.

use keirin_model::{AgentId, AttemptId, FlowId, JobId, ProjectId, RunId, Timestamp};

use crate::row::timestamp;
use crate::{Result, Store};

/// An attempt and all that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// Its id.
    pub id: AttemptId,
    /// Counts up within its job, from 1.
    pub number: u32,
    /// Who runs it.
    pub agent: AgentId,
    /// Its job.
    pub job: JobId,
    /// The job's name.
    pub job_name: String,
    /// Its run.
    pub run: RunId,
    /// The stage's name.
    pub stage: String,
    /// Its flow.
    pub flow: FlowId,
    /// The flow's number.
    pub flow_number: i64,
    /// Its project.
    pub project: ProjectId,
    /// The project's name.
    pub project_name: String,
    /// When its log was removed because it had been kept long enough.
    pub log_removed_at: Option<Timestamp>,
}

struct Columns {
    id: i64,
    number: i32,
    agent: i64,
    job: i64,
    job_name: String,
    run: i64,
    stage: String,
    flow: i64,
    flow_number: i64,
    project: i64,
    project_name: String,
    log_removed_at: Option<jiff_sqlx::Timestamp>,
}

impl From<Columns> for AttemptRow {
    fn from(columns: Columns) -> Self {
        Self {
            id: AttemptId(columns.id),
            number: columns.number as u32,
            agent: AgentId(columns.agent),
            job: JobId(columns.job),
            job_name: columns.job_name,
            run: RunId(columns.run),
            stage: columns.stage,
            flow: FlowId(columns.flow),
            flow_number: columns.flow_number,
            project: ProjectId(columns.project),
            project_name: columns.project_name,
            log_removed_at: timestamp(columns.log_removed_at),
        }
    }
}

impl Store {
    /// The attempt of this number at a job; the newest where none is given.
    ///
    /// # Errors
    /// As every call.
    pub async fn attempt_of_job(&self, job: JobId, number: Option<u32>) -> Result<Option<AttemptRow>> {
        let id = sqlx::query_scalar!(
            "select id from attempts where job = $1 and ($2::integer is null or number = $2)
            order by number desc limit 1",
            job.0,
            number.map(|number| i32::try_from(number).unwrap_or(i32::MAX)),
        )
        .fetch_optional(&self.pool)
        .await?;
        match id {
            Some(id) => Ok(self.attempt_rows(&[AttemptId(id)]).await?.pop()),
            None => Ok(None),
        }
    }

    /// These attempts, as far as they are there.
    ///
    /// # Errors
    /// As every call.
    pub async fn attempt_rows(&self, attempts: &[AttemptId]) -> Result<Vec<AttemptRow>> {
        let ids: Vec<i64> = attempts.iter().map(|attempt| attempt.0).collect();
        let rows = sqlx::query_as!(
            Columns,
            r#"select attempts.id, attempts.number, attempts.agent, attempts.job,
                flows.plan #>> array['stages', runs.stage::text, 'jobs', jobs.index::text, 'name'] as "job_name!",
                jobs.run, flows.plan #>> array['stages', runs.stage::text, 'name'] as "stage!",
                attempts.flow, flows.number as flow_number, flows.project, projects.name as project_name,
                case when attempts.finished_at <= flows.logs_removed_at then flows.logs_removed_at end
                    as "log_removed_at: jiff_sqlx::Timestamp"
            from attempts
            join jobs on jobs.id = attempts.job
            join runs on runs.id = jobs.run
            join flows on flows.id = attempts.flow
            join projects on projects.id = flows.project
            where attempts.id = any($1)"#,
            &ids,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(AttemptRow::from).collect())
    }
}
