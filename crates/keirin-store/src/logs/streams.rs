//! Opening, finding, closing and removing logs.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use keirin_model::{AgentId, AttemptId, FlowId, JobId, LogStreamId, ProjectId, RunId};
use keirin_wire::log::StepLines;
use sqlx::types::Json;

use super::{LogFilter, LogRow, LogSource, OpenedLog};
use crate::{Result, Store, StoreError};

struct Raw {
    id: i64,
    kind: String,
    project: Option<i64>,
    flow: Option<i64>,
    run: Option<i64>,
    job: Option<i64>,
    attempt: Option<i64>,
    agent: Option<i64>,
    service: Option<String>,
    lines: i64,
    text_bytes: i64,
    cut: bool,
    steps: Json<Vec<StepLines>>,
    opened_at: jiff_sqlx::Timestamp,
    closed_at: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<Raw> for LogRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        Ok(Self {
            id: LogStreamId(raw.id),
            source: source(&raw)
                .ok_or_else(|| StoreError::Corrupt(format!("the labels of log {}", raw.id)))?,
            lines: raw.lines as u64,
            text_bytes: raw.text_bytes as u64,
            cut: raw.cut,
            steps: raw.steps.0,
            opened_at: raw.opened_at.to_jiff(),
            closed_at: raw.closed_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}

fn source(raw: &Raw) -> Option<LogSource> {
    Some(match raw.kind.as_str() {
        "attempt" => LogSource::Attempt {
            attempt: AttemptId(raw.attempt?),
            job: JobId(raw.job?),
            run: RunId(raw.run?),
            flow: FlowId(raw.flow?),
            project: ProjectId(raw.project?),
            agent: AgentId(raw.agent?),
        },
        "agent" => LogSource::Agent(AgentId(raw.agent?)),
        "service" => LogSource::Service(raw.service.clone()?),
        _ => return None,
    })
}

impl Store {
    /// Opens a log, or finds the open one of the same source. An attempt's log is found also when it is closed.
    ///
    /// # Errors
    /// The database fails.
    pub async fn open_log(&self, source: &LogSource, now: Timestamp) -> Result<OpenedLog> {
        // A log that is closed between the two statements is opened by the next round.
        for _ in 0..3 {
            if let Some(id) = self.insert_log(source, now).await? {
                return Ok(OpenedLog { id, new: true });
            }
            if let Some(id) = self.find_open_log(source).await? {
                return Ok(OpenedLog { id, new: false });
            }
        }
        Err(StoreError::Conflict(
            "A log is opened and closed by several at once.".to_owned(),
        ))
    }

    async fn insert_log(&self, source: &LogSource, now: Timestamp) -> Result<Option<LogStreamId>> {
        let mut labels = LogFilter::default();
        let kind = match source {
            LogSource::Attempt {
                attempt,
                job,
                run,
                flow,
                project,
                agent,
            } => {
                labels.attempt = Some(*attempt);
                labels.job = Some(*job);
                labels.run = Some(*run);
                labels.flow = Some(*flow);
                labels.project = Some(*project);
                labels.agent = Some(*agent);
                "attempt"
            }
            LogSource::Agent(agent) => {
                labels.agent = Some(*agent);
                "agent"
            }
            LogSource::Service(service) => {
                labels.service = Some(service.clone());
                "service"
            }
        };
        let inserted = sqlx::query_scalar!(
            "insert into log_streams (kind, project, flow, run, job, attempt, agent, service, opened_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning id",
            kind,
            labels.project.map(|id| id.0),
            labels.flow.map(|id| id.0),
            labels.run.map(|id| id.0),
            labels.job.map(|id| id.0),
            labels.attempt.map(|id| id.0),
            labels.agent.map(|id| id.0),
            labels.service,
            now.to_sqlx() as _,
        );
        Ok(inserted.fetch_optional(&self.pool).await?.map(LogStreamId))
    }

    async fn find_open_log(&self, source: &LogSource) -> Result<Option<LogStreamId>> {
        let found = match source {
            LogSource::Attempt { attempt, .. } => {
                sqlx::query_scalar!(
                    "select id from log_streams where kind = 'attempt' and attempt = $1",
                    attempt.0
                )
                .fetch_optional(&self.pool)
                .await?
            }
            LogSource::Agent(agent) => {
                sqlx::query_scalar!(
                    "select id from log_streams where kind = 'agent' and agent = $1 and closed_at is null",
                    agent.0
                )
                .fetch_optional(&self.pool)
                .await?
            }
            LogSource::Service(service) => sqlx::query_scalar!(
                "select id from log_streams where kind = 'service' and service = $1 and closed_at is null",
                service
            )
            .fetch_optional(&self.pool)
            .await?,
        };
        Ok(found.map(LogStreamId))
    }

    /// A log without its lines.
    ///
    /// # Errors
    /// The database fails.
    pub async fn log(&self, id: LogStreamId) -> Result<Option<LogRow>> {
        let found = sqlx::query_as!(
            Raw,
            r#"select id, kind, project, flow, run, job, attempt, agent, service, lines, text_bytes, cut,
                steps as "steps: Json<Vec<StepLines>>", opened_at as "opened_at: jiff_sqlx::Timestamp",
                closed_at as "closed_at: jiff_sqlx::Timestamp"
            from log_streams where id = $1"#,
            id.0,
        );
        found
            .fetch_optional(&self.pool)
            .await?
            .map(LogRow::try_from)
            .transpose()
    }

    /// At most `limit` logs that fit, in order of their ids, beginning after `after`.
    ///
    /// # Errors
    /// The database fails.
    pub async fn logs(&self, filter: &LogFilter, after: LogStreamId, limit: u32) -> Result<Vec<LogRow>> {
        let streams: Option<Vec<i64>> = filter
            .streams
            .as_ref()
            .map(|ids| ids.iter().map(|id| id.0).collect());
        let found = sqlx::query_as!(
            Raw,
            r#"select id, kind, project, flow, run, job, attempt, agent, service, lines, text_bytes, cut,
                steps as "steps: Json<Vec<StepLines>>", opened_at as "opened_at: jiff_sqlx::Timestamp",
                closed_at as "closed_at: jiff_sqlx::Timestamp"
            from log_streams
            where id > $1 and ($2::bigint[] is null or id = any($2)) and ($3::bigint is null or project = $3)
                and ($4::bigint is null or flow = $4) and ($5::bigint is null or run = $5)
                and ($6::bigint is null or job = $6)
                and ($7::bigint is null or (kind = 'attempt' and attempt = $7))
                and ($8::bigint is null or agent = $8) and ($9::text is null or service = $9)
            order by id limit $10"#,
            after.0,
            streams.as_deref(),
            filter.project.map(|id| id.0),
            filter.flow.map(|id| id.0),
            filter.run.map(|id| id.0),
            filter.job.map(|id| id.0),
            filter.attempt.map(|id| id.0),
            filter.agent.map(|id| id.0),
            filter.service.as_deref(),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        found.into_iter().map(LogRow::try_from).collect()
    }

    /// Logs that nobody has closed, of attempts that are over or gone. Whether one is over the database says: what this server
    /// holds in memory is not true any more once another one leads.
    ///
    /// # Errors
    /// The database fails.
    pub async fn open_logs_of_finished_attempts(&self) -> Result<Vec<LogStreamId>> {
        let found = sqlx::query_scalar!(
            "select stream.id from log_streams stream left join attempts on attempts.id = stream.attempt
            where stream.closed_at is null and stream.kind = 'attempt' and coalesce(attempts.state = 'finished', true)
            order by stream.id"
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(LogStreamId).collect())
    }

    /// Closes a log and says how many lines it has; `None` where there is none. Closing it again changes nothing. It
    /// waits for merging when it has two chunks below `small_bytes` of text.
    ///
    /// # Errors
    /// The database fails.
    pub async fn close_log(&self, id: LogStreamId, now: Timestamp, small_bytes: u32) -> Result<Option<u64>> {
        let closed = sqlx::query_scalar!(
            "update log_streams set closed_at = $2, unsealed = exists (
                select from log_chunks where stream = $1 and text_bytes < $3 offset 1)
            where id = $1 and closed_at is null returning lines",
            id.0,
            now.to_sqlx() as _,
            i64::from(small_bytes) as _,
        )
        .fetch_optional(&self.pool)
        .await?;
        if let Some(lines) = closed {
            return Ok(Some(lines as u64));
        }
        let lines = sqlx::query_scalar!("select lines from log_streams where id = $1", id.0);
        Ok(lines.fetch_optional(&self.pool).await?.map(|lines| lines as u64))
    }
}
