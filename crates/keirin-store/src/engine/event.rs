//! Events: what the engine's commits have changed, for whoever shows it or sends it on; read in the order of their
//! [positions](Position).

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use keirin_model::{FlowId, ProjectId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::engine::commit::{CommitError, reached};
use crate::engine::fold::Folded;
use crate::position::Position;
use crate::{Result, Store};

/// How many items an event has at most; a commit that changed more names only the flows.
const ITEMS: usize = 1000;

/// What happened in one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where it stands.
    pub position: Position,
    /// When, by the database's clock.
    pub at: Timestamp,
    /// What was added or changed.
    pub items: Vec<EventItem>,
}

/// A thing that was added or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventItem {
    /// What it is.
    pub kind: EventKind,
    /// Its id.
    pub id: String,
    /// The flow that it belongs to.
    pub flow: FlowId,
    /// The project that it belongs to.
    pub project: ProjectId,
}

/// What was added or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The flow itself.
    Flow,
    /// One of its runs.
    Run,
    /// One of its jobs.
    Job,
    /// One of its attempts, or a step of it.
    Attempt,
    /// More of its parts than are worth naming.
    All,
}

/// The answer to a reader of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventBatch {
    /// What came after its position.
    After {
        /// In order.
        events: Vec<Event>,
        /// Whether there is more that cannot be read yet because an older transaction still runs: look again in a
        /// moment, for nobody wakes you for it.
        unsettled: bool,
    },
    /// The position is not in the stream: what came after it is dropped, or the database was restored. Read everything
    /// anew, from [`Store::newest_position`] on.
    Gone,
}

impl Store {
    /// The events after this position, in order, at most this many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn events_after(&self, position: Position, limit: u32) -> Result<EventBatch> {
        let rows = sqlx::query!(
            r#"select xid::text::bigint as "transaction!", number, at as "at: jiff_sqlx::Timestamp",
                      items as "items: Json<Vec<EventItem>>",
                      xid < pg_snapshot_xmin(pg_current_snapshot()) as "settled!"
               from events
               where (xid, number) > ($1::text::xid8, $2::bigint)
               order by xid, number
               limit $3"#,
            position.transaction.to_string(),
            position.number,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        // Looked for after the events were read, because what is dropped is dropped from the oldest on.
        if position != Position::START && !self.holds(position).await? {
            return Ok(EventBatch::Gone);
        }
        let unsettled = rows.iter().any(|row| !row.settled);
        let events = rows
            .into_iter()
            .take_while(|row| row.settled)
            .map(|row| Event {
                position: Position {
                    transaction: row.transaction,
                    number: row.number,
                },
                at: row.at.to_jiff(),
                items: row.items.0,
            })
            .collect();
        Ok(EventBatch::After { events, unsettled })
    }

    async fn holds(&self, position: Position) -> Result<bool> {
        let held = sqlx::query_scalar!(
            r#"select exists (select 1 from events where xid = $1::text::xid8 and number = $2) as "held!""#,
            position.transaction.to_string(),
            position.number,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(held)
    }

    /// The position of the newest event that can be read; [`Position::START`] when there is none.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn newest_position(&self) -> Result<Position> {
        let row = sqlx::query!(
            r#"select xid::text::bigint as "transaction!", number from events
               where xid < pg_snapshot_xmin(pg_current_snapshot())
               order by xid desc, number desc limit 1"#
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map_or(Position::START, |row| Position {
            transaction: row.transaction,
            number: row.number,
        }))
    }

    /// Removes the oldest events of before this time, at most this many, but for the newest of them, which somebody may
    /// stand on. Gives how many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn remove_events(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let removed = sqlx::query!(
            "delete from events where number in (
               select number from events
               where (xid, number) < (select xid, number from events where at < $1 order by at desc, number desc limit 1)
               order by xid, number
               limit $2
             )",
            before.to_sqlx() as _,
            i64::from(limit),
        )
        .execute(&self.pool)
        .await?;
        Ok(removed.rows_affected())
    }
}

/// Writes the event of a commit, as its last statement. Every id that it names must be there by now.
pub(super) async fn append(
    connection: &mut PgConnection,
    folded: &Folded,
) -> Result<Option<Position>, CommitError> {
    let flows: Vec<_> = ids(
        &folded.flows.new,
        |flow| flow.id.0,
        &folded.flows.edits,
        |id| id.0,
    );
    let runs: Vec<_> = ids(&folded.runs.new, |run| run.id.0, &folded.runs.edits, |id| id.0);
    let jobs: Vec<_> = ids(&folded.jobs.new, |job| job.id.0, &folded.jobs.edits, |id| id.0);
    let mut attempts = ids(
        &folded.attempts.new,
        |attempt| attempt.id.0,
        &folded.attempts.edits,
        |id| id.0,
    );
    attempts.extend(folded.steps.keys().map(|(attempt, _)| attempt.0));
    attempts.sort_unstable();
    attempts.dedup();
    let expected = flows.len() + runs.len() + jobs.len() + attempts.len();
    if expected == 0 {
        return Ok(None);
    }
    let row = sqlx::query!(
        r#"with named as materialized (
             select 'flow' as kind, f.id, f.id as flow from unnest($1::bigint[]) as u (id) join flows f using (id)
             union all
             select 'run', r.id, r.flow from unnest($2::bigint[]) as u (id) join runs r using (id)
             union all
             select 'job', j.id, j.flow from unnest($3::bigint[]) as u (id) join jobs j using (id)
             union all
             select 'attempt', a.id, a.flow from unnest($4::bigint[]) as u (id) join attempts a using (id)
           ),
           items as (
             select jsonb_agg(jsonb_build_object(
               'kind', n.kind, 'id', n.id::text, 'flow', n.flow::text, 'project', f.project::text)) as items
             from (
               select kind, id, flow from named where $5
               union all
               select distinct 'all', flow, flow from named where not $5
             ) n
             join flows f on f.id = n.flow
           )
           insert into events (items) select coalesce(items, '[]') from items
           returning xid::text::bigint as "transaction!", number, (select count(*) from named) as "named!""#,
        &flows,
        &runs,
        &jobs,
        &attempts,
        expected <= ITEMS,
    )
    .fetch_one(connection)
    .await?;
    let named = u64::try_from(row.named).unwrap_or(0);
    reached(named, expected, || "a step's attempt is not there".to_owned())?;
    Ok(Some(Position {
        transaction: row.transaction,
        number: row.number,
    }))
}

fn ids<Row, Id: Copy, Edit>(
    new: &[Row],
    of_new: impl Fn(&Row) -> i64,
    edits: &[(Id, Edit)],
    of_edit: impl Fn(Id) -> i64,
) -> Vec<i64> {
    new.iter()
        .map(of_new)
        .chain(edits.iter().map(|(id, _)| of_edit(*id)))
        .collect()
}
