//! What the server does by itself and must not lose: asked for by whatever causes it, begun by the leader alone.

use jiff_sqlx::ToSqlx;
use keirin_model::background::BackgroundJobState;
use keirin_model::{BackgroundJobId, ProjectId, Timestamp};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::postgres::PgQueryResult;

use crate::engine::Epoch;
use crate::row::{json, parse_enum, sanitize_nul, saturating_cast, timestamp, to_sql, unsigned};
use crate::{Result, Store, StoreError};

/// A background job to be done.
#[derive(Debug, Clone, Copy)]
pub struct NewBackgroundJob<'a> {
    /// Which work it is.
    pub kind: &'a str,
    /// What it is for: of one kind there is one job for each key.
    pub key: &'a str,
    /// The project that it is for, and goes with.
    pub project: Option<ProjectId>,
    /// What else the work has to know.
    pub payload: &'a Value,
    /// The higher is begun first.
    pub priority: i16,
    /// When it may begin; at once where that is not said.
    pub run_at: Option<Timestamp>,
}

impl<'a> NewBackgroundJob<'a> {
    /// One that may begin at once and has to know no more than what it is for.
    pub const fn new(kind: &'a str, key: &'a str) -> Self {
        static NOTHING: Value = Value::Null;
        Self {
            kind,
            key,
            project: None,
            payload: &NOTHING,
            priority: 0,
            run_at: None,
        }
    }
}

/// A background job that has begun.
#[derive(Debug, Clone, PartialEq)]
pub struct BegunJob {
    /// Its id.
    pub id: BackgroundJobId,
    /// Which work it is.
    pub kind: String,
    /// What it is for.
    pub key: String,
    /// The project that it is for.
    pub project: Option<ProjectId>,
    /// What else the work has to know.
    pub payload: Value,
    /// How often it has been begun since it last went well, this time included.
    pub attempts: u32,
    /// When it was to begin.
    pub run_at: Timestamp,
}

/// How a background job that was begun goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackgroundJobEnd<'a> {
    /// It went well, and there is no more to do.
    Done,
    /// It went well, and is to be done again then.
    Again(Timestamp),
    /// It failed, and is tried again then.
    Failed(&'a str, Timestamp),
    /// It failed, and is not tried again by itself.
    Dead(&'a str),
}

/// A background job as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackgroundJob {
    /// Its id.
    pub id: BackgroundJobId,
    /// Which work it is.
    pub kind: String,
    /// What it is for.
    pub key: String,
    /// The name of the project that it is for.
    pub project: Option<String>,
    /// How it stands.
    pub state: BackgroundJobState,
    /// How often it has been begun since it last went well.
    pub attempts: u32,
    /// When it is or was to begin.
    pub run_at: Timestamp,
    /// When it was last begun.
    pub started_at: Option<Timestamp>,
    /// When it last ended; before [`BackgroundJob::started_at`] while it runs.
    pub ended_at: Option<Timestamp>,
    /// Why it last failed, since it last went well.
    pub error: Option<String>,
    /// How far it has come, in words, where it says so.
    pub progress: Option<String>,
}

/// Which background jobs are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct BackgroundJobFilter<'a> {
    /// Of this kind alone.
    pub kind: Option<&'a str>,
    /// In this state alone.
    pub state: Option<BackgroundJobState>,
    /// After this one.
    pub after: Option<BackgroundJobId>,
    /// So many at most.
    pub limit: i64,
}

/// How many background jobs of one kind are in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackgroundJobCount {
    /// The kind.
    pub kind: String,
    /// The state.
    pub state: BackgroundJobState,
    /// How many.
    pub count: u64,
}

impl BackgroundJobCount {
    /// How many of these are of a kind and in a state.
    pub fn of(counts: &[Self], kind: &str, state: BackgroundJobState) -> u64 {
        let mut found = counts
            .iter()
            .filter(|count| count.kind == kind && count.state == state);
        found.next().map_or(0, |count| count.count)
    }
}

impl Store {
    /// Asks for a background job. One of the same kind and key that waits is the same job; one that runs is run once more.
    ///
    /// # Errors
    /// The database cannot be reached, or the project is not there.
    pub async fn enqueue_background_job(&self, job: NewBackgroundJob<'_>) -> Result<()> {
        let mut connection = self.pool.acquire().await?;
        enqueue(&mut connection, job).await?;
        connection.release();
        self.wake_background_jobs();
        Ok(())
    }

    /// Makes sure that there is a background job that recurs; one that is there is left as it is: it may have been put off.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn ensure_background_job(&self, kind: &str, run_at: Timestamp) -> Result<()> {
        sqlx::query!(
            "insert into background_jobs (kind, key, run_at, created_at) values ($1, '', $2, clock_timestamp())
             on conflict (kind, key) do nothing",
            kind,
            to_sql(run_at) as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Says that there may be background jobs to begin.
    pub fn wake_background_jobs(&self) {
        self.background_news.notify_one();
    }

    /// Waits until it is said that there may be background jobs to begin.
    pub async fn background_jobs_wanted(&self) {
        self.background_news.notified().await;
    }

    /// Begins background jobs that are due, as the leader of this epoch: at most so many of each of these kinds.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another leads, and that the database cannot be reached.
    pub async fn begin_background_jobs(
        &self,
        epoch: Epoch,
        free: &[(&str, usize)],
        now: Timestamp,
    ) -> Result<Vec<BegunJob>> {
        let kinds: Vec<String> = free.iter().map(|(kind, _)| (*kind).to_owned()).collect();
        let numbers: Vec<i64> = free.iter().map(|(_, free)| *free as i64).collect();
        let mut transaction = self.begin().await?;
        hold_lead(&mut transaction, epoch).await?;
        let rows = sqlx::query!(
            r#"with due as (
                 select found.id
                 from unnest($1::text[], $2::bigint[]) as free (kind, number)
                 cross join lateral (
                   select id from background_jobs
                   where kind = free.kind and state = 'waiting' and run_at <= $3
                   order by priority desc, run_at, id limit free.number
                   for update
                 ) found
               )
               update background_jobs job
               set state = 'running', epoch = $4, attempts = job.attempts + 1, asked_when_begun = job.asked,
                   started_at = $3
               from due where job.id = due.id
               returning job.id, job.kind, job.key, job.project, job.payload, job.attempts,
                 job.run_at as "run_at: jiff_sqlx::Timestamp""#,
            &kinds,
            &numbers,
            now.to_sqlx() as _,
            epoch.0,
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let begun = rows.into_iter().map(|row| {
            Ok(BegunJob {
                id: BackgroundJobId(row.id),
                kind: row.kind,
                key: row.key,
                project: row.project.map(ProjectId),
                payload: row.payload,
                attempts: unsigned(row.attempts)?,
                run_at: row.run_at.to_jiff(),
            })
        });
        begun.collect()
    }

    /// When the next background job of these kinds is due.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn next_background_job(&self, kinds: &[&str]) -> Result<Option<Timestamp>> {
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let next = sqlx::query_scalar!(
            r#"select min(run_at) as "next: jiff_sqlx::Timestamp" from background_jobs
               where state = 'waiting' and kind = any ($1)"#,
            &kinds,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(timestamp(next))
    }

    /// Takes down how a background job ended that this leader had begun, and what becomes of it. What was asked for once
    /// more meanwhile is due when it was asked for. Says nothing of one that was cancelled, or that another leads by now.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn end_background_job(
        &self,
        epoch: Epoch,
        job: &BegunJob,
        end: BackgroundJobEnd<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let (error, next) = match end {
            BackgroundJobEnd::Done => (None, None),
            BackgroundJobEnd::Again(at) => (None, Some(at)),
            BackgroundJobEnd::Failed(error, at) => (Some(error), Some(at)),
            BackgroundJobEnd::Dead(error) => (Some(error), None),
        };
        let next = next.map(to_sql);
        let error = error.map(sanitize_nul);
        if end == BackgroundJobEnd::Done {
            let deleted = sqlx::query!(
                "delete from background_jobs
                 where id = $1 and epoch = $2 and state = 'running' and asked = asked_when_begun",
                job.id.0,
                epoch.0,
            )
            .execute(&self.pool)
            .await?;
            if deleted.rows_affected() == 1 {
                return Ok(());
            }
        }
        sqlx::query!(
            "update background_jobs
             set state = case when asked = asked_when_begun and $3::timestamptz is null then 'dead' else 'waiting' end,
                 run_at = case when asked = asked_when_begun then coalesce($3, run_at) else run_at end,
                 attempts = case when $4::text is null then 0 else attempts end,
                 error = $4, epoch = null, ended_at = $5,
                 progress = case when $4::text is null then null else progress end
             where id = $1 and epoch = $2 and state = 'running'",
            job.id.0,
            epoch.0,
            next as _,
            error.as_deref(),
            to_sql(now) as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Says how far a background job has come that this leader has begun, in a few words.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn set_background_job_progress(&self, job: &BegunJob, progress: &str) -> Result<()> {
        sqlx::query!(
            "update background_jobs set progress = $2 where id = $1 and state = 'running' and attempts = $3",
            job.id.0,
            progress,
            saturating_cast::<i32, _>(job.attempts),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Gives back what this leader has begun and will not end, as if it had not been begun.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn give_back_background_jobs(&self, epoch: Epoch) -> Result<u64> {
        let updated = sqlx::query!(
            "update background_jobs set state = 'waiting', epoch = null, attempts = greatest(attempts - 1, 0)
             where state = 'running' and epoch = $1",
            epoch.0,
        )
        .execute(&self.pool)
        .await?;
        Ok(updated.rows_affected())
    }

    /// Takes up what nobody runs: what earlier leaders have begun and not ended, and what this one has begun without hearing of
    /// it, because the answer was lost; `running` are those that it runs. How often it was begun stands, so that what brings a server
    /// down does not do so for ever.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another leads, and that the database cannot be reached.
    pub async fn take_up_background_jobs(
        &self,
        epoch: Epoch,
        running: &[BackgroundJobId],
        now: Timestamp,
    ) -> Result<u64> {
        let running: Vec<_> = running.iter().map(|id| id.0).collect();
        let mut transaction = self.begin().await?;
        hold_lead(&mut transaction, epoch).await?;
        let updated = sqlx::query!(
            "update background_jobs
             set state = 'waiting', epoch = null, ended_at = $2, error = 'Nobody runs it any more: the server ended, or lost its connection to the database.'
             where state = 'running' and (epoch is distinct from $1 or id <> all ($3))",
            epoch.0,
            to_sql(now) as _,
            &running,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(updated.rows_affected())
    }

    /// Background jobs in the order in which they were first asked for.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn background_jobs(&self, filter: BackgroundJobFilter<'_>) -> Result<Vec<BackgroundJob>> {
        let rows = sqlx::query_as!(
            Row,
            r#"select job.id, job.kind, job.key, project.name as "project?", job.state, job.attempts,
                 job.run_at as "run_at: jiff_sqlx::Timestamp", job.started_at as "started_at: jiff_sqlx::Timestamp",
                 job.ended_at as "ended_at: jiff_sqlx::Timestamp", job.error, job.progress
               from background_jobs job left join projects project on project.id = job.project
               where ($1::text is null or job.kind = $1) and ($2::text is null or job.state = $2)
                 and job.id > $3
               order by job.id limit $4"#,
            filter.kind,
            filter.state.map(<&str>::from),
            filter.after.map_or(0, |after| after.0),
            filter.limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(BackgroundJob::try_from).collect()
    }

    /// One background job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is over or never was.
    pub async fn background_job(&self, id: BackgroundJobId) -> Result<BackgroundJob> {
        let row = sqlx::query_as!(
            Row,
            r#"select job.id, job.kind, job.key, project.name as "project?", job.state, job.attempts,
                 job.run_at as "run_at: jiff_sqlx::Timestamp", job.started_at as "started_at: jiff_sqlx::Timestamp",
                 job.ended_at as "ended_at: jiff_sqlx::Timestamp", job.error, job.progress
               from background_jobs job left join projects project on project.id = job.project
               where job.id = $1"#,
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?;
        row.ok_or_else(|| StoreError::not_found("background job", id))?
            .try_into()
    }

    /// How many background jobs there are.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn count_background_jobs(&self) -> Result<Vec<BackgroundJobCount>> {
        let rows = sqlx::query!(
            r#"select kind, state, count(*) as "count!"
               from background_jobs group by kind, state order by kind, state"#
        )
        .fetch_all(&self.pool)
        .await?;
        let counts = rows.into_iter().map(|row| {
            Ok(BackgroundJobCount {
                state: parse_enum(&row.state)?,
                kind: row.kind,
                count: unsigned(row.count)?,
            })
        });
        counts.collect()
    }

    /// Has a background job begin now: one that waits for its time, or that had failed too often.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is over or never was.
    pub async fn run_background_job_now(&self, id: BackgroundJobId, now: Timestamp) -> Result<()> {
        let updated = sqlx::query!(
            "update background_jobs
             set run_at = $2, asked = asked + 1,
                 attempts = case state when 'dead' then 0 else attempts end,
                 state = case state when 'dead' then 'waiting' else state end
             where id = $1",
            id.0,
            to_sql(now) as _,
        )
        .execute(&self.pool)
        .await?;
        found(id, &updated)?;
        self.wake_background_jobs();
        Ok(())
    }

    /// Leaves a background job out until then, whether it runs or not.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is over or never was.
    pub async fn leave_out_background_job(&self, id: BackgroundJobId, next: Timestamp) -> Result<()> {
        let updated = sqlx::query!(
            "update background_jobs
             set state = 'waiting', run_at = $2, attempts = 0, epoch = null, error = null
             where id = $1",
            id.0,
            to_sql(next) as _,
        )
        .execute(&self.pool)
        .await?;
        found(id, &updated)
    }

    /// Removes a background job, whether it runs or not.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is over or never was.
    pub async fn delete_background_job(&self, id: BackgroundJobId) -> Result<()> {
        let deleted = sqlx::query!("delete from background_jobs where id = $1", id.0)
            .execute(&self.pool)
            .await?;
        found(id, &deleted)
    }
}

/// Asks for a background job in the transaction of what causes it; whoever commits that wakes the runner.
pub(crate) async fn enqueue(connection: &mut PgConnection, job: NewBackgroundJob<'_>) -> Result<()> {
    sqlx::query!(
        "insert into background_jobs as job (kind, key, project, payload, priority, run_at, created_at)
         values ($1, $2, $3, $4, $5, coalesce($6, clock_timestamp()), clock_timestamp())
         on conflict (kind, key) do update set
           project = excluded.project,
           payload = excluded.payload,
           priority = greatest(job.priority, excluded.priority),
           run_at = case job.state when 'waiting' then least(job.run_at, excluded.run_at) else excluded.run_at end,
           attempts = case job.state when 'dead' then 0 else job.attempts end,
           state = case job.state when 'dead' then 'waiting' else job.state end,
           asked = job.asked + 1",
        job.kind,
        job.key,
        job.project.map(|project| project.0),
        json(job.payload)? as _,
        job.priority,
        job.run_at.map(to_sql) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Says whether a statement has found the job that it is about.
fn found(id: BackgroundJobId, done: &PgQueryResult) -> Result<()> {
    match done.rows_affected() {
        0 => Err(StoreError::not_found("background job", id)),
        _ => Ok(()),
    }
}

/// Keeps every change of leader out until the transaction is over.
async fn hold_lead(connection: &mut PgConnection, epoch: Epoch) -> Result<()> {
    let leads = sqlx::query_scalar!(
        "select true as yes from leader where epoch = $1 and holder is not null for share",
        epoch.0
    )
    .fetch_optional(connection)
    .await?;
    match leads {
        Some(_) => Ok(()),
        None => Err(StoreError::Conflict("Another server leads.".to_owned())),
    }
}

struct Row {
    id: i64,
    kind: String,
    key: String,
    project: Option<String>,
    state: String,
    attempts: i32,
    run_at: jiff_sqlx::Timestamp,
    started_at: Option<jiff_sqlx::Timestamp>,
    ended_at: Option<jiff_sqlx::Timestamp>,
    error: Option<String>,
    progress: Option<String>,
}

impl TryFrom<Row> for BackgroundJob {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: BackgroundJobId(row.id),
            state: parse_enum(&row.state)?,
            kind: row.kind,
            key: row.key,
            project: row.project,
            attempts: unsigned(row.attempts)?,
            run_at: row.run_at.to_jiff(),
            started_at: timestamp(row.started_at),
            ended_at: timestamp(row.ended_at),
            error: row.error,
            progress: row.progress,
        })
    }
}
