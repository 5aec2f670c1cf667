//! Triggers that fire by time.

use jiff_sqlx::ToSqlx;
use keirin_model::trigger::{Schedule, TimedTrigger};
use keirin_model::{BranchId, ProjectId, ScheduleId, Timestamp};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::row::{json, timestamp};
use crate::{Result, Store, StoreError};

/// A schedule with what people want to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleState {
    /// The schedule.
    pub schedule: Schedule,
    /// The name of its branch.
    pub branch: String,
    /// Why its last due time started nothing, where that went wrong.
    pub last_error: Option<String>,
}

impl Store {
    /// Every schedule.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn schedules(&self) -> Result<Vec<Schedule>> {
        let mut connection = self.pool.acquire().await?;
        let schedules = all(&mut connection).await?;
        connection.release();
        Ok(schedules)
    }

    /// The schedules of a project.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn schedules_of(&self, project: ProjectId) -> Result<Vec<Schedule>> {
        let rows = sqlx::query_as!(
            Row,
            r#"select id, project, branch, workflow, trigger as "trigger: Json<TimedTrigger>",
                  since as "since: jiff_sqlx::Timestamp", last_due as "last_due: jiff_sqlx::Timestamp"
               from schedules where project = $1 order by id"#,
            project.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Schedule::from).collect())
    }

    /// One schedule; `None` where it is not there any more.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn schedule(&self, id: ScheduleId) -> Result<Option<Schedule>> {
        let row = sqlx::query_as!(
            Row,
            r#"select id, project, branch, workflow, trigger as "trigger: Json<TimedTrigger>",
                  since as "since: jiff_sqlx::Timestamp", last_due as "last_due: jiff_sqlx::Timestamp"
               from schedules where id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(Schedule::from))
    }

    /// Makes these the timed triggers of a workflow on a branch. One that is there already goes on as if nothing had
    /// happened; a new one misses nothing before now. Gives all of them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the branch is not there.
    pub async fn replace_schedules(
        &self,
        branch: BranchId,
        workflow: &str,
        triggers: &[TimedTrigger],
        now: Timestamp,
    ) -> Result<Vec<Schedule>> {
        let triggers = triggers.iter().map(json).collect::<Result<Vec<_>>>()?;
        let mut transaction = self.begin().await?;
        // Locked, so that two calls for one branch follow one another.
        let project = sqlx::query_scalar!(
            "select project from branches where id = $1 for no key update",
            branch.0
        )
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or_else(|| StoreError::not_found("branch", branch))?;
        sqlx::query!(
            "delete from schedules where branch = $1 and workflow = $2 and trigger <> all ($3::jsonb[])",
            branch.0,
            workflow,
            &triggers as _,
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "insert into schedules (project, branch, workflow, trigger, since)
             select $1, $2, $3, trigger, $5 from unnest($4::jsonb[]) as u (trigger)
             on conflict (branch, workflow, trigger) do nothing",
            project,
            branch.0,
            workflow,
            &triggers as _,
            now.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        let rows = sqlx::query_as!(
            Row,
            r#"select id, project, branch, workflow, trigger as "trigger: Json<TimedTrigger>",
                      since as "since: jiff_sqlx::Timestamp", last_due as "last_due: jiff_sqlx::Timestamp"
               from schedules where branch = $1 and workflow = $2 order by id"#,
            branch.0,
            workflow,
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(rows.into_iter().map(Schedule::from).collect())
    }

    /// Takes down why a schedule's last due time started nothing, or that it did.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn set_schedule_error(&self, id: ScheduleId, error: Option<&str>) -> Result<()> {
        sqlx::query!("update schedules set last_error = $2 where id = $1", id.0, error)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The schedules of a project with how they stand, by branch and workflow.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn schedule_states(&self, project: ProjectId) -> Result<Vec<ScheduleState>> {
        let rows = sqlx::query!(
            r#"select s.id, s.project, s.branch, s.workflow, s.trigger as "trigger: Json<TimedTrigger>",
                 s.since as "since: jiff_sqlx::Timestamp", s.last_due as "last_due: jiff_sqlx::Timestamp",
                 b.name as branch_name, s.last_error
               from schedules s join branches b on b.id = s.branch
               where s.project = $1 order by b.name, s.workflow, s.id"#,
            project.0
        )
        .fetch_all(&self.pool)
        .await?;
        let states = rows.into_iter().map(|row| ScheduleState {
            branch: row.branch_name,
            last_error: row.last_error,
            schedule: Schedule::from(Row {
                id: row.id,
                project: row.project,
                branch: row.branch,
                workflow: row.workflow,
                trigger: row.trigger,
                since: row.since,
                last_due: row.last_due,
            }),
        });
        Ok(states.collect())
    }
}

pub(crate) async fn all(connection: &mut PgConnection) -> Result<Vec<Schedule>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, project, branch, workflow, trigger as "trigger: Json<TimedTrigger>",
                  since as "since: jiff_sqlx::Timestamp", last_due as "last_due: jiff_sqlx::Timestamp"
           from schedules order by id"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Schedule::from).collect())
}

struct Row {
    id: i64,
    project: i64,
    branch: i64,
    workflow: String,
    trigger: Json<TimedTrigger>,
    since: jiff_sqlx::Timestamp,
    last_due: Option<jiff_sqlx::Timestamp>,
}

impl From<Row> for Schedule {
    fn from(row: Row) -> Self {
        Self {
            id: ScheduleId(row.id),
            project: ProjectId(row.project),
            branch: BranchId(row.branch),
            workflow: row.workflow,
            trigger: row.trigger.0,
            since: row.since.to_jiff(),
            last_due: timestamp(row.last_due),
        }
    }
}
