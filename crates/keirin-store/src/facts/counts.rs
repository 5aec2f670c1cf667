//! How many facts there are. Of most of them it is kept, up to a position; those after it are counted when somebody asks.

use jiff::Timestamp;
use keirin_insight::{FactStream, STREAMS, TRANSFORMS, Transform};
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use crate::row::{timestamp, unsigned};
use crate::{Result, Store};

/// How many facts a stream has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactCount {
    /// The stream.
    pub stream: &'static FactStream,
    /// How many.
    pub facts: u64,
    /// When the newest of them happened.
    pub newest_at: Option<Timestamp>,
}

/// How far a transform is behind the facts that it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformLag {
    /// The transform.
    pub transform: &'static Transform,
    /// How many facts it has not read yet.
    pub unread: u64,
    /// When it last moved on.
    pub moved_at: Option<Timestamp>,
}

#[derive(FromRow)]
struct CountRow {
    facts: i64,
    newest_at: Option<jiff_sqlx::Timestamp>,
}

#[derive(FromRow)]
struct LagRow {
    unread: i64,
    moved_at: Option<jiff_sqlx::Timestamp>,
}

impl Store {
    /// How many facts each stream has, in the order of the register. Costs as much as there are beyond what was
    /// [counted](Store::count_facts).
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn fact_counts(&self) -> Result<Vec<FactCount>> {
        let of = |stream: &FactStream| {
            let FactStream {
                name,
                table,
                time_column,
                ..
            } = stream;
            format!(
                "select coalesce(c.facts, 0) + n.facts as facts, greatest(c.newest_at, n.newest_at) as newest_at
                 from (select) one left join fact_counts c on c.stream = '{name}' cross join lateral (
                   select count(*) as facts, max(t.{time_column}) as newest_at from {table} t
                   where (t.xid, t.number) > (coalesce(c.transaction, 0)::text::xid8, coalesce(c.number, 0)){}) n",
                unless_repeated(stream)
            )
        };
        let statement = all(STREAMS.iter().map(|stream| of(stream)));
        let rows: Vec<CountRow> = sqlx::query_as(AssertSqlSafe(statement))
            .fetch_all(&self.pool)
            .await?;
        let counted = STREAMS.into_iter().zip(rows).map(|(stream, row)| {
            Ok(FactCount {
                stream,
                facts: unsigned(row.facts)?,
                newest_at: timestamp(row.newest_at),
            })
        });
        counted.collect()
    }

    /// How far each transform is behind, in the order of the register. Costs as much as there are facts that it has not read.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn transform_lags(&self) -> Result<Vec<TransformLag>> {
        let of = |transform: &Transform| {
            let table = transform.follows.table;
            let name = transform.name;
            format!(
                "select p.moved_at, (select count(*) from {table} t
                   where (t.xid, t.number) > (coalesce(p.transaction, 0)::text::xid8, coalesce(p.number, 0)){}) as unread
                 from (select) one left join positions p on p.name = '{name}'",
                unless_repeated(transform.follows)
            )
        };
        let statement = all(TRANSFORMS.iter().map(|transform| of(transform)));
        let rows: Vec<LagRow> = sqlx::query_as(AssertSqlSafe(statement))
            .fetch_all(&self.pool)
            .await?;
        let lags = TRANSFORMS.into_iter().zip(rows).map(|(transform, row)| {
            Ok(TransformLag {
                transform,
                unread: unsigned(row.unread)?,
                moved_at: timestamp(row.moved_at),
            })
        });
        lags.collect()
    }

    /// Keeps how many facts there are by now.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn count_facts(&self) -> Result<()> {
        for stream in STREAMS {
            let FactStream {
                name,
                table,
                time_column,
                ..
            } = stream;
            let mut transaction = self.begin().await?;
            sqlx::query!(
                "insert into fact_counts (stream) values ($1) on conflict do nothing",
                name
            )
            .execute(&mut *transaction)
            .await?;
            // Whoever deletes facts holds it too, so that none is counted that goes meanwhile.
            sqlx::query!(
                "select stream from fact_counts where stream = $1 for update",
                name
            )
            .fetch_one(&mut *transaction)
            .await?;
            let statement = format!(
                "update fact_counts c set facts = c.facts + n.facts, newest_at = greatest(c.newest_at, n.newest_at),
                   transaction = n.last[1], number = n.last[2]
                 from (
                   select count(*){} as facts, max(t.{time_column}) as newest_at,
                     max(array[t.xid::text::bigint, t.number]) as last
                   from {table} t, fact_counts b
                   where b.stream = '{name}' and (t.xid, t.number) > (b.transaction::text::xid8, b.number)
                     and t.xid < pg_snapshot_xmin(pg_current_snapshot())
                 ) n
                 where c.stream = '{name}' and n.last is not null",
                stream
                    .repeats_column
                    .map_or_else(String::new, |column| format!(" filter (where not t.{column})"))
            );
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
        }
        Ok(())
    }
}

/// Has facts of these streams counted from the start, because some of them go in this transaction.
pub(crate) async fn forget_counts(
    connection: &mut PgConnection,
    streams: impl Iterator<Item = &'static FactStream>,
) -> Result<()> {
    let mut names: Vec<String> = streams.map(|stream| stream.name.to_owned()).collect();
    // In one order for all who do this.
    names.sort_unstable();
    sqlx::query!(
        "insert into fact_counts (stream) select * from unnest($1::text[]) on conflict (stream) do update
           set facts = 0, newest_at = null, transaction = 0, number = 0",
        &names,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A condition that leaves out what does not count.
fn unless_repeated(stream: &FactStream) -> String {
    let column = stream.repeats_column;
    column.map_or_else(String::new, |column| format!(" and not t.{column}"))
}

/// Queries of one row each as one query, whose rows are in their order.
fn all(queries: impl Iterator<Item = String>) -> String {
    let placed = queries
        .enumerate()
        .map(|(place, query)| format!("select {place} as place, q.* from ({query}) q"));
    let union = placed.collect::<Vec<_>>().join(" union all ");
    format!("select * from ({union}) each order by place")
}
