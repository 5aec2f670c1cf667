//! How many facts there are. Of most of them it is kept, up to a position; those after it are counted when somebody asks.

use jiff::Timestamp;
use keirin_insight::{FactStream, STREAMS, TRANSFORMS, Transform};
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use crate::row::{timestamp, unsigned};
use crate::{Result, Store, series};

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
    /// When the oldest of those happened.
    pub unread_since: Option<Timestamp>,
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
    unread_since: Option<jiff_sqlx::Timestamp>,
    moved_at: Option<jiff_sqlx::Timestamp>,
}

/// Up to where it is kept how many facts a stream has.
#[derive(Debug, Clone, Copy, Default)]
struct KeptCount {
    transaction: i64,
    number: i64,
    /// Counts how often facts have gone.
    generation: i64,
}

#[derive(FromRow)]
struct AddedRow {
    facts: i64,
    newest_at: Option<jiff_sqlx::Timestamp>,
    last: Option<Vec<i64>>,
}

/// What has been added to a stream, up to a position.
struct AddedCount {
    facts: i64,
    newest_at: Option<jiff_sqlx::Timestamp>,
    transaction: i64,
    number: i64,
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
            let Transform { name, version, .. } = transform;
            let FactStream {
                table, time_column, ..
            } = transform.follows;
            format!(
                "select p.moved_at, n.unread, n.unread_since
                 from (select) one left join positions p on p.name = '{name}' cross join lateral (
                   select count(*) as unread, min(t.{time_column}) as unread_since from {table} t
                   where (t.xid, t.number) > (
                     case p.version when {version} then p.transaction else 0 end::text::xid8,
                     case p.version when {version} then p.number else 0 end){}) n",
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
                unread_since: timestamp(row.unread_since),
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
            let kept = self.kept_count(stream).await?;
            if let Some(counted) = self.count_from(stream, kept).await? {
                self.keep_count(stream, kept, counted).await?;
            }
        }
        Ok(())
    }

    async fn kept_count(&self, stream: &FactStream) -> Result<KeptCount> {
        let kept = sqlx::query_as!(
            KeptCount,
            "select transaction, number, generation from fact_counts where stream = $1",
            stream.name,
        );
        Ok(kept.fetch_optional(&self.pool).await?.unwrap_or_default())
    }

    /// Counts what has been added. It takes long where there is much, so it is no transaction that readers of positions would
    /// have to wait for: it only reads.
    async fn count_from(&self, stream: &FactStream, kept: KeptCount) -> Result<Option<AddedCount>> {
        let FactStream {
            table, time_column, ..
        } = stream;
        let statement = format!(
            "select count(*) filter (where true{}) as facts, max(t.{time_column}) as newest_at,
               max(array[t.xid::text::bigint, t.number]) as last
             from {table} t
             where (t.xid, t.number) > ($1::text::xid8, $2) and t.xid < pg_snapshot_xmin(pg_current_snapshot())",
            unless_repeated(stream)
        );
        let added: AddedRow = sqlx::query_as(AssertSqlSafe(statement))
            .bind(kept.transaction.to_string())
            .bind(kept.number)
            .fetch_one(&self.pool)
            .await?;
        Ok(added.last.and_then(|last| {
            let [transaction, number] = last[..] else {
                return None;
            };
            Some(AddedCount {
                facts: added.facts,
                newest_at: added.newest_at,
                transaction,
                number,
            })
        }))
    }

    /// Unless somebody else has kept one meanwhile, or some facts have gone.
    async fn keep_count(&self, stream: &FactStream, kept: KeptCount, added: AddedCount) -> Result<()> {
        sqlx::query!(
            "insert into fact_counts as c (stream, facts, newest_at, transaction, number) values ($1, $2, $3, $4, $5)
             on conflict (stream) do update
               set facts = c.facts + excluded.facts, newest_at = greatest(c.newest_at, excluded.newest_at),
                 transaction = excluded.transaction, number = excluded.number
               where (c.transaction, c.number, c.generation) = ($6, $7, $8)",
            stream.name,
            added.facts,
            added.newest_at as _,
            added.transaction,
            added.number,
            kept.transaction,
            kept.number,
            kept.generation,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Has whoever follows these streams count from the start: their definitions are of no version that there is. No writer of
/// samples may be under way meanwhile, for it has read what is not so any more.
pub(crate) async fn count_anew(
    connection: &mut PgConnection,
    streams: impl Iterator<Item = &'static FactStream> + Clone,
) -> Result<()> {
    series::take_turn(connection).await?;
    let names: Vec<_> = TRANSFORMS
        .iter()
        .filter(|transform| streams.clone().any(|stream| stream == transform.follows))
        .map(|transform| transform.name.to_owned())
        .collect();
    sqlx::query!("update positions set version = 0 where name = any ($1)", &names)
        .execute(&mut *connection)
        .await?;
    forget_counts(connection, streams).await
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
        "insert into fact_counts as c (stream, generation) select name, 1 from unnest($1::text[]) as u (name)
         on conflict (stream) do update
           set facts = 0, newest_at = null, transaction = 0, number = 0, generation = c.generation + 1",
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
